"""Log lines: what they are about stands in fields, and a fault that repeats itself does not fill the log."""

import logging
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from rfidguard import log_repeats, logs
from rfidguard.journald import MAX_BYTES, JournalHandler, datagram, is_journal
from rfidguard.log_repeats import ALIKE, MAX_PLACES, SAME, WINDOW_S, Repeats


class Kept(logging.Handler):
    """Keeps what is written, formatted as on standard error."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.setFormatter(logs._Line("%(message)s"))
        self.addFilter(Repeats())

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


def record(text: str, *args: object, level: int = logging.WARNING, at: float = 0.0, **fields: object) -> logging.LogRecord:
    made = logging.LogRecord("rfidguard.part", level, __file__, 1, text, args, None)
    made.created = 1e9 + at
    vars(made).update(fields)
    return made


def test_alarm_and_gate_stand_behind_the_text_where_it_does_not_name_them() -> None:
    kept = Kept()
    kept.handle(record("it rang", alarm="01K", gate="front"))
    kept.handle(record("alarm 01K rang", alarm="01K", gate="front"))
    assert kept.lines == ["it rang alarm=01K gate=front", "alarm 01K rang gate=front"]


def test_the_same_line_is_written_a_few_times_and_then_counted() -> None:
    kept = Kept()
    before = log_repeats.left_out["warning"]
    for number in range(1_000):
        kept.handle(record("%s is away", "the broker", at=number / 100))
    assert kept.lines == ["the broker is away"] * SAME
    kept.handle(record("%s is away", "the broker", at=WINDOW_S + 1))
    assert kept.lines[-1] == f"the broker is away ({1_000 - SAME} lines like this were left out)"
    assert log_repeats.left_out["warning"] - before == 1_000 - SAME


def test_lines_that_differ_in_what_they_name_are_limited_together() -> None:
    kept = Kept()
    for number in range(ALIKE * 5):
        kept.handle(record("user %s is refused", number))
    assert len(kept.lines) == ALIKE


def test_one_fault_does_not_silence_another() -> None:
    kept = Kept()
    for _ in range(100):
        kept.handle(record("the broker is away"))
    kept.handle(record("the reader is away"))
    assert kept.lines[-1] == "the reader is away"


def test_critical_lines_are_always_written() -> None:
    kept = Kept()
    for _ in range(50):
        kept.handle(record("the core hangs", level=logging.CRITICAL))
    assert len(kept.lines) == 50


def test_a_clock_set_back_does_not_silence_the_log() -> None:
    kept = Kept()
    for _ in range(10):
        kept.handle(record("away", at=3600.0))
    kept.handle(record("away", at=0.0))
    assert len(kept.lines) == SAME + 1


def test_memory_is_bounded_whatever_is_logged() -> None:
    repeats = Repeats()
    for number in range(20_000):
        repeats.filter(record(f"made up {number}"))
        repeats.filter(record("%s", number))
    assert len(repeats._places) <= MAX_PLACES
    assert all(len(place.texts) <= log_repeats.MAX_TEXTS for place in repeats._places.values())


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "socket"))
        listener.settimeout(10)
        yield listener


@pytest.fixture
def handler(journal: socket.socket) -> Iterator[JournalHandler]:
    handler = JournalHandler(Kept(), Path(journal.getsockname()))
    handler.setFormatter(logs._Line("%(message)s"))
    yield handler
    handler.close()


def parsed(data: bytes) -> dict[str, str]:
    fields = {}
    while data:
        line, _, rest = data.partition(b"\n")
        name, equals, value = line.partition(b"=")
        if not equals:
            (length,) = struct.unpack_from("<Q", rest)
            value, rest = rest[8 : 8 + length], rest[9 + length :]
        fields[name.decode()] = value.decode()
        data = rest
    return fields


def test_the_journal_gets_priority_alarm_and_gate_as_fields(journal: socket.socket, handler: JournalHandler) -> None:
    handler.handle(record("it rang", level=logging.ERROR, alarm="01K", gate="front"))
    fields = parsed(journal.recv(100_000))
    assert fields["MESSAGE"] == "it rang alarm=01K gate=front"
    assert (fields["PRIORITY"], fields["LOGGER"], fields["SYSLOG_IDENTIFIER"]) == ("3", "rfidguard.part", "rfidguard")
    assert (fields["RFIDGUARD_ALARM"], fields["RFIDGUARD_GATE"]) == ("01K", "front")


def test_a_text_of_many_lines_is_one_entry_and_cannot_forge_fields(journal: socket.socket, handler: JournalHandler) -> None:
    handler.handle(record("a\nPRIORITY=0\nRFIDGUARD_GATE=forged"))
    fields = parsed(journal.recv(100_000))
    assert fields["MESSAGE"] == "a\nPRIORITY=0\nRFIDGUARD_GATE=forged"
    assert (fields["PRIORITY"], "RFIDGUARD_GATE" in fields) == ("4", False)


def test_a_huge_text_is_cut_to_what_a_datagram_takes(journal: socket.socket, handler: JournalHandler) -> None:
    handler.handle(record("x" * 1_000_000))
    assert len(parsed(journal.recv(200_000))["MESSAGE"]) == MAX_BYTES


def test_without_a_journal_lines_go_to_standard_error(tmp_path: Path) -> None:
    fallback = Kept()
    handler = JournalHandler(fallback, tmp_path / "nobody")
    handler.handle(record("still said"))
    handler.close()
    assert fallback.lines == ["still said"]


def test_a_redirected_child_does_not_take_its_file_for_the_journal(tmp_path: Path) -> None:
    with (tmp_path / "out").open("w") as file:
        stat = os.fstat(file.fileno())
        assert is_journal(f"{stat.st_dev}:{stat.st_ino}", file.fileno())
        assert not is_journal("8:12345", file.fileno())
        assert not is_journal(None, file.fileno())


def test_a_datagram_is_what_the_protocol_says() -> None:
    assert datagram({"A": "b", "C": "d\ne"}) == b"A=b\nC\n\x03\0\0\0\0\0\0\0d\ne\n"
