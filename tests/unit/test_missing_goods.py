"""Goods by the gate that fall silent all at once, or are heard by other antennas: were they taken, or is somebody in the way?"""

import pytest
from walks import T0, alarms, config, own, stand

from rfidguard.events import Count, Read, Tick
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner


def shelf(rate_hz: float, **more: object) -> Runner:
    """A gate before which one tag has stood for half a minute."""
    runner = Runner(layout_from(config()), RecordSet().find)
    for read in stand(own(1), 30.0, rate_hz=rate_hz, **more):
        runner.feed(read)
    assert next(iter(runner.state.tracks["front"].values())).state == "standing"
    return runner


@pytest.mark.parametrize(
    ("direction", "rate_hz", "state"), [("out", 4.0, "candidate"), ("in", 4.0, "standing"), ("out", 0.8, "standing")]
)
def test_goods_that_miss_their_reads_are_watched_when_somebody_went_out(direction: str, rate_hz: float, state: str) -> None:
    runner = shelf(rate_hz)
    runner.feed(Count(at=T0 + 30.2, gate="front", counter="beam", direction=direction))
    runner.feed(Tick(at=T0 + 31.9))
    (track,) = runner.state.tracks["front"].values()
    assert track.state == state
    assert not track.gone


def test_goods_that_were_only_hidden_stand_again_and_nothing_rings() -> None:
    runner = shelf(4.0)
    effects = runner.feed(Count(at=T0 + 30.2, gate="front", counter="beam", direction="out"))
    for read in stand(own(1), 10.0, at=32.0, rate_hz=4.0):
        effects += runner.feed(read)
    (track,) = runner.state.tracks["front"].values()
    assert track.state == "standing"
    assert not alarms(effects)


@pytest.mark.parametrize(("antenna", "state"), [(1, "standing"), (2, "candidate")])
def test_goods_that_an_antenna_hears_for_the_first_time_are_watched(antenna: int, state: str) -> None:
    runner = shelf(4.0, antennas={1: -0.4})
    (track,) = runner.state.tracks["front"].values()
    (level_db,) = {round(spot.mean_db) for spot in track.base.values()}
    for at in (30.1, 30.3):
        runner.feed(Read(at=T0 + at, gate="front", reader="front-1", antenna=antenna, epc=own(1), rssi_dbm=level_db))
    runner.feed(Tick(at=T0 + 30.6))
    assert track.state == state
