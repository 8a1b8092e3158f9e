"""Taking up a journal again: torn snapshots, memories of the future, alarms that only one side knows."""

from pathlib import Path

from walks import T0, alarms, config, leave, own, stand

from rfidguard.epc import identify
from rfidguard.events import Ledger
from rfidguard.journal import HEADER, decode_line, encode_line
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet
from rfidguard.resume import resumed
from rfidguard.runner import Runner

LAYOUT = layout_from(config())


def journal(folder: Path, number: int, *lines: bytes) -> None:
    (folder / f"journal-20270115T080000Z-{number}.jsonl").write_bytes(b"".join((HEADER, *lines)))


def half_a_walk() -> tuple[Runner, list[bytes]]:
    runner = Runner(LAYOUT, RecordSet().find)
    first = [encode_line(runner.snapshot(T0))]
    return runner, first + [encode_line(read) for read in leave(own(1)) if read.at < T0 + 2.0]


def test_torn_snapshot_of_the_newest_journal_leads_back_to_the_one_before(tmp_path: Path) -> None:
    runner, lines = half_a_walk()
    journal(tmp_path, 0, *lines)
    journal(tmp_path, 1, encode_line(runner.snapshot(T0))[:40])
    found, _ = resumed(LAYOUT, RecordSet().find, tmp_path, [], T0 + 3)
    assert own(1) in found.state.tracks["front"]


def test_alarm_that_the_database_lost_is_stored_and_told_again_as_it_stands(tmp_path: Path) -> None:
    runner = Runner(LAYOUT, RecordSet().find)
    reads = sorted([*leave(own(1)), *stand(own(2), 9)], key=lambda read: read.at)
    rung = [effect for read in reads for effect in runner.feed(read)]
    (raised,) = alarms(rung)
    journal(tmp_path, 0, encode_line(runner.snapshot(T0 + 9)))
    _, effects = resumed(LAYOUT, RecordSet().find, tmp_path, [], T0 + 10)
    assert [effect.alarm.id for effect in alarms(effects)] == [raised.alarm.id]
    known, nothing = resumed(LAYOUT, RecordSet().find, tmp_path, [raised.alarm], T0 + 10)
    assert alarms(nothing) == []
    assert raised.alarm.id in known.state.incidents


def test_memory_from_a_future_that_cannot_be_waited_for_is_left_alone(tmp_path: Path) -> None:
    _, lines = half_a_walk()
    journal(tmp_path, 0, *lines)
    found, _ = resumed(LAYOUT, RecordSet().find, tmp_path, [], T0 - 86_400)
    assert found.state.tracks["front"] == {}


def test_sale_that_the_core_never_heard_of_is_known_after_the_restart(tmp_path: Path) -> None:
    runner, lines = half_a_walk()
    reads = [decode_line(line) for line in lines[1:]]
    for read in reads:
        assert read is not None
        runner.feed(read)
    journal(tmp_path, 0, encode_line(runner.snapshot(T0 + 2.0)))
    sold = RecordSet()
    sold.add(Ledger(at=T0, id="s1/1", kind="sold", epc=own(1)))
    found, _ = resumed(LAYOUT, sold.find, tmp_path, [], T0 + 3)
    assert [record.id for record in found.state.view.find((identify(own(1)).key,))] == ["s1/1"]


def test_open_alarm_of_an_item_whose_sale_was_stored_in_the_last_moment_is_cleared(tmp_path: Path) -> None:
    """The journal's tail, asked of a ledger that knows more, rings no more; the alarm that rang stands in the database."""
    runner = Runner(LAYOUT, RecordSet().find)
    reads = sorted([*leave(own(1)), *stand(own(2), 9)], key=lambda read: read.at)
    lines = [encode_line(runner.snapshot(T0)), *map(encode_line, reads)]
    (raised,) = alarms([effect for read in reads for effect in runner.feed(read)])
    journal(tmp_path, 0, *lines)
    sold = RecordSet()
    sold.add(Ledger(at=T0, id="s1/1", kind="sold", epc=own(1)))
    found, effects = resumed(LAYOUT, sold.find, tmp_path, [raised.alarm], T0 + 10)
    assert [effect.alarm.id for effect in alarms(effects, "cleared")] == [raised.alarm.id]
    assert found.state.incidents[raised.alarm.id].alarm.state == "cleared"
