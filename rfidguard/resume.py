"""After a restart: the core goes on where it was. The last snapshot of the journal, then every line after it.

What the replayed tail would have rung is stored and published (ids are stable, so nothing doubles), but no light or siren
sounds for what is over. Alarms that the journal does not know come from the database.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from rfidguard.alarm import Alarm
from rfidguard.effects import Effect, SwitchOutput
from rfidguard.events import State
from rfidguard.forget import ledger_keys
from rfidguard.incident import Incident
from rfidguard.journal import decode_lines
from rfidguard.journal_dir import journals
from rfidguard.layout import Layout
from rfidguard.ledger import Find
from rfidguard.runner import Runner

log = logging.getLogger(__name__)


def resumed(layout: Layout, lookup: Find, folder: Path, alarms: list[Alarm]) -> tuple[Runner, list[Effect]]:
    """A runner in the state in which the last one ended, and the effects that its end had left undone."""
    runner, effects = _from_journal(layout, lookup, folder)
    for alarm in alarms:
        _adopt(runner, alarm)
    effects += runner.recheck()
    return runner, [effect for effect in effects if not isinstance(effect, SwitchOutput)]


def _from_journal(layout: Layout, lookup: Find, folder: Path) -> tuple[Runner, list[Effect]]:
    runner = Runner(layout, lookup)
    effects: list[Effect] = []
    tail = _last_plain(folder)
    if tail is None:
        return runner, effects
    refused: Counter[str] = Counter()
    try:
        with tail.open("rb") as lines:
            for event in decode_lines(_whole(lines), refused):
                if isinstance(event, State):
                    effects.clear()
                effects += runner.feed(event)
    except Exception:
        log.exception("the journal %s cannot be taken up again; starting with an empty memory", tail)
        return Runner(layout, lookup), []
    if refused:
        log.warning("%s: lines refused while resuming: %s", tail, dict(refused))
    return runner, effects


def _last_plain(folder: Path) -> Path | None:
    """The newest file that was still being written: it starts with a snapshot, so it is enough."""
    plain = [path for path in journals(folder) if path.suffix == ".jsonl"] if folder.is_dir() else []
    return plain[-1] if plain else None


def _whole(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines only: a cut power line ends in half a one."""
    return (line for line in lines if line.endswith(b"\n"))


def _adopt(runner: Runner, alarm: Alarm) -> None:
    """An open alarm of the database that the core does not remember, or remembers in an older revision."""
    known = runner.state.incidents.get(alarm.id)
    if known is not None and known.alarm.revision >= alarm.revision:
        return
    incident = Incident(alarm=alarm, first_crossing=alarm.raised_at, last_crossing=alarm.raised_at, rang=True)
    incident.escalated = alarm.severity == "critical"
    runner.state.incidents[alarm.id] = incident
    for item in alarm.items:
        runner.follow(ledger_keys(item.epc))
