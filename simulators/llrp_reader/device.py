"""The reader without its sockets and threads: what it does when a client, a tag or a change at a pin comes."""

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

from rfidguard.clock import Clock
from rfidguard.events import Read
from simulators.llrp_reader.content import TagSeen
from simulators.llrp_reader.faults import FaultState
from simulators.llrp_reader.flags import Flags
from simulators.llrp_reader.link import Link
from simulators.llrp_reader.numbers import Event, Parameter
from simulators.llrp_reader.operation import Operation, Run
from simulators.llrp_reader.outlet import Outlet
from simulators.llrp_reader.profile import ReaderProfile
from simulators.llrp_reader.reporting import Reporter
from simulators.llrp_reader.rospec import Inventory, ROSpec
from simulators.llrp_reader.select import is_meant
from simulators.llrp_reader.settings import Settings
from simulators.llrp_reader.timers import Timer, Timers
from simulators.llrp_reader.wire import flag, text, tlv, u8, u16, u64

P = Parameter


@dataclass
class AccessSpec:
    """An AccessSpec: kept and listed, never carried out."""

    raw: bytes
    enabled: bool = False

    def parameter(self) -> bytes:
        """The parameter with its current state in it."""
        return self.raw[:11] + flag(self.enabled) + self.raw[12:]


