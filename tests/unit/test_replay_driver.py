"""A device fed from a journal."""

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import zstandard
from driving import Driving
from pydantic import ValidationError
from wait import wait_for

from drivers.replay import ReplayDriver, ReplaySettings
from rfidguard.clock import SystemClock
from rfidguard.driver import AntennaPlace
from rfidguard.errors import DeviceLost
from rfidguard.events import Count, Device, Eas, Gpi, Ledger, Read
from rfidguard.journal import HEADER, encode_line

CLOCK = SystemClock()
T0 = 1_700_000_000.0
EPC = "3034257BF7194E4000001A85"


def read(after: float, reader: str = "front-1", gate: str = "front", **more: Any) -> Read:
    return Read(at=T0 + after, gate=gate, reader=reader, antenna=1, epc=EPC, rssi_dbm=-50.0, **more)


LINES = [
    Eas(at=T0, gate="front", pedestal="front-eas", kind="alarm"),
    read(1.0),
    read(1.1, reader="side-1"),
    Ledger(at=T0 + 1.2, id="a", kind="sold", epc=EPC),
    read(1.5, received=T0 + 1.75),
    read(2.0, gate="side"),
    Gpi(at=T0 + 2.5, device="front-1", pin=1, high=True),
]


def journal(path: Path, lines: list[Any] = LINES, extra: bytes = b"") -> Path:
    data = HEADER + b"".join(encode_line(line) for line in lines) + extra
    if path.suffix == ".gz":
        data = gzip.compress(data)
    elif path.suffix == ".zst":
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)
    return path


@contextmanager
def running(device: str = "front-1", **settings: Any) -> Iterator[Driving]:
    driver = ReplayDriver(device, "front", ReplaySettings(**settings), CLOCK, {1: AntennaPlace("front", "inside")})
    with Driving(driver) as driving:
        yield driving


@pytest.mark.parametrize("name", ["j.jsonl", "j.jsonl.gz", "j.jsonl.zst"])
def test_only_the_lines_of_the_device_come_back_in_order(tmp_path: Path, name: str) -> None:
    with running(journal=journal(tmp_path / name), speed=0) as driving:
        driving.until(Gpi)
        assert [type(event) for event in driving.events] == [Device, Read, Read, Gpi]
        assert driving.driver.rejects == {"other_gate": 1}


@pytest.mark.parametrize(("device", "kind"), [("front-eas", Eas), ("front-1", Read)])
def test_any_kind_of_device_is_played(tmp_path: Path, device: str, kind: type) -> None:
    with running(device, journal=journal(tmp_path / "j.jsonl"), speed=0) as driving:
        driving.until(kind)


def test_counter_is_played(tmp_path: Path) -> None:
    lines = [Count(at=T0, gate="front", counter="front-count", direction="in", people=2)]
    with running("front-count", journal=journal(tmp_path / "j.jsonl", lines), speed=0) as driving:
        assert driving.until(Count).people == 2


def test_as_fast_as_possible_keeps_the_spacing_and_ends_now(tmp_path: Path) -> None:
    begun = CLOCK.now()
    with running(journal=journal(tmp_path / "j.jsonl"), speed=0) as driving:
        gpi = driving.until(Gpi)
        first, second = driving.of(Read)
        assert second.at - first.at == pytest.approx(0.5, abs=1e-5)
        assert second.received is not None
        assert second.received - second.at == pytest.approx(0.25, abs=1e-5)
        assert begun <= gpi.at <= CLOCK.now()


def test_pace_is_kept_and_times_are_now(tmp_path: Path) -> None:
    begun = CLOCK.now()
    with running(journal=journal(tmp_path / "j.jsonl"), speed=5.0) as driving:
        gpi = driving.until(Gpi)
        assert CLOCK.now() >= begun + 0.5
        first, _ = driving.of(Read)
        assert gpi.at - first.at == pytest.approx(1.5 / 5, abs=1e-5)
        # The journal began with the pedestal's line, one second before this reader's first.
        assert first.at >= begun + 0.2


def test_without_a_journal_it_is_online_and_silent() -> None:
    with running() as driving:
        driving.until_online()
        driving.end()
        assert len(driving.events) == 1


def test_missing_journal_is_a_lost_device(tmp_path: Path) -> None:
    with running(journal=tmp_path / "none.jsonl") as driving:
        wait_for(driving.ended)
        assert isinstance(driving.failure, DeviceLost)
        assert "none.jsonl" in str(driving.failure)
        assert driving.events == []


def test_bad_lines_are_counted_and_the_rest_is_played(tmp_path: Path) -> None:
    path = journal(tmp_path / "j.jsonl", extra=b'{"type":"read","at":"x"}\nrubbish\n' + encode_line(read(3.0)))
    with running(journal=path, speed=0) as driving:
        driving.until(Read, count=3)
        assert driving.driver.rejects == {"bad_field": 1, "not_json": 1, "other_gate": 1}


def test_archive_cut_short_is_counted_and_loses_no_device(tmp_path: Path) -> None:
    path = journal(tmp_path / "j.jsonl.gz")
    path.write_bytes(path.read_bytes()[:-12])
    with running(journal=path, speed=0) as driving:
        wait_for(lambda: driving.driver.rejects["torn_archive"] == 1)
        assert driving.failure is None


@pytest.mark.parametrize("given", [{"speed": -1}, {"speed": "fast"}, {"sped": 1}])
def test_settings_that_cannot_work_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        ReplaySettings(**given)
