"""Where the simulated reader's tags come from: journals and lists of reads, their pace, loops and mistakes."""

import gzip
from pathlib import Path

import pytest
import zstandard

from rfidguard.errors import ConfigError
from rfidguard.events import Device, Read
from rfidguard.journal import encode_line
from simulators.llrp_reader import JournalReads, Played


def read(at: float, reader: str = "a") -> Read:
    return Read(at=at, gate="g", reader=reader, antenna=1, epc="AA", rssi_dbm=-50.0)


LINES = b"".join(
    map(encode_line, (Device(at=90.0, device="a", state="online"), read(100.0), read(100.5, "b"), read(101.0), read(103.0, "b")))
)


def written(path: Path) -> Path:
    data = {".gz": gzip.compress, ".zst": zstandard.compress}.get(path.suffix, bytes)(LINES)
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("name", ["j.jsonl", "j.jsonl.gz", "j.jsonl.zst"])
def test_a_journal_gives_the_reads_of_one_reader(tmp_path: Path, name: str) -> None:
    assert [entry.at for entry in JournalReads(written(tmp_path / name), "b")] == [100.5, 103.0]


def test_without_a_name_the_first_reader_is_taken(tmp_path: Path) -> None:
    reads = JournalReads(written(tmp_path / "j.jsonl"))
    assert (reads.reader, reads.readers) == ("a", ["a", "b"])


def test_two_readers_of_one_journal_keep_step(tmp_path: Path) -> None:
    reads = JournalReads(written(tmp_path / "j.jsonl"), "b")
    assert Played(reads, zero=reads.zero).next_s() == 0.5


def test_lines_that_cannot_be_used_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(LINES + b'{"type":"read","reader":"a","at":1}\n')
    reads = JournalReads(path)
    assert (len(list(reads)), dict(reads.refused)) == (2, {"bad_field": 1})


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("none.jsonl", None, "cannot be read: No such file"),
        ("empty.jsonl", b"", "no `read` lines"),
        ("other.jsonl", encode_line(Device(at=1.0, device="a", state="online")), "no `read` lines"),
        ("bad.jsonl", b'{"type":"read"}\n', "1 lines refused: bad_field"),
        ("bad.jsonl.gz", b"no gzip", "damaged"),
        ("bad.jsonl.zst", b"no zstd", "damaged"),
    ],
)
def test_a_bad_journal_is_named_with_what_is_wrong(tmp_path: Path, name: str, data: bytes | None, said: str) -> None:
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(ConfigError, match=said) as raised:
        JournalReads(tmp_path / name)
    assert name in raised.value.problems[0]


def test_a_reader_that_the_journal_does_not_have_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no reads of reader 'c'; it has reads of a, b"):
        JournalReads(written(tmp_path / "j.jsonl"), "c")


def test_reads_come_at_their_time_and_faster_with_speed() -> None:
    played = Played([read(10.0), read(11.0), read(14.0)], speed=2.0)
    assert [moment for moment, _ in played.due(0.6)] == [0.0, 0.5]
    assert played.next_s() == 2.0


def test_a_loop_starts_again_after_a_pause() -> None:
    played = Played([read(10.0), read(11.0)], loop=True)
    assert [moment for moment, _ in played.due(5.0)] == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def test_an_end_without_loop_is_an_end() -> None:
    played = Played([read(10.0)])
    assert len(played.due(9.0)) == 1
    assert (played.next_s(), played.due(99.0)) == (None, [])


def test_a_loop_over_nothing_ends() -> None:
    assert Played([], loop=True).next_s() is None


def test_a_read_older_than_the_first_comes_at_once() -> None:
    assert [moment for moment, _ in Played([read(10.0), read(9.0)]).due(0.0)] == [0.0, 0.0]
