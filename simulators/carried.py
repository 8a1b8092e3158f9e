"""What rides on a person: where a tag is in a hand, a bag, on the body or in what its person pushes."""

import math
from dataclasses import dataclass
from typing import NamedTuple

from simulators.layouts import Vec
from simulators.people import BODY_HEIGHT_M, Pose, Walk


class Manner(NamedTuple):
    """How something is carried: offset from an adult's body (right, ahead, height), swing along the way and restlessness
    while standing (m), spread of the goods (right, ahead, height; m), one-way loss by contents and skin (dB).
    """

    offset: Vec
    swing_m: float
    restless_m: float
    spread: Vec
    loss_db: float


_CLOSE = (0.05, 0.05, 0.05)
CARRY: dict[str, Manner] = {
    "hand": Manner((0.33, 0.08, 0.85), 0.14, 0.07, _CLOSE, 6.0),
    "swing": Manner((0.1, 0.4, 1.15), 0.14, 0.25, _CLOSE, 5.0),
    "bag": Manner((0.36, 0.0, 0.62), 0.05, 0.0, _CLOSE, 6.0),
    "backpack": Manner((0.0, -0.3, 1.2), 0.02, 0.0, _CLOSE, 8.0),
    "body": Manner((0.1, 0.2, 1.1), 0.01, 0.0, _CLOSE, 11.0),
    "cart": Manner((0.0, 0.75, 0.8), 0.0, 0.0, (0.13, 0.13, 0.13), 3.0),
    "pram": Manner((0.0, 0.7, 0.55), 0.0, 0.0, (0.1, 0.15, 0.1), 5.0),
    "rack": Manner((0.0, 0.7, 1.25), 0.0, 0.0, (0.12, 0.35, 0.2), 2.0),
    "foil": Manner((0.36, 0.0, 0.62), 0.05, 0.0, _CLOSE, 40.0),
}
"""By place. `swing` is a garment held out and looked at; 40 dB is a closed foil bag. The hand's 6 dB give the read rate and the
gaps of recorded walks (tests/unit/test_simulator_calibration.py); the others are assumed around it.
"""


@dataclass(frozen=True)
class Carried:
    """How one tag rides on its person: `place` of CARRY, a small offset of its own, orientation in the body's frame,
    and what the goods packed around it cost (`packed_db`, one way).
    """

    walk: Walk
    place: str
    offset: Vec
    orientation: Vec
    gait_phase: float
    packed_db: float = 0.0

    def position(self, at: float) -> Vec | None:
        """Where the tag is: it swings and bobs while its person walks, and a hand is never quite still."""
        pose = self.walk.pose(at)
        return None if pose is None else self.ride(pose, at)[0]

    def ride(self, pose: Pose, at: float) -> tuple[Vec, Vec]:
        """The tag's place, and its dipole axis in the room's frame, while its person is at `pose`."""
        x, y, hx, hy, moving = pose
        (right, ahead, height), swing, restless, _, _ = CARRY[self.place]
        height = (height + self.offset[2]) * self.walk.figure.height_m / BODY_HEIGHT_M
        gait = self.gait_phase
        if moving:
            ahead += swing * math.sin(5.6 * at + gait)
            height += 0.02 * math.sin(11.2 * at + gait)
        elif restless:
            ahead += 0.85 * restless * math.sin(2.3 * at + gait)
            height += 1.15 * restless * math.sin(1.7 * at + 2.0 * gait)
        right += self.offset[0]
        ahead += self.offset[1]
        side, along, up = self.orientation
        return (
            (x + right * hy + ahead * hx, y - right * hx + ahead * hy, height),
            (side * hy + along * hx, -side * hx + along * hy, up),
        )
