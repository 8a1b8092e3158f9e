"""After a restart: the core goes on where it was. The newest snapshot in the journal, then every line after it.

What the replayed tail would have rung is stored and published (ids are stable, so nothing doubles), but no light or siren
sounds for what is over. Alarms that the journal does not know come from the database, and the other way round. Of the ledger
the database knows more than the journal: a sale may have been confirmed in the last moment.
"""

import logging
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from rfidguard.alarm import OPEN_STATES, Alarm
from rfidguard.blind import woken
from rfidguard.core_state import catch_up
from rfidguard.effects import AlarmChanged, Effect, SwitchOutput
from rfidguard.escalation import steps_behind
from rfidguard.events import Event, State
from rfidguard.forget import ledger_keys
from rfidguard.incident import Incident
from rfidguard.journal import decode_lines
from rfidguard.journal_dir import journals
from rfidguard.journal_files import events_of
from rfidguard.layout import Layout
from rfidguard.ledger import Find
from rfidguard.ledger_view import recheck
from rfidguard.runner import Runner

log = logging.getLogger(__name__)

MOST_FILES = 4
"""A file holds up to 64 MB, half a minute's work: going back further would leave the gate blind for too long."""
MOST_AHEAD_S = 2 * 3600.0
"""A memory from further in the future was made under a clock that was wrong by more than can be worked off."""


def resumed(
    layout: Layout, lookup: Find, folder: Path, alarms: Sequence[Alarm] | None, now: float
) -> tuple[Runner, list[Effect]]:
    """A runner in the state in which the last one ended, and the effects that its end had left undone.

    `alarms`: the open ones of the database; None where it cannot be asked now. `now`: Unix seconds.
    """
    runner, effects = _from_journal(layout, lookup, folder)
    if runner.state.now > now + MOST_AHEAD_S:
        log.error("the journal ends %.0f s in the future: its memory is of no use", runner.state.now - now)
        runner, effects = Runner(layout, lookup), []
    for name, gate in runner.state.gates.items():
        catch_up(runner.state, name)
        woken(gate.blindness, layout.gates[name], runner.state.now, now)
    if alarms is not None:
        effects += reconciled(runner, alarms, effects)
    return runner, [effect for effect in effects if not isinstance(effect, SwitchOutput)]


def reconciled(runner: Runner, alarms: Sequence[Alarm], effects: Sequence[Effect] = ()) -> list[Effect]:
    """Makes core and database agree: open alarms that only one of them has, or has newer, and what the ledger says by now.

    `effects`: those that are about to be carried out anyway. What the tail of the journal asked of the ledger is no news to the
    core, but may be to an alarm that was taken over.
    """
    for alarm in alarms:
        known = runner.state.incidents.get(alarm.id)
        if known is None or known.alarm.revision < alarm.revision:
            _take_over(runner, alarm)
    asked = [*_unknown_to(alarms, runner, effects), *runner.recheck()]
    told = recheck(runner.layout, runner.state, list(runner.state.view.records.values()))
    runner.changed()
    return [*asked, *told]


def _from_journal(layout: Layout, lookup: Find, folder: Path) -> tuple[Runner, list[Effect]]:
    """From the newest snapshot that can be read: a file that begins without one, or with a torn one, leads back to the one
    before, which may be packed already.
    """
    files = journals(folder)[-MOST_FILES:] if folder.is_dir() else []
    for start in reversed(range(len(files))):
        runner, effects = Runner(layout, lookup), list[Effect]()
        try:
            if _replayed(files[start:], runner, effects):
                return runner, effects
        except Exception:
            log.exception("the journal %s cannot be taken up again", files[start])
    if files:
        log.error("no journal in %s can be taken up again; starting with an empty memory", folder)
    return Runner(layout, lookup), []


def _replayed(files: list[Path], runner: Runner, effects: list[Effect]) -> bool:
    """True where a snapshot stood at the start."""
    refused: Counter[str] = Counter()
    found = False
    for path in files:
        for event in _events(path, refused):
            if isinstance(event, State):
                effects.clear()
                found = True
            elif not found:
                return False
            effects += runner.feed(event)
    if refused:
        log.warning("%s: lines refused while resuming: %s", files[0], dict(refused))
    return found


def _events(path: Path, refused: Counter[str]) -> Iterator[Event]:
    with path.open("rb") as file:
        yield from decode_lines(_whole(file), refused) if path.suffix == ".jsonl" else events_of(file, refused)


def _whole(lines: Iterator[bytes]) -> Iterator[bytes]:
    """Whole lines only: a cut power line ends in half a one."""
    return (line for line in lines if line.endswith(b"\n"))


def _unknown_to(alarms: Sequence[Alarm], runner: Runner, effects: Sequence[Effect]) -> list[Effect]:
    """Open alarms that the database lost, or never got: they are stored and published again, as they stand."""
    known = {alarm.id for alarm in alarms}
    known |= {effect.alarm.id for effect in effects if isinstance(effect, AlarmChanged)}
    standing = [incident.alarm for incident in runner.state.incidents.values() if incident.alarm.state in OPEN_STATES]
    return [_as_it_stands(alarm) for alarm in standing if alarm.id not in known]


def _as_it_stands(alarm: Alarm) -> AlarmChanged:
    return AlarmChanged(alarm, "raised" if alarm.revision == 1 else "updated", alarm.updated_at, alarm.told)


def _take_over(runner: Runner, alarm: Alarm) -> None:
    incident = Incident(alarm=alarm, first_crossing=alarm.raised_at, last_crossing=alarm.raised_at, rang=True)
    incident.escalations = steps_behind(runner.layout.groups, alarm)
    runner.state.incidents[alarm.id] = incident
    for item in alarm.items:
        runner.follow(ledger_keys(item.epc))
