"""From reports and notifications to events: antenna to gate and zone, reader time to ours, faults to the reader's health."""

import logging
from collections import Counter
from collections.abc import Mapping

from drivers.llrp import messages, notices
from drivers.llrp.frames import Frame
from drivers.llrp.health import Health
from drivers.llrp.reader_clock import ReaderClock
from drivers.llrp.reads import Reads
from drivers.llrp.repeats import Repeats
from drivers.llrp.report import ReportDecoder, Tag, tags_of
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, Emit
from rfidguard.events import Gpi, Read, ReadBatch

log = logging.getLogger(__name__)

BACKLOG_S = 2.0
PASSING_FAULT_S = 10.0
CLOCK_FAULT_S = 60.0
MAX_BATCH = 512
JOINED_BYTES = 4096
"""Reports that came together are decoded as one, up to so much: a reader that reports each tag by itself then costs no more."""


class Hearing:
    """Hears one session of the reader `device`. `pins` are the input levels last emitted; they outlive the session."""

    def __init__(
        self,
        device: str,
        places: Mapping[int, AntennaPlace],
        clock: Clock,
        emit: Emit,
        rejects: Counter[str],
        pins: dict[int, bool],
    ) -> None:
        self.health = Health()
        self.attempt: int | None = None
        """Status of the connection attempt, once the reader told it."""
        self.number: int | None = None
        """Our ROSpec."""
        self.enabled = False
        """Set once our ROSpec is enabled: from then on fresh reads are its reads."""
        self.running = False
        self.ended = False
        self.repeats: Repeats | None = None
        """Watches a ROSpec that ends by itself; the visit sets it."""
        self.closed = False
        self._device = device
        self._places = places
        self._clock = clock
        self._emit = emit
        self._rejects = rejects
        self._pins = pins
        self._decoder = ReportDecoder(rejects)
        self._clocks = {False: ReaderClock(), True: ReaderClock()}
        self._makes = Reads(device, places, rejects)
        self._reports: list[bytes] = []
        self._joined = 0
        self._received = 0.0
        self._reads: list[Read] = []
        self._late_reads = 0

    def hear(self, frame: Frame, received: float) -> None:
        """One report or notification, received at the Unix time `received`."""
        if frame.kind == messages.RO_ACCESS_REPORT:
            if received != self._received or self._joined + len(frame.body) > JOINED_BYTES:
                self._hear_reports()
                self._received = received
            self._reports.append(frame.body)
            self._joined += len(frame.body)
            return
        self._hear_reports()
        told = notices.decode_notices(frame.body, self._rejects)
        at = self._date(told.stamp_us, told.uptime, received)
        for happening in told.happenings:
            self._hear_notice(happening, at, received)

    def settled(self) -> None:
        """Emits the reads heard since the last call, as one item."""
        self._hear_reports()
        self._emit_reads()

    def _emit_reads(self) -> None:
        if self._reads:
            batch, self._reads = ReadBatch(tuple(self._reads)), []
            self._emit(batch)

    def inputs_now(self, levels: Mapping[int, bool]) -> None:
        """Input levels at the start of a session: what nobody knew yet, or changed while the link was down, is told as of now."""
        for pin, high in levels.items():
            if self._pins.get(pin) != high:
                self._emit(Gpi(at=self._clock.now(), device=self._device, pin=pin, high=high))
            self._pins[pin] = high

    def mind_antenna(self, antenna: int, connected: bool) -> None:
        """A configured antenna was found plugged or unplugged."""
        if antenna not in self._places:
            return
        if connected:
            self.health.mend(f"antenna {antenna}")
        else:
            self._rejects["antenna_disconnected"] += 1
            self.health.report(f"antenna {antenna}", f"antenna {antenna} is disconnected")

    def _hear_reports(self) -> None:
        """Decodes what came together: as one where all of it is laid out in known ways, else report by report."""
        reports, self._reports, self._joined = self._reports, [], 0
        groups = self._decoder.groups(b"".join(reports)) if reports else None
        if groups is None:
            for report in reports:
                self._hear_tags(self._decoder.decode(report))
            return
        for columns in groups:
            stamps = self._makes.stamps(columns)
            if stamps is None:
                self._hear_tags(tags_of(columns))
                continue
            self._mind_time(max(stamps), False)
            dated = self._clocks[False].dates(stamps, self._received)
            self._take(self._makes.of_columns(columns, dated, self._received), min(dated))

    def _hear_tags(self, tags: list[Tag]) -> None:
        if tags:
            newest = max((tag.stamp_us for tag in tags if tag.stamp_us is not None), default=None)
            self._mind_time(newest, tags[-1].uptime)
            reads = self._makes.of_tags(tags, self._clocks, self._received)
            self._take(reads, min((read.at for read in reads), default=self._received))

    def _take(self, reads: list[Read], oldest: float) -> None:
        late = 0
        if self._received - oldest >= BACKLOG_S:
            late = sum(self._received - read.at >= BACKLOG_S for read in reads)
        self._mind_backlog(self._received - oldest, late)
        self._reads += reads
        if len(self._reads) >= MAX_BATCH:
            self._emit_reads()

    def _mind_time(self, newest: int | None, uptime: bool) -> None:
        at = self._date(newest, uptime, self._received)
        if self.enabled and self._received - at < BACKLOG_S:
            self.running = True
            if self.repeats is not None:
                self.repeats.read(self._clock.monotonic(), at)

    def _date(self, stamp_us: int | None, uptime: bool, received: float) -> float:
        """When a message's newest part happened; teaches the clock."""
        if stamp_us is None:
            return received
        clock = self._clocks[uptime]
        clock.hear(stamp_us / 1e6, received)
        fault = clock.take_fault()
        if fault is not None:
            self._rejects["reader_clock"] += 1
            log.warning("%s: %s", self._device, fault)
            self.health.report("clock", fault, self._clock.monotonic() + CLOCK_FAULT_S)
        return clock.at(stamp_us / 1e6, received)

    def _mind_backlog(self, lag_s: float, late: int) -> None:
        if late:
            if not self._late_reads:
                log.warning("%s: reads come %.1f s late: a backlog", self._device, lag_s)
            self._late_reads += late
            self._rejects["late_read"] += late
        elif self._late_reads:
            log.info("%s: the backlog is over, %d reads", self._device, self._late_reads)
            self._late_reads = 0

    def _hear_notice(self, happening: notices.Happening, at: float, received: float) -> None:
        match happening:
            case notices.InputChanged(pin, high):
                self._emit_reads()
                self._pins[pin] = high
                self._emit(Gpi(at=at, received=None if at == received else received, device=self._device, pin=pin, high=high))
            case notices.RospecChanged(what, rospec):
                self._mind_rospec(what, rospec, at)
            case notices.AntennaChanged(antenna, connected):
                self.mind_antenna(antenna, connected)
            case notices.ConnectionAttempt(status):
                self._mind_connection(status)
            case notices.ConnectionClosed():
                self.closed = True
            case _:
                self._mind_trouble(happening)

    def _mind_rospec(self, what: str, rospec: int, at: float) -> None:
        if rospec != self.number:
            return
        self.running, self.ended = what == "start", what != "start"
        if self.repeats is not None:
            (self.repeats.ended if self.ended else self.repeats.started)(self._clock.monotonic(), at)

    def _mind_connection(self, status: int) -> None:
        if self.attempt is None:
            self.attempt = status
        elif status:
            self._rejects["other_connection"] += 1
            log.warning("%s: %s", self._device, notices.CONNECTION_STATUS.get(status, f"connection status {status}"))

    def _mind_trouble(self, happening: notices.Happening) -> None:
        until = self._clock.monotonic() + PASSING_FAULT_S
        match happening:
            case notices.BufferFilling(percent):
                self._rejects["buffer_filling"] += 1
                log.warning("%s: the reader's report buffer is %d %% full", self._device, percent)
            case notices.BufferOverflow():
                self._rejects["buffer_overflow"] += 1
                self.health.report("buffer", "the reader's report buffer ran over: reads were lost", until)
            case notices.ReaderComplaint(text):
                self._rejects["reader_exception"] += 1
                log.warning("%s: the reader complains: %s", self._device, text)
                self.health.report("complaint", f"the reader complains: {text}", until)
