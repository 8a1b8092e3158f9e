"""What staff said of alarms, sorted by what it means for settings: was it right to ring? Pure."""

from collections.abc import Iterable

import msgspec

from rfidguard.alarm import Alarm
from rfidguard.events import Answer, Event
from rfidguard.tuning.rung import Rung, passage_of

RIGHT, FALSE, TILL, OPEN = "right", "false", "late_sale", "unanswered"
CLASSES = (RIGHT, FALSE, TILL, OPEN)
"""right: something unpaid left. false: nothing had. late_sale: the till said so afterwards. unanswered: nobody knows."""

OUTCOME_CLASSES = {
    "recovered": RIGHT,
    "walked_out": RIGHT,
    "paid_late": TILL,
    "tag_not_deactivated": FALSE,
    "wrong_item_scanned": FALSE,
    "foreign_tag": FALSE,
    "own_property": FALSE,
    "return_in_progress": FALSE,
    "staff_or_transfer": FALSE,
    "goods_movement": FALSE,
    "checked_nothing_found": FALSE,
    "stray": FALSE,
    "phantom": FALSE,
    "device_fault": FALSE,
}
"""Every other outcome (declined_check, no_response, unknown, drill) leaves the question open."""


class Said(msgspec.Struct, frozen=True):
    """What is known of an alarm's cause. `items`: EPC -> outcome, where staff told items apart."""

    outcome: str | None = None
    items: dict[str, str] = {}

    @property
    def meaning(self) -> str:
        """One of CLASSES. One item that was unpaid makes the alarm right."""
        if any(class_of(outcome) == RIGHT for outcome in self.items.values()):
            return RIGHT
        return class_of(self.outcome)

    def right_items(self) -> frozenset[str]:
        """The EPCs that staff called unpaid by name."""
        return frozenset(epc for epc, outcome in self.items.items() if class_of(outcome) == RIGHT)


class Words:
    """What was said of each alarm of the site, by its id, else by its passage.

    `sources`: alarm id -> word, the most trusted one first. A later one is heard where an earlier leaves the question open: staff
    who answer after an alarm has expired are refused, but they were there.
    """

    def __init__(self, *sources: dict[str, Said]) -> None:
        self._by_id: dict[str, Said] = {}
        for name, word in (entry for source in sources for entry in source.items()):
            known = self._by_id.get(name)
            if known is None or (known.meaning == OPEN and word.meaning != OPEN):
                self._by_id[name] = word
        self._by_passage = {passage_of(name): word for name, word in self._by_id.items()}

    def of(self, rung: Rung) -> Said:
        """What is known of this alarm, also where settings or program have moved its time."""
        return self._by_id.get(rung.id) or self._by_passage.get(rung.passage) or Said()


def class_of(outcome: str | None) -> str:
    """One of CLASSES for an outcome; None and unknown ones are open."""
    return OUTCOME_CLASSES.get(outcome or "", OPEN)


def said_in(alarms: Iterable[Alarm]) -> dict[str, Said]:
    """What the database holds: alarm id -> what was said of it."""
    return {
        alarm.id: Said(alarm.outcome, {item.epc: item.outcome for item in alarm.items if item.outcome is not None})
        for alarm in alarms
        if alarm.outcome is not None and not alarm.drill
    }


def note_answer(said: dict[str, Said], event: Event) -> None:
    """What the journal holds, for sites whose database is elsewhere: the first outcome that was given stands."""
    if not isinstance(event, Answer) or event.action != "resolve" or event.alarm in said:
        return
    items = {item["epc"]: item["outcome"] for item in event.items if "epc" in item and "outcome" in item}
    if event.outcome is not None or items:
        said[event.alarm] = Said(event.outcome, items)
