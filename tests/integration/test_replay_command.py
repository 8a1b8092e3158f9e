"""`rfidguard replay` on real files and pipes."""

import gzip
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import zstandard

from rfidguard.events import State, Tick
from rfidguard.journal import MAX_LINE_BYTES, MAX_STATE_BYTES, decode_lines, encode_line
from rfidguard.journal_files import events_in, lines_in

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "tests" / "logs"
UNPAID = (LOGS / "unpaid-leaves.jsonl").read_bytes()


def replay(*arguments: object, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "rfidguard", "replay", *map(str, arguments), "--config", str(LOGS / "default.toml")]
    return subprocess.run(command, capture_output=True, input=given, cwd=ROOT, timeout=60, check=False)


def event_types(lines: bytes) -> list[str]:
    return [json.loads(line)["event_type"] for line in lines.splitlines()]


def test_alarms_go_to_standard_output_where_nothing_else_was_asked_for() -> None:
    done = replay(LOGS / "unpaid-leaves.jsonl")
    assert done.returncode == 0
    assert event_types(done.stdout)[0] == "raised"


def test_a_packed_journal_on_a_pipe_gives_the_same_bytes_as_the_plain_file() -> None:
    expected = replay(LOGS / "unpaid-leaves.jsonl").stdout
    assert expected
    assert replay("-", given=zstandard.compress(UNPAID)).stdout == expected


def test_a_journal_says_the_same_however_it_is_packed_cut_or_ended(tmp_path: Path) -> None:
    forms = {
        "plain": UNPAID,
        "gzip": gzip.compress(UNPAID),
        "zstd": zstandard.compress(UNPAID),
        "two.zst": zstandard.compress(UNPAID[:5000]) + zstandard.compress(UNPAID[5000:]),
        "bom": b"\xef\xbb\xbf" + UNPAID,
        "windows": UNPAID.replace(b"\n", b"\r\n"),
        "no end": UNPAID.rstrip(b"\n"),
    }
    expected = list(decode_lines(UNPAID.splitlines(), Counter()))
    for name, data in forms.items():
        (tmp_path / name).write_bytes(data)
        refused: Counter[str] = Counter()
        assert list(events_in([tmp_path / name], refused)) == expected, name
        assert not refused, name


def test_a_line_beyond_all_measure_is_counted_and_the_next_is_read(tmp_path: Path) -> None:
    (tmp_path / "long").write_bytes(b"x" * (MAX_LINE_BYTES + 5) + b'\n{"type":"tick","at":1}\n')
    refused: Counter[str] = Counter()
    assert list(events_in([tmp_path / "long"], refused)) == [Tick(at=1.0)]
    assert refused == {"too_long": 1}


def test_a_snapshot_may_be_longer_than_any_other_line(tmp_path: Path) -> None:
    snapshot = State(at=1.0, snapshot={"x": "y" * (MAX_LINE_BYTES + 5)})
    (tmp_path / "long").write_bytes(encode_line(snapshot) + b'{"type":"tick","at":1}\n')
    refused: Counter[str] = Counter()
    assert list(events_in([tmp_path / "long"], refused)) == [snapshot, Tick(at=1.0)]
    assert not refused


@pytest.mark.parametrize("start", [b'{"type":"tick","at":1}', b'{"type":"state","at":1}'])
def test_the_end_of_a_line_that_was_given_up_is_never_taken_for_a_snapshot(start: bytes) -> None:
    filling = start + b" " * (MAX_LINE_BYTES if b"tick" in start else MAX_STATE_BYTES)
    refused: Counter[str] = Counter()
    assert list(lines_in([filling, b'{"type":"state","at":2}', b"\n", b"next"], refused)) == [b"next"]
    assert refused == {"too_long": 1}


def test_a_directory_of_rotated_journals_is_read_in_order(tmp_path: Path) -> None:
    lines = UNPAID.splitlines(keepends=True)
    (tmp_path / "journal-20270115T080000Z-2.jsonl").write_bytes(b"".join(lines[150:]))
    (tmp_path / "journal-20270115T080000Z-0.jsonl.zst").write_bytes(zstandard.compress(b"".join(lines[:100])))
    (tmp_path / "journal-20270115T080000Z-1.jsonl.zst").write_bytes(zstandard.compress(b"".join(lines[100:150])))
    (tmp_path / "journal-20270115T080000Z-1.jsonl").write_bytes(b"half packed already")
    assert replay(tmp_path).stdout == replay(LOGS / "unpaid-leaves.jsonl").stdout