class Device:
    """One reader. Not thread-safe: everything here runs on the reader's own thread."""

    def __init__(
        self,
        profile: ReaderProfile,
        clock: Clock,
        timers: Timers,
        faults: FaultState,
        began: Callable[[], None],
        output_written: Callable[[int, bool], None],
        buffer_tags: int,
        keep_backlog: bool,
        max_version: int,
    ) -> None:
        self.profile, self.faults, self.max_version = profile, faults, max_version
        self.output_written = output_written
        self.counts: Counter[str] = Counter()
        self._clock, self._timers = clock, timers
        self.booted_at = clock.now()
        self.settings = Settings(profile)
        self.outlet = Outlet(self.settings, faults, self._timestamp, self.counts, buffer_tags, keep_backlog)
        self.reporter = Reporter(self.outlet.report, buffer_tags, self._reporter_overflow)
        self.operation = Operation(
            timers,
            clock.now,
            self.outlet.notify,
            self._ended,
            began,
            self._inventory_began,
            lambda: not faults.stays_ended,
            profile.max_rospecs,
        )
        self._flags = Flags() if profile.state_aware else None
        self.accessspecs: dict[int, AccessSpec] = {}
        self._keepalive: Timer | None = None

    def client_came(self, link: Link) -> None:
        """A session begins; configuration and ROSpecs are those of before."""
        self.settings.extensions = False
        self.outlet.attach(link)
        self.plan_keepalive()

    def client_went(self) -> None:
        """The session is over; ROSpecs go on."""
        self.outlet.detach()
        self.plan_keepalive()

    def boot(self, keep_specs: bool) -> None:
        """After a reboot: outputs off, buffers empty; configuration and specs as they were, or none."""
        self.booted_at = self._clock.now()
        self.reporter.clear()
        self.outlet.clear()
        if not keep_specs:
            self.settings.reset()
            self.operation.clear()
            self.accessspecs.clear()
        for port, on in self.settings.outputs.items():
            if on:
                self.settings.outputs[port] = False
                self.output_written(port, False)
        self.operation.restart()

    def plan_keepalive(self) -> None:
        """Starts the keepalive period anew, or ends it."""
        if self._keepalive is not None:
            self._keepalive.cancel()
        if self.outlet.link is not None and self.settings.keepalive_ms:
            self._keepalive = self._timers.after(self.settings.keepalive_ms / 1000, self._send_keepalive)

    def tag_in_field(self, read: Read, at: float) -> None:
        """A tag could be read at wall time `at`: it is, if an inventory runs on its antenna."""
        if not self.operation.reads_on(read.antenna):
            self.counts["reads_outside_inventory"] += 1
            return
        if read.antenna not in self.settings.connected:
            self.counts["reads_on_disconnected_antenna"] += 1
            return
        run = self.operation.run
        assert run is not None  # reads_on said so
        epc = bytes.fromhex(read.epc)
        tid = None if read.tid is None else bytes.fromhex(read.tid)
        if not is_meant(run.inventory.selects, read.antenna, epc, tid):
            self.counts["reads_not_selected"] += 1
            return
        if self._flags is not None and not self._flags.answers(epc, tid, read.antenna, self._timers.monotonic()):
            self.counts["reads_passed_over"] += 1
            return
        report = run.entry.rospec.report or self.settings.report
        self.reporter.see(self._seen(read, epc, tid, at, run), report)
        self.operation.saw(epc)

    def input_changed(self, port: int, high: bool) -> None:
        """The level at an input. Only a configured input tells of changes and fires triggers."""
        if self.settings.inputs.get(port) in (None, high):
            return
        self.settings.inputs[port] = high
        if port in self.settings.inputs_on:
            self.outlet.notify(Event.GPI, tlv(P.GPI_EVENT, u16(port), flag(high)))
            self.operation.input_changed(port, high)

    def antenna_changed(self, port: int, connected: bool) -> None:
        """A cable is pulled or put back."""
        if (port in self.settings.connected) == connected or port not in self.settings.antennas:
            return
        (self.settings.connected.add if connected else self.settings.connected.discard)(port)
        self.outlet.notify(Event.ANTENNA, tlv(P.ANTENNA_EVENT, u8(connected), u16(port)))

    def reader_exception(self, why: str) -> None:
        """A ReaderExceptionEvent."""
        self.outlet.notify(Event.READER_EXCEPTION, tlv(P.READER_EXCEPTION_EVENT, text(why)))

    def _send_keepalive(self) -> None:
        if not self.faults.keepalive_off:
            self.outlet.keepalive()
        self.plan_keepalive()

    def _inventory_began(self, inventory: Inventory) -> None:
        if self._flags is not None:
            self._flags.begin(inventory.by_flag, self._timers.monotonic())

    def _ended(self, trigger: int, rospec: ROSpec) -> None:
        self.reporter.end(trigger, rospec.report or self.settings.report)

    def _reporter_overflow(self, tags: int) -> None:
        self.counts["reads_lost_by_overflow"] += tags
        self.outlet.tell_overflow()

    def _seen(self, read: Read, epc: bytes, tid: bytes | None, at: float, run: Run) -> TagSeen:
        stamp = self._microseconds(at)
        return TagSeen(
            epc=epc,
            rospec=run.entry.rospec.id,
            spec_index=run.inventory.index,
            inventory_spec=run.inventory.spec_id,
            antenna=read.antenna,
            channel=self.profile.channel_index(read.channel),
            rssi_dbm=read.rssi_dbm,
            first_us=stamp,
            last_us=stamp,
            count=read.count,
            phase_rad=None if read.phase_rad is None else read.phase_rad % math.tau,
            doppler_hz=read.doppler_hz,
            tid=tid,
        )

    def _timestamp(self) -> bytes:
        return tlv(P.UPTIME if self.faults.no_utc else P.UTC_TIMESTAMP, u64(self._microseconds(self._clock.now())))

    def _microseconds(self, at: float) -> int:
        """A moment by the reader's own clock, as good or bad as that is."""
        since_boot = self.faults.no_utc or self.faults.year_1970
        seconds = at - self.booted_at if since_boot else at
        return max(0, round((seconds + (0.0 if self.faults.no_utc else self.faults.clock_offset_s)) * 1e6))


def all_named(specs: dict[int, AccessSpec], spec_id: int) -> list[int]:
    """The ids that an id in a message means: 0 = all of them."""
    return list(itertools.chain(specs)) if spec_id == 0 else [spec_id]
