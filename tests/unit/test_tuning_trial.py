"""What becomes of proposals after their proof, and the journal that moves under a replay."""

import threading
from pathlib import Path

from tuned import a_rung
from walks import config, leave, own

from rfidguard.cli._tune_history import end_of, history_of
from rfidguard.events import Event
from rfidguard.journal import HEADER, encode_line
from rfidguard.journal_dir import pack
from rfidguard.journal_files import journal_paths
from rfidguard.tuning.compare import Difference, compare
from rfidguard.tuning.rung import Rung
from rfidguard.tuning.staff import Said, Words
from rfidguard.tuning.trial import Outcome, Trial, rehearsal

RECOVERED = a_rung(1)
STRAY = a_rung(2, at=RECOVERED.raised_at + 600)
SAID = Words({RECOVERED.id: Said("recovered"), STRAY.id: Said("stray")})


def without(*gone: Rung) -> list[Difference]:
    both = [RECOVERED, STRAY]
    return compare(both, [rung for rung in both if rung not in gone], SAID)


def test_a_proposal_that_hides_what_staff_recovered_is_withdrawn() -> None:
    harmless, harmful = Trial(("a=1",), "", without(STRAY)), Trial(("b=1",), "", without(RECOVERED))
    outcome = Outcome([harmless, harmful], [])
    assert outcome.standing() == [harmless]
    assert outcome.accepted() == ("a=1",)


def test_proposals_that_do_harm_only_together_are_not_rolled_out() -> None:
    trials = [Trial(("a=1",), "", without(STRAY)), Trial(("b=1",), "", without())]
    assert Outcome(trials, [], Trial(("a=1", "b=1"), "", without(STRAY))).accepted() == ("a=1", "b=1")
    assert Outcome(trials, [], Trial(("a=1", "b=1"), "", without(RECOVERED))).accepted() == ()


def test_only_a_site_that_observes_is_rehearsed() -> None:
    assert rehearsal(config()) == ()
    gate = config().model_dump()["gate"][0] | {"mode": "observe"}
    watching = config(ledger={"unknown_epc": "observe"}, gate=[gate])
    assert rehearsal(watching) == ("ledger.unknown_epc=stock_only", "gate[front].mode=handheld")


def test_files_that_a_daemon_packs_or_deletes_meanwhile_are_found_or_counted(tmp_path: Path) -> None:
    names = [f"journal-20270115T08{minute:02}00Z-0.jsonl" for minute in range(3)]
    for number, name in enumerate(names):
        events: list[Event] = [*leave(own(number + 1, f"{812000 + number}"), at=60.0 * number)]
        (tmp_path / name).write_bytes(HEADER + b"".join(encode_line(event) for event in events))
    paths = journal_paths(tmp_path)
    history = history_of(paths, None, end_of(paths), 1)
    assert len(history.replay([config()], "")[0]) == 3
    assert pack(tmp_path / names[1], threading.Event()) is not None
    (tmp_path / names[0]).unlink()
    assert len(history.replay([config()], "")[0]) == 2
    assert history.refused == {"file_deleted_meanwhile": 1}
