"""From reports and notifications to events: antenna to gate and zone, reader time to ours, faults to the reader's health."""

import logging
from collections import Counter
from collections.abc import Mapping

from drivers.llrp import messages, notices
from drivers.llrp.frames import Frame
from drivers.llrp.health import Health
from drivers.llrp.reader_clock import ReaderClock
from drivers.llrp.report import ReportDecoder, Tag
from rfidguard.clock import Clock
from rfidguard.driver import AntennaPlace, Emit
from rfidguard.events import Gpi, Read, ReadBatch

log = logging.getLogger(__name__)

NO_RSSI_DBM = -128.0
"""Stands for "the reader did not say": the least that LLRP's own field can hold."""

BACKLOG_S = 2.0
PASSING_FAULT_S = 10.0
CLOCK_FAULT_S = 60.0
MAX_BATCH = 512


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
        self.closed = False
        self._device = device
        self._places = places
        self._clock = clock
        self._emit = emit
        self._rejects = rejects
        self._pins = pins
        self._decoder = ReportDecoder(rejects)
        self._clocks = {False: ReaderClock(), True: ReaderClock()}
        self._reads: list[Read] = []
        self._late_reads = 0

    def hear(self, frame: Frame, received: float) -> None:
        """One report or notification, received at the Unix time `received`."""
        if frame.kind == messages.RO_ACCESS_REPORT:
            self._hear_report(frame.body, received)
            return
        told = notices.decode_notices(frame.body, self._rejects)
        at = self._date(told.stamp_us, told.uptime, received)
        for happening in told.happenings:
            self._hear_notice(happening, at, received)

    def settled(self) -> None:
        """Emits the reads heard since the last call, as one item."""
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

    def _hear_report(self, body: bytes, received: float) -> None:
        tags = self._decoder.decode(body)
        if not tags:
            return
        newest = max((tag.stamp_us for tag in tags if tag.stamp_us is not None), default=None)
        at = self._date(newest, tags[-1].uptime, received)
        self._mind_backlog(received - at, len(tags))
        if self.enabled and received - at < BACKLOG_S:
            self.running = True
        for tag in tags:
            self._hear_tag(tag, received)
        if len(self._reads) >= MAX_BATCH:
            self.settled()

    def _hear_tag(self, tag: Tag, received: float) -> None:
        antenna = tag.antenna
        if antenna is None and len(self._places) == 1:
            (antenna,) = self._places
        place = self._places.get(antenna) if antenna is not None else None
        if antenna is None or place is None:
            self._rejects["read_without_antenna" if antenna is None else "antenna_not_configured"] += 1
            return
        if tag.rssi_dbm is None:
            self._rejects["read_without_rssi"] += 1
        if tag.stamp_us is None:
            self._rejects["read_without_time"] += 1
        at = self._clocks[tag.uptime].at(None if tag.stamp_us is None else tag.stamp_us / 1e6, received)
        self._reads.append(
            Read(
                at=at,
                received=None if at == received else received,
                gate=place.gate,
                reader=self._device,
                antenna=antenna,
                epc=tag.epc,
                rssi_dbm=NO_RSSI_DBM if tag.rssi_dbm is None else float(tag.rssi_dbm),
                phase_rad=tag.phase_rad,
                doppler_hz=tag.doppler_hz,
                channel=tag.channel,
                count=tag.seen,
                tid=tag.tid,
            )
        )

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

    def _mind_backlog(self, lag_s: float, tags: int) -> None:
        if lag_s >= BACKLOG_S:
            if not self._late_reads:
                log.warning("%s: reads come %.1f s late: a backlog", self._device, lag_s)
            self._late_reads += tags
            self._rejects["late_read"] += tags
        elif self._late_reads:
            log.info("%s: the backlog is over, %d reads", self._device, self._late_reads)
            self._late_reads = 0

    def _hear_notice(self, happening: notices.Happening, at: float, received: float) -> None:
        match happening:
            case notices.InputChanged(pin, high):
                self.settled()
                self._pins[pin] = high
                self._emit(Gpi(at=at, received=None if at == received else received, device=self._device, pin=pin, high=high))
            case notices.RospecChanged(what, rospec):
                self._mind_rospec(what, rospec)
            case notices.AntennaChanged(antenna, connected):
                self.mind_antenna(antenna, connected)
            case notices.ConnectionAttempt(status):
                self._mind_connection(status)
            case notices.ConnectionClosed():
                self.closed = True
            case _:
                self._mind_trouble(happening)

    def _mind_rospec(self, what: str, rospec: int) -> None:
        if rospec == self.number:
            self.running, self.ended = what == "start", what != "start"

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
