"""Everything that the reader sends by itself: events, reports, keepalives; hold and replay of what a client was not there for."""

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count

from simulators.llrp_reader.content import Content, TagEncoder, TagSeen
from simulators.llrp_reader.faults import UNKNOWN_MESSAGE, FaultState
from simulators.llrp_reader.link import Link
from simulators.llrp_reader.numbers import ConnectionAttempt, Event, Message, Parameter
from simulators.llrp_reader.settings import Settings
from simulators.llrp_reader.wire import message, tlv, u8, u16

P = Parameter
STALL_BYTES = 256 * 1024
"""A client that leaves so much unread is stalled: from here on reports are buffered."""
_WARN_PERCENT = 90


@dataclass(frozen=True)
class Held:
    """A message that waits in the report buffer, and how many tags it holds."""

    data: bytes
    tags: int


class Outlet:
    """Sends to the client of the moment. While it is held (after a reconnect) or stalled, messages wait in a bounded buffer."""

    def __init__(
        self,
        settings: Settings,
        faults: FaultState,
        timestamp: Callable[[], bytes],
        counts: Counter[str],
        buffer_tags: int,
        keep: bool,
    ) -> None:
        self._settings, self._faults, self._timestamp, self._counts = settings, faults, timestamp, counts
        self._buffer_tags, self._keep = buffer_tags, keep
        self._serial = count(1)
        self._backlog: deque[Held] = deque()
        self._backlog_tags = 0
        self._warned = self._overflowed = self._told = False
        self._encoder = TagEncoder()
        self.link: Link | None = None
        self.held = False
        self.version = 1

    def attach(self, link: Link) -> None:
        """A client connected. It gets the connection event; everything else waits if the client of before asked for that."""
        self.link, self.version = link, 1
        self.held = self._settings.hold
        self._encoder = TagEncoder(self._faults.no_utc, self._faults.omit_unchanged)
        self._send(self._event(tlv(P.CONNECTION_ATTEMPT_EVENT, u16(ConnectionAttempt.SUCCESS))))
        self.flush()

    def detach(self) -> None:
        """The client is gone. Its backlog stays only if it asked for hold and this reader keeps one."""
        self.link = None
        if not (self._settings.hold and self._keep):
            self._counts["reads_lost_without_client"] += self._backlog_tags
            self.clear()

    def clear(self) -> None:
        """Forgets the backlog."""
        self._backlog.clear()
        self._backlog_tags = 0
        self._warned = self._overflowed = self._told = False

    def release(self) -> None:
        """ENABLE_EVENTS_AND_REPORTS: the backlog goes out, oldest first."""
        self.held = False
        self.flush()

    def flush(self) -> None:
        """Sends of the backlog what the connection takes."""
        while self._backlog and self.link is not None and not self.held and self.link.queued < STALL_BYTES:
            self._tell_of_loss()
            held = self._backlog.popleft()
            self._backlog_tags -= held.tags
            self._counts["tags_sent"] += held.tags
            self._send(held.data)
        if not self._backlog:
            self._warned = self._overflowed = self._told = False

    def notify(self, event: Event, parameter: bytes) -> None:
        """An event, if the client enabled its type."""
        if event in self._settings.events:
            self._offer(Held(self._event(parameter), 0))

    def notify_always(self, parameter: bytes) -> None:
        """A connection event: neither held nor switched off."""
        if self.link is not None:
            self._send(self._event(parameter))

    def keepalive(self) -> None:
        """A KEEPALIVE, if there is a client."""
        if self.link is not None:
            self._counts["keepalives"] += 1
            self._send(self._message(Message.KEEPALIVE))

    def report(self, tags: list[TagSeen], content: Content) -> None:
        """One RO_ACCESS_REPORT."""
        if self.link is None and not (self._settings.hold and self._keep):
            self._counts["reads_lost_without_client"] += sum(tag.count for tag in tags)
            return
        if not self._settings.extensions and content.custom:
            content = replace(content, custom=frozenset())
        data = self._report(tags, content)
        self._offer(Held(data, len(tags)))
        if self._faults.duplicate:
            self._offer(Held(data, len(tags)))

    def torn_report(self) -> bytes:
        """The first half of a report, for a connection that breaks in the middle of it."""
        tag = TagSeen(bytes(12), 1, 1, 1, 1, 1, -60.0, 0, 0, 1)
        whole = self._report([tag], Content(0xFFC0))
        return whole[: len(whole) // 2]

    def overflow(self, tags: int) -> None:
        """The buffer ran over: so many of the oldest tags in it are lost."""
        self._lose(tags)
        if not self._backlog:
            self.tell_overflow()

    def tell_overflow(self) -> None:
        """The overflow event."""
        self.notify(Event.REPORT_BUFFER, tlv(P.REPORT_BUFFER_OVERFLOW))

    def _tell_of_loss(self) -> None:
        """The overflow event goes before the rest of what it cut short."""
        if self._overflowed and not self._told and Event.REPORT_BUFFER in self._settings.events:
            self._send(self._event(tlv(P.REPORT_BUFFER_OVERFLOW)))
        self._told = self._overflowed

    def _offer(self, held: Held) -> None:
        link = self.link
        if link is not None and not self.held and not self._backlog and link.queued < STALL_BYTES:
            self._counts["tags_sent"] += held.tags
            self._send(held.data)
        elif link is not None or (self._settings.hold and self._keep):
            self._hold(held)

    def _hold(self, held: Held) -> None:
        self._backlog.append(held)
        self._backlog_tags += held.tags
        over = max(self._backlog_tags, len(self._backlog)) - self._buffer_tags
        if over > 0:
            self._lose(over)
        elif self._backlog_tags * 100 >= self._buffer_tags * _WARN_PERCENT and not self._warned:
            self._warned = True
            self.notify(Event.REPORT_BUFFER, tlv(P.REPORT_BUFFER_LEVEL_WARNING, u8(_WARN_PERCENT)))

    def _lose(self, tags: int) -> None:
        """The oldest `tags` of the buffer are lost; the client is told before it gets the rest."""
        self._overflowed = True
        lost = 0
        while self._backlog and lost < tags:
            held = self._backlog.popleft()
            lost += held.tags
            self._backlog_tags -= held.tags
        self._counts["reads_lost_by_overflow"] += lost

    def _send(self, data: bytes) -> None:
        if self.link is not None:
            self.link.send(data)

    def _event(self, parameter: bytes) -> bytes:
        data = tlv(P.READER_EVENT_NOTIFICATION_DATA, self._timestamp(), parameter)
        return self._message(Message.READER_EVENT_NOTIFICATION, data)

    def _report(self, tags: list[TagSeen], content: Content) -> bytes:
        if (self._encoder.uptime, self._encoder.omit) != (self._faults.no_utc, self._faults.omit_unchanged):
            self._encoder = TagEncoder(self._faults.no_utc, self._faults.omit_unchanged)
        parameters = [self._encoder.encode(tag, content) for tag in tags]
        if self._faults.spoils_tags:
            parameters = [self._faults.spoiled(parameter) for parameter in parameters]
        data = self._message(Message.RO_ACCESS_REPORT, b"".join(parameters))
        return self._message(UNKNOWN_MESSAGE, b"\x00" * 8) + data if self._faults.unknown_message else data

    def _message(self, kind: int, body: bytes = b"") -> bytes:
        return message(kind, next(self._serial) & 0xFFFFFFFF, body, self.version)
