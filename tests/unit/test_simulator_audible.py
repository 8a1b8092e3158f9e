"""The quick way to who has power against the slow and exact one."""

from random import Random

import pytest

from simulators.audible import Audible
from simulators.layouts import LAYOUTS
from simulators.people import Walk
from simulators.physics import Room, level_db, power_at_tag_dbm, wave_number
from simulators.presence import Presence
from simulators.tags import Stay, new_tag, sway

K = (wave_number(866.3),)
SURE_DB = 1.6


@pytest.mark.parametrize("layout", ["four", "pedestals", "facing"])
def test_whoever_surely_has_power_is_found_and_nobody_else(layout: str) -> None:
    rng = Random(layout)
    places = [(rng.uniform(-3, 3), rng.uniform(-3.5, -0.4), rng.uniform(0.3, 1.8)) for _ in range(150)]
    tags = tuple(new_tag(str(n), (Stay(float("-inf"), place),), rng, crowded=True) for n, place in enumerate(places))
    people = tuple(Walk((0.0, 20.0), ((rng.uniform(-2, 2), -4.0), (rng.uniform(-2, 2), 4.0))) for _ in range(3))
    gate = LAYOUTS[layout]
    room, antennas = Room(gate, Random(5)), {antenna.port: antenna for antenna in gate.antennas}
    presence = Presence(tags, people, (), 5.0)
    audible = Audible(room, antennas, tags, K, (), 1.0, Random(1))
    for at in (0.3, 4.0, 8.0, 9.5, 10.0, 11.0, 16.0):
        standing, _ = presence.tags(at)
        around = presence.around(at)
        for port, antenna in antennas.items():
            found = {index for index, _ in audible.standing(port, 0, standing, at, around)}
            for index, tag in enumerate(tags):
                place = sway(tag, places[index], at, around.moving)
                paths = room.paths(port, place, tag.axis, K[0])
                gain = level_db(room.channel(port, place, paths, K[0], around.people))
                margin = power_at_tag_dbm(antenna, gain, tag.own_loss_db(at)) - tag.sensitivity_dbm
                if abs(margin) > SURE_DB:
                    assert (index in found) == (margin > 0), (at, port, index, margin)