def test_alarms_and_decisions_go_to_files(tmp_path: Path) -> None:
    done = replay(LOGS / "paid-leaves.jsonl", "--alarms", tmp_path / "a", "--decisions", tmp_path / "d")
    assert (done.returncode, done.stdout) == (0, b"")
    assert (tmp_path / "a").read_bytes() == b""
    decisions = [json.loads(line) for line in (tmp_path / "d").read_text().splitlines()]
    assert {decision["reason"] for decision in decisions} == {"sold", "foreign"}
    assert set(decisions[0]) == {"epc", "gate", "at", "verdict", "reason", "direction", "certainty", "terms"}


def test_a_ledger_file_says_what_was_sold_before(tmp_path: Path) -> None:
    sold = [
        {"type": "ledger", "at": 1_799_999_000, "id": f"s/{n}", "kind": "sold", "epc": f"3034257bf7194e400000000{n}"}
        for n in (1, 2)
    ]
    (tmp_path / "sold.jsonl").write_text("\n".join(map(json.dumps, sold)))
    done = replay(LOGS / "unpaid-leaves.jsonl", "--ledger", tmp_path / "sold.jsonl")
    assert (done.returncode, done.stdout) == (0, b"")


def test_refused_lines_are_counted_by_reason_on_standard_error() -> None:
    bad = [
        b"garbage",
        b'{"type":"read","at":1,"gate":"back","reader":"r","antenna":1,"epc":"30AB","rssi":-60}',
        b'{"type":"read","at":1,"gate":"front","reader":"r","antenna":1,"epc":"30A","rssi":-60}',
        b'{"type":"state","at":1,"snapshot":{"tracks":7}}',
        b'{"type":"eas","at":"now","gate":"front","pedestal":"p","kind":"alarm"}',
    ]
    done = replay("-", given=b"\n".join(bad))
    assert done.returncode == 0
    for reason in ("1 not_json", "1 unknown_gate", "1 bad_epc", "1 bad_state", "1 bad_field"):
        assert f"refused: {reason}".encode() in done.stderr


def test_a_torn_archive_gives_what_could_be_read_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(UNPAID * 20)[:-2000])
    done = replay(tmp_path / "a.jsonl.gz")
    assert done.returncode == 0
    assert b"refused: 1 torn_archive" in done.stderr
    assert event_types(done.stdout)[0] == "raised"


def test_devices_that_the_configuration_does_not_name_are_accepted_where_the_gate_exists() -> None:
    renamed = UNPAID.replace(b'"reader":"front-1"', b'"reader":"unheard-of"')
    done = replay("-", given=renamed)
    assert done.returncode == 0
    assert b"refused" not in done.stderr


@pytest.mark.parametrize("what", ["nothing-here.jsonl", "empty"])
def test_a_journal_that_is_not_there_is_told_with_status_two(tmp_path: Path, what: str) -> None:
    (tmp_path / "empty").mkdir()
    done = replay(tmp_path / what)
    assert done.returncode == 2
    assert what.encode() in done.stderr
    assert b"Traceback" not in done.stderr


def test_an_output_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    done = replay(LOGS / "unpaid-leaves.jsonl", "--alarms", tmp_path / "no" / "such" / "file")
    assert done.returncode == 2
    assert b"cannot be written" in done.stderr


def test_a_reader_that_goes_away_ends_it_quietly() -> None:
    command = f"{sys.executable} -m rfidguard replay - --decisions - --config {LOGS / 'default.toml'} | head -1"
    many = b"".join(UNPAID.replace(b'"at":18000000', b'"at":%d' % (18000001 + n)) for n in range(60))
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"], input=many, capture_output=True, cwd=ROOT, timeout=60, check=False
    )
    assert b"Traceback" not in done.stderr
    assert done.stdout.count(b"\n") == 1
