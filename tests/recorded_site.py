"""A site with a past, for tests of `tune`: a journal as the recorder writes it, and its database with what staff answered."""

from collections.abc import Callable, Iterable
from pathlib import Path

from walks import T0, own

from rfidguard.alarm_db import store_change
from rfidguard.clock import SystemClock
from rfidguard.config import Config, Journal, Privacy
from rfidguard.effects import AlarmChanged, BindCredit, Effect
from rfidguard.epc import identify
from rfidguard.events import Answer, Event, Ledger, Tick, heard_at
from rfidguard.layout import layout_from
from rfidguard.ledger import RecordSet, binding
from rfidguard.recorder import Recorder
from rfidguard.runner import Runner
from rfidguard.store import Store

ANSWER_AFTER_S = 12.0


class EventClock:
    """The time of the last event."""

    def __init__(self) -> None:
        self.at = T0

    def now(self) -> float:
        return self.at

    def monotonic(self) -> float:
        return self.at


def record(
    folder: Path, config: Config, events: Iterable[Event], outcomes: dict[str, str], rotate_every: int = 1500
) -> list[AlarmChanged]:
    """Lives through `events` as the daemon does, into `folder`/journal and `folder`/rfidguard.db. Staff give the first item of
    each alarm the outcome that `outcomes` names for its EPC. Every transition of an alarm.
    """
    layout = layout_from(config)
    clock, known = EventClock(), RecordSet()
    recorder = Recorder(Journal(dir=folder / "journal"), Privacy(), lambda epc: layout.owns(identify(epc)), clock)
    runner = Runner(layout, known.find, recorder.write)
    recorder.rotate(runner.snapshot(T0))
    changes: list[AlarmChanged] = []
    waiting = sorted(events, key=heard_at)

    def carry_out(effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, BindCredit):
                known.add(binding(effect.credit, effect.unit, effect.epc, effect.at))
            elif isinstance(effect, AlarmChanged):
                changes.append(effect)
                answer = _answer(effect, outcomes)
                if answer is not None:
                    waiting.append(answer)
                    waiting.sort(key=heard_at)

    number = 0
    while waiting:
        event = waiting[0]
        due = runner.deadline()
        now = heard_at(event) if due is None else min(due, heard_at(event))
        clock.at = max(clock.at, now)
        if due is not None and due <= heard_at(event):
            carry_out(runner.feed(Tick(at=due)))
            continue
        waiting.pop(0)
        number += 1
        if isinstance(event, Ledger):
            known.add(event)
        carry_out(runner.feed(event))
        if number % rotate_every == 0:
            recorder.rotate(runner.snapshot(clock.at))
    recorder.files.wait()
    recorder.close()
    carry_out(runner.finish())
    _stored(folder, changes)
    return changes


def goods(number: int) -> str:
    """An item of an article of its own."""
    return own(1, f"{812000 + number}")


def _answer(change: AlarmChanged, outcomes: dict[str, str]) -> Answer | None:
    alarm = change.alarm
    outcome = outcomes.get(alarm.items[0].epc) if alarm.items else None
    if change.event_type != "raised" or outcome is None:
        return None
    at = alarm.raised_at + ANSWER_AFTER_S
    return Answer(at=at, id=f"a-{alarm.id}", alarm=alarm.id, action="resolve", by="anna", outcome=outcome)


def _stored(folder: Path, changes: list[AlarmChanged]) -> None:
    with Store(f"sqlite:///{folder / 'rfidguard.db'}", SystemClock()) as store:
        for change in changes:
            store.write(_storing(change)).result(60)


def _storing(change: AlarmChanged) -> Callable[..., bool]:
    return lambda conn: store_change(conn, change, ())
