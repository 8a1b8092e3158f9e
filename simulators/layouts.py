"""Gate layouts: where antennas hang, where they look, what zone each serves. To add one, add an entry to LAYOUTS.

Coordinates in metres: x across the door, y along the way out (inside y < 0, threshold y = 0, outside y > 0), z height.
"""

import math
from dataclasses import dataclass

Vec = tuple[float, float, float]


@dataclass(frozen=True)
class Antenna:
    """One circular patch. `boresight` is a unit vector; `rssi_1m_dbm` what a tag 1 m ahead gives; `eirp_dbm` what it sends."""

    port: int
    zone: str
    at: Vec
    boresight: Vec
    eirp_dbm: float
    rssi_1m_dbm: float
    gate: str | None = None
    """Which gate it serves, where one reader serves two; else the only one."""


@dataclass(frozen=True)
class Layout:
    """One gate: `half_width_m` is half of the opening, all `antennas` sit on one reader. `side_gates`: further gates and the x
    of their middle.
    """

    name: str
    about: str
    half_width_m: float
    antennas: tuple[Antenna, ...]
    side_gates: tuple[tuple[str, float], ...] = ()

    @property
    def reach_m(self) -> float:
        """How far from x = 0 the farthest opening ends."""
        return max([self.half_width_m, *(abs(x) + self.half_width_m for _, x in self.side_gates)])

    @property
    def directional(self) -> bool:
        """True where zones tell in from out."""
        zones = {antenna.zone for antenna in self.antennas}
        return {"inside", "outside"} <= zones


def towards(start: Vec, target: Vec) -> Vec:
    """The unit vector from `start` to `target`."""
    length = math.dist(start, target)
    return ((target[0] - start[0]) / length, (target[1] - start[1]) / length, (target[2] - start[2]) / length)


def ceiling_patch(port: int, zone: str, at: Vec, looks_at: Vec, *, gate: str | None = None, eirp_dbm: float = 34.0) -> Antenna:
    """A 9 dBic patch driven with 25 dBm, or as much as `eirp_dbm` takes."""
    return Antenna(port, zone, at, towards(at, looks_at), eirp_dbm, -37.0 + eirp_dbm - 34.0, gate)


def slim_patch(port: int, zone: str, at: Vec, looks_at: Vec, *, eirp_dbm: float = 31.0) -> Antenna:
    """A 6 dBic patch inside a pedestal, driven with 25 dBm: 3 dB less each way, and more lost in the casing."""
    return Antenna(port, zone, at, towards(at, looks_at), eirp_dbm, -46.0 + eirp_dbm - 31.0)


_PEDESTALS = Layout(
    "pedestals",
    "two pedestals 1.4 m apart, in each an inner and an outer antenna",
    0.7,
    (
        slim_patch(1, "inside", (-0.7, -0.3, 1.0), (0.2, -1.2, 1.0)),
        slim_patch(2, "outside", (-0.7, 0.3, 1.0), (0.2, 1.2, 1.0)),
        slim_patch(3, "inside", (0.7, -0.3, 1.0), (-0.2, -1.2, 1.0)),
        slim_patch(4, "outside", (0.7, 0.3, 1.0), (-0.2, 1.2, 1.0)),
    ),
)
_OVERHEAD = Layout(
    "overhead",
    "an inside and an outside antenna at 2.6 m over a door of 1.8 m",
    0.9,
    (
        ceiling_patch(1, "inside", (0.0, -0.4, 2.6), (0.0, -1.5, 0.9)),
        ceiling_patch(2, "outside", (0.0, 0.4, 2.6), (0.0, 1.5, 0.9)),
    ),
)
_FOUR = Layout(
    "four",
    "one reader, four antennas at 2.6 m: two look in, two look out, over a door of 2.4 m",
    1.2,
    (
        ceiling_patch(1, "inside", (-0.7, -0.4, 2.6), (-0.5, -1.4, 0.9)),
        ceiling_patch(2, "outside", (-0.7, 0.4, 2.6), (-0.5, 1.4, 0.9)),
        ceiling_patch(3, "inside", (0.7, -0.4, 2.6), (0.5, -1.4, 0.9)),
        ceiling_patch(4, "outside", (0.7, 0.4, 2.6), (0.5, 1.4, 0.9)),
    ),
)
_WIDE = Layout(
    "wide",
    "a mall front 6 m wide, four antennas at 2.9 m: two look in, two look out",
    3.0,
    (
        ceiling_patch(1, "inside", (-1.6, -0.3, 2.9), (-1.6, -1.4, 0.9)),
        ceiling_patch(2, "outside", (-1.6, 0.3, 2.9), (-1.6, 1.4, 0.9)),
        ceiling_patch(3, "inside", (1.6, -0.3, 2.9), (1.6, -1.4, 0.9)),
        ceiling_patch(4, "outside", (1.6, 0.3, 2.9), (1.6, 1.4, 0.9)),
    ),
)
_FACING = Layout(
    "facing",
    "two pedestals 1.4 m apart facing each other in one plane: no antenna tells in from out",
    0.7,
    (
        slim_patch(1, "threshold", (-0.7, 0.0, 1.0), (0.7, 0.0, 1.0)),
        slim_patch(2, "threshold", (0.7, 0.0, 1.0), (-0.7, 0.0, 1.0)),
    ),
)
_SINGLE = Layout(
    "single",
    "one antenna at 2.6 m over a door of 1.2 m",
    0.6,
    (ceiling_patch(1, "threshold", (0.0, 0.0, 2.6), (0.0, 0.0, 0.9)),),
)
_CURTAIN = Layout(
    "curtain",
    "a mall front 6 m wide, four antennas at 2.9 m in one row that look straight down: none tells in from out",
    3.0,
    tuple(ceiling_patch(port, "threshold", (x, 0.0, 2.9), (x, 0.0, 0.9)) for port, x in enumerate((-2.25, -0.75, 0.75, 2.25), 1)),
)
_TWIN = Layout(
    "twin",
    "two doors 4.5 m apart on one reader, an inside and an outside antenna at 2.6 m each; each hears the other's tags",
    0.9,
    (
        ceiling_patch(1, "inside", (0.0, -0.4, 2.6), (0.0, -1.5, 0.9)),
        ceiling_patch(2, "outside", (0.0, 0.4, 2.6), (0.0, 1.5, 0.9)),
        ceiling_patch(3, "inside", (4.5, -0.4, 2.6), (4.5, -1.5, 0.9), gate="side"),
        ceiling_patch(4, "outside", (4.5, 0.4, 2.6), (4.5, 1.5, 0.9), gate="side"),
    ),
    (("side", 4.5),),
)

LAYOUTS = {layout.name: layout for layout in (_PEDESTALS, _OVERHEAD, _FOUR, _WIDE, _FACING, _SINGLE, _CURTAIN, _TWIN)}
