"""Every journal in tests/logs gives the alarms of its golden file (see tests/logs/README.md)."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from rfidguard.config_file import load
from rfidguard.journal_files import events_in
from rfidguard.replay import replay

LOGS = Path(__file__).parents[1] / "logs"
SUFFIXES = (".jsonl", ".jsonl.zst", ".jsonl.gz")
JOURNALS = sorted(path for path in LOGS.iterdir() if path.name.endswith(SUFFIXES))


def name_of(journal: Path) -> str:
    return journal.name.partition(".jsonl")[0]


def golden_of(journal: Path) -> Path:
    return LOGS / f"{name_of(journal)}.alarms"


def transitions(journal: Path) -> tuple[list[bytes], Counter[str]]:
    """What would be published on event/alarm, and the refused lines by reason."""
    own = LOGS / f"{name_of(journal)}.toml"
    config = load(own if own.exists() else LOGS / "default.toml", {}, needs_files=False)
    lines: list[bytes] = []
    refused: Counter[str] = Counter()
    replay(config, events_in([journal], refused), alarms=lines.append, refused=refused)
    return lines, refused


def short(line: bytes) -> str:
    """One transition as one line that a person reads in a diff."""
    body: dict[str, Any] = json.loads(line)
    items = "".join(f" {item['epc']}:{item['state']}/{item['reason']}" for item in body["items"])
    people = "".join(f" {key}={body[key]}" for key in ("acknowledged_by", "resolved_by", "outcome") if body[key] is not None)
    head = f"{body['event_at']} {body['event_type']:<12} {body['kind']} {body['gate']} {body['state']} {body['severity']}"
    return f"{head} {body['id'][-6:]}.{body['revision']}{people}{items}\n"


@pytest.mark.parametrize("journal", JOURNALS, ids=name_of)
def test_a_journal_gives_the_alarms_of_its_golden_file(journal: Path, request: pytest.FixtureRequest) -> None:
    lines, refused = transitions(journal)
    found = "".join(map(short, lines)) + "".join(f"refused {reason} {count}\n" for reason, count in sorted(refused.items()))
    golden = golden_of(journal)
    if request.config.getoption("--update-golden"):
        golden.write_text(found, "utf-8")
    assert golden.exists(), f"{golden.name} is missing: look at the alarms, then write it with pytest --update-golden"
    assert found.splitlines() == golden.read_text("utf-8").splitlines()


@pytest.mark.parametrize("journal", JOURNALS, ids=name_of)
def test_a_journal_gives_the_same_bytes_twice(journal: Path) -> None:
    assert transitions(journal)[0] == transitions(journal)[0]


def test_every_golden_file_and_configuration_belongs_to_a_journal() -> None:
    names = {name_of(journal) for journal in JOURNALS} | {"default"}
    assert {path.stem for path in LOGS.iterdir() if path.suffix in (".alarms", ".toml")} <= names


def test_there_are_journals_to_look_at() -> None:
    assert JOURNALS, os.fspath(LOGS)
