"""What stands on a shelf is remembered by its baseline; of its last seconds only what its next passage could show is kept."""

from msgspec.structs import replace
from walks import T0, alarms, config, own, run, stand, walk

from rfidguard.bins import binned
from rfidguard.events import Read
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner
from rfidguard.track import BIN_S


def test_a_standing_tag_forgets_what_was_before_its_next_passage_could_start() -> None:
    runner = Runner(layout_from(config()), RecordSet().find)
    for read in stand(own(1), 30.0):
        runner.feed(read)
    (track,) = runner.state.tracks["front"].values()
    assert track.state == "standing"
    binned(track)
    assert (track.bins[-1].index - track.bins[0].index) * BIN_S < 6.0


def test_it_rings_all_the_same_when_it_is_taken_out() -> None:
    reads = walk(own(1), [(0.0, -1.5), (30.0, -1.5), (34.0, 3.0)])
    (change,) = alarms(run(reads))
    assert change.alarm.items[0].epc == own(1)
    assert abs(change.event_at - (T0 + 31.3)) < 2.0


def test_goods_that_an_antenna_first_heard_through_somebody_come_to_rest_all_the_same() -> None:
    runner = Runner(layout_from(config()), RecordSet().find)
    inner, outer = (stand(own(1), 30.0, antennas={port: -0.4}, rate_hz=8.0) for port in (1, 2))
    outer = [read for read in outer if read.at > T0 + 1.5]
    outer[0] = replace(outer[0], rssi_dbm=outer[0].rssi_dbm - 20.0)
    for read in sorted([*inner, *outer], key=lambda read: read.at):
        runner.feed(read)
    (track,) = runner.state.tracks["front"].values()
    assert track.state == "standing"


def test_a_shelf_that_is_still_being_met_is_not_new_but_whoever_comes_after_it_is() -> None:
    runner = Runner(layout_from(config()), RecordSet().find)

    def heard(serial: int, at: float) -> None:
        read = Read(at=T0 + at, gate="front", reader="front-1", antenna=1, epc=own(serial), rssi_dbm=-60.0)
        runner.feed(read)

    for serial in range(40):
        heard(serial, serial / 2.0)
    heard(100, 28.0)
    for serial in range(200, 220):
        heard(serial, 70.0 + serial / 1000.0)
    new = {epc for epc, track in runner.state.tracks["front"].items() if track.new}
    shelf, sweep = {own(serial) for serial in range(15, 40)}, {own(serial) for serial in range(200, 220)}
    assert not new & shelf
    assert new >= {own(100), *sweep}
