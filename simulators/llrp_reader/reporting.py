"""What was read is put together and handed on when the ROReportSpec's trigger says so (LLRP 1.0.1, section 13.2.1)."""

from collections.abc import Callable
from dataclasses import replace

from simulators.llrp_reader import content as c
from simulators.llrp_reader.content import Content, TagSeen
from simulators.llrp_reader.settings import Report

END_OF_AISPEC, END_OF_ROSPEC = 1, 2
_KEY_FIELDS = (
    (c.ROSPEC_ID, "rospec"),
    (c.SPEC_INDEX, "spec_index"),
    (c.INVENTORY_SPEC_ID, "inventory_spec"),
    (c.ANTENNA_ID, "antenna"),
    (c.CHANNEL, "channel"),
)

Hand = Callable[[list[TagSeen], Content], None]


class Reporter:
    """Collects reads and hands them to `hand` in reports. Reads of one tag that no enabled field tells apart become one entry."""

    def __init__(self, hand: Hand, most: int, overflow: Callable[[int], None]) -> None:
        self._hand = hand
        self._most = most
        self._overflow = overflow
        self._tags: dict[tuple[object, ...], TagSeen] = {}
        self._content = Content()

    def see(self, tag: TagSeen, report: Report) -> None:
        """One read, under the report spec in force."""
        if report.trigger and report.n == 1:
            self._hand([tag], report.content)
            return
        if report.content != self._content:
            self.take()
            self._content = report.content
        key = (tag.epc, *(getattr(tag, name) for bit, name in _KEY_FIELDS if report.content.flags & bit))
        known = self._tags.get(key)
        self._tags[key] = tag if known is None else _merged(known, tag)
        if len(self._tags) > self._most:
            del self._tags[next(iter(self._tags))]
            self._overflow(1)
        if report.trigger and report.n and len(self._tags) >= report.n:
            self.take()

    def end(self, trigger: int, report: Report) -> None:
        """An AISpec or a ROSpec ended."""
        if report.trigger == trigger:
            self.take()

    def take(self, even_empty: bool = False) -> None:
        """Hands on whatever is there."""
        tags, self._tags = list(self._tags.values()), {}
        if tags or even_empty:
            self._hand(tags, self._content)

    def clear(self) -> None:
        """Forgets everything, as a reboot does."""
        self._tags.clear()


def _merged(known: TagSeen, tag: TagSeen) -> TagSeen:
    """First and last time, sum of counts, strongest level; phase and Doppler of the last read."""
    return replace(
        tag,
        first_us=min(known.first_us, tag.first_us),
        last_us=max(known.last_us, tag.last_us),
        count=known.count + tag.count,
        rssi_dbm=max(known.rssi_dbm, tag.rssi_dbm),
    )
