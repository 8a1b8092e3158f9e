"""What stands on a shelf is remembered by its baseline; of its last seconds only what its next passage could show is kept."""

from msgspec.structs import replace
from walks import T0, alarms, config, own, run, stand, walk

from rfidguard.bins import binned
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
