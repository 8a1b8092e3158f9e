"""An item's story as `ledger lookup` prints it."""

from collections.abc import Sequence
from datetime import tzinfo

from rfidguard.alarm import Alarm
from rfidguard.cli._database import local_text
from rfidguard.events import Ledger
from rfidguard.ledger_gate import alarm_text, gate_line
from rfidguard.ledger_story import Story
from rfidguard.rule import Verdict

LATE_S = 5.0
"""News that is later than this may have come after its item had left."""
IMPORTED_S = 86_400.0
"""What is later than this was no news, but an import."""


def story_lines(story: Story, alarms: Sequence[Alarm], verdict: Verdict | None, zone: tzinfo) -> list[str]:
    """The whole story, times in the shop's zone; at the end what the gate would answer."""
    called = f" ({story.article.name})" if story.article is not None and story.article.name else ""
    by = f" (by {story.answer.by})" if story.answer.by else ""
    lines = [(record.at, f"{record.kind:<9} {_record_text(record)}".rstrip()) for record in story.records]
    lines += [(alarm.raised_at, f"alarm     {alarm_text(alarm, story.identity)}") for alarm in alarms]
    told = [f"  {local_text(at, zone)}  {text}" for at, text in sorted(lines, key=lambda line: line[0])]
    return [f"{story.name}{called}: {story.answer.state}{by}", *(told or ["  no record"]), *gate_line(verdict)]


def _record_text(record: Ledger) -> str:
    details = [f"×{record.quantity}" if record.quantity > 1 else "", f"undoes {record.ref}" if record.kind == "void" else ""]
    details += [f"credit {record.ref} used by {record.epc}" if record.kind == "bound" else ""]
    details += [f"{word} {value}" for word, value in (("transaction", record.transaction), ("lane", record.lane)) if value]
    details += [f"from {record.source}" if record.source else ""]
    late_s = 0.0 if record.received is None else record.received - record.at
    details += [f"heard {late_s:.0f} s late" if LATE_S <= late_s < IMPORTED_S else ""]
    return f"{record.id}  {', '.join(filter(None, details))}"
