"""The life of ROSpecs: disabled, inactive, active; their triggers; and which antennas read just now (LLRP 1.0.1, section 6)."""

from collections.abc import Callable
from dataclasses import dataclass, field

from simulators.llrp_reader.numbers import Event, Parameter, Status
from simulators.llrp_reader.refusal import Refusal, field_refusal
from simulators.llrp_reader.reporting import END_OF_AISPEC, END_OF_ROSPEC
from simulators.llrp_reader.rospec import (
    ACTIVE,
    DISABLED,
    DURATION,
    GPI,
    GPI_OR_TIMEOUT,
    IMMEDIATE,
    INACTIVE,
    PERIODIC,
    TAGS,
    Edge,
    End,
    Inventory,
    ROSpec,
)
from simulators.llrp_reader.timers import Timer, Timers
from simulators.llrp_reader.wire import tlv, u8, u16, u32

P = Parameter
ROUND_S = 0.05
"""One attempt to see all tags in view, for the trigger that counts attempts."""
_STARTED, _ENDED, _PREEMPTED = range(3)


@dataclass
class Entry:
    """A ROSpec that the reader holds. `halted`: it was stopped, so that "immediate" does not start it again."""

    rospec: ROSpec
    state: int = DISABLED
    halted: bool = False
    periodic: Timer | None = None


@dataclass
class Run:
    """The ROSpec that is active, and the AISpec that it has come to."""

    entry: Entry
    inventory: Inventory
    seen: int = 0
    known: set[bytes] = field(default_factory=set)
    quiet: Timer | None = None
    of_rospec: list[Timer] = field(default_factory=list)
    of_inventory: list[Timer] = field(default_factory=list)


class Operation:
    """All ROSpecs of the reader. `notify` gets its events, `ended` each end of an AISpec or ROSpec, `began` each start,
    `inventory_began` each AISpec that begins. `restarts`: whether an immediate ROSpec that is done starts again by itself.
    """

    def __init__(
        self,
        timers: Timers,
        wall: Callable[[], float],
        notify: Callable[[Event, bytes], None],
        ended: Callable[[int, ROSpec], None],
        began: Callable[[], None],
        inventory_began: Callable[[Inventory], None],
        restarts: Callable[[], bool],
        most: int,
    ) -> None:
        self._timers, self._wall = timers, wall
        self._notify, self._ended, self._began = notify, ended, began
        self._inventory_began, self._restarts = inventory_began, restarts
        self._most = most
        self.entries: dict[int, Entry] = {}
        self.run: Run | None = None

    def add(self, rospec: ROSpec) -> None:
        """Raises Refusal for an id in use and for more ROSpecs than the reader holds."""
        if rospec.id in self.entries:
            raise field_refusal(0, f"a ROSpec with id {rospec.id} is there already")
        if len(self.entries) >= self._most:
            raise Refusal(Status.M_OVERFLOW_PARAMETER, f"this reader holds {self._most} ROSpec(s) at most")
        self.entries[rospec.id] = Entry(rospec)

    def delete(self, rospec_id: int) -> None:
        """Id 0 = all. Raises Refusal for an unknown id."""
        for entry in self._named(rospec_id):
            self._disable(entry)
            del self.entries[entry.rospec.id]
        self._start_waiting()

    def enable(self, rospec_id: int) -> None:
        """Id 0 = all. Raises Refusal for an unknown id."""
        for entry in self._named(rospec_id):
            if entry.state == DISABLED:
                entry.state, entry.halted = INACTIVE, False
                self._arm(entry)
        self._start_waiting()

    def disable(self, rospec_id: int) -> None:
        """Id 0 = all. Raises Refusal for an unknown id."""
        for entry in self._named(rospec_id):
            self._disable(entry)
        self._start_waiting()

    def start(self, rospec_id: int) -> None:
        """Raises Refusal for id 0, an unknown or disabled ROSpec, and while another one of its priority is active."""
        entry = self._single(rospec_id)
        if entry.state == DISABLED:
            raise field_refusal(0, f"ROSpec {rospec_id} is disabled; enable it first")
        entry.halted = False
        if entry.state == INACTIVE and not self._try_start(entry):
            raise Refusal(Status.R_DEVICE_ERROR, "another ROSpec is active")

    def stop(self, rospec_id: int) -> None:
        """Raises Refusal for id 0 and an unknown one."""
        entry = self._single(rospec_id)
        entry.halted = True
        if self.run is not None and self.run.entry is entry:
            self._finish(_ENDED)
            self._start_waiting()

    def clear(self) -> None:
        """Forgets every ROSpec without a word, as a reboot does."""
        for entry in self.entries.values():
            _cancel([entry.periodic] if entry.periodic else [])
        if self.run is not None:
            _cancel(self.run.of_rospec + self.run.of_inventory)
        self.run = None
        self.entries.clear()

    def restart(self) -> None:
        """After a reboot that kept the ROSpecs: enabled ones are armed anew."""
        kept = [(entry.rospec, entry.state) for entry in self.entries.values()]
        self.clear()
        for rospec, state in kept:
            self.add(rospec)
            if state != DISABLED:
                self.enable(rospec.id)

    def input_changed(self, port: int, high: bool) -> None:
        """A configured input changed: triggers on that edge fire."""
        run = self.run
        if run is not None:
            if _is_edge(run.entry.rospec.end.edge, port, high):
                self._stop_trigger()
            elif _is_edge(run.inventory.end.edge, port, high):
                self._next_inventory()
        for entry in list(self.entries.values()):
            start = entry.rospec.start
            if entry.state == INACTIVE and start.kind == GPI and _is_edge(start.edge, port, high):
                self._try_start(entry)

    def reads_on(self, antenna: int) -> bool:
        """Whether the inventory that runs now uses this antenna."""
        return self.run is not None and (not self.run.inventory.antennas or antenna in self.run.inventory.antennas)

    def saw(self, epc: bytes) -> None:
        """A tag was read by the inventory that runs now: its tag trigger may end it."""
        run = self.run
        trigger = run.inventory.end.tags if run else None
        if run is None or trigger is None:
            return
        run.seen += 1
        if trigger.kind == 0 and trigger.tags and run.seen >= trigger.tags:
            self._next_inventory()
        elif trigger.kind == 1 and epc not in run.known:
            run.known.add(epc)
            self._await_quiet(run, trigger.quiet_ms)

    def _named(self, rospec_id: int) -> list[Entry]:
        return list(self.entries.values()) if rospec_id == 0 else [self._single(rospec_id)]

    def _single(self, rospec_id: int) -> Entry:
        if rospec_id not in self.entries:
            raise field_refusal(0, f"there is no ROSpec with id {rospec_id}")
        return self.entries[rospec_id]

    def _disable(self, entry: Entry) -> None:
        if self.run is not None and self.run.entry is entry:
            self._finish(_ENDED)
        if entry.periodic is not None:
            entry.periodic.cancel()
        entry.state = DISABLED

    def _arm(self, entry: Entry) -> None:
        """Immediate ones start by `_start_waiting`, GPI ones by their edge; periodic ones get their first timer here."""
        start = entry.rospec.start
        if start.kind != PERIODIC:
            return
        wait = start.offset_ms / 1000
        if start.utc_us is not None:
            wait += start.utc_us / 1e6 - self._wall()
        if wait < 0:
            wait = wait % (start.period_ms / 1000) if start.period_ms else 0.0
        entry.periodic = self._timers.after(wait, lambda: self._period(entry))

    def _period(self, entry: Entry) -> None:
        if entry.rospec.start.period_ms:
            entry.periodic = self._timers.after(entry.rospec.start.period_ms / 1000, lambda: self._period(entry))
        if entry.state == INACTIVE:
            self._try_start(entry)

    def _start_waiting(self) -> None:
        """Starts the most urgent ROSpec that waits with an immediate trigger, if it may."""
        waiting = [
            entry
            for entry in self.entries.values()
            if entry.state == INACTIVE and entry.rospec.start.kind == IMMEDIATE and not entry.halted
        ]
        if waiting:
            self._try_start(min(waiting, key=lambda entry: entry.rospec.priority))

    def _try_start(self, entry: Entry) -> bool:
        if self.run is not None:
            if entry.rospec.priority >= self.run.entry.rospec.priority:
                return False
            self._finish(_PREEMPTED, entry.rospec.id)
        entry.state = ACTIVE
        self.run = run = Run(entry, entry.rospec.inventories[0])
        self._notify(Event.ROSPEC, tlv(P.ROSPEC_EVENT, u8(_STARTED), u32(entry.rospec.id, 0)))
        run.of_rospec = self._end_timers(entry.rospec.end, self._stop_trigger)
        self._begin_inventory(run)
        self._began()
        return True

    def _begin_inventory(self, run: Run) -> None:
        run.seen, run.known = 0, set()
        self._inventory_began(run.inventory)
        end = run.inventory.end
        run.of_inventory = self._end_timers(end, self._next_inventory)
        if end.kind == TAGS and end.tags is not None:
            tags = end.tags
            if tags.timeout_ms:
                run.of_inventory.append(self._timers.after(tags.timeout_ms / 1000, self._next_inventory))
            if tags.kind == 1:
                self._await_quiet(run, tags.quiet_ms)
            if tags.kind == 2:
                run.of_inventory.append(self._timers.after(max(tags.attempts, 1) * ROUND_S, self._next_inventory))

    def _end_timers(self, end: End, action: Callable[[], None]) -> list[Timer]:
        if end.kind == DURATION:
            return [self._timers.after(end.duration_ms / 1000, action)]
        if end.kind == GPI_OR_TIMEOUT and end.edge is not None and end.edge.timeout_ms:
            return [self._timers.after(end.edge.timeout_ms / 1000, action)]
        return []

    def _await_quiet(self, run: Run, quiet_ms: int) -> None:
        if run.quiet is not None:
            run.quiet.cancel()
        run.quiet = self._timers.after(max(quiet_ms, 1) / 1000, self._next_inventory)

    def _next_inventory(self) -> None:
        """The AISpec ended: the next one follows; after the last the ROSpec is done, and an immediate one starts again."""
        run = self.run
        if run is None:
            return
        self._end_inventory(run)
        following = run.entry.rospec.inventories[run.inventory.index :]
        if following:
            run.inventory = following[0]
            self._begin_inventory(run)
            return
        self._finish(_ENDED, inventory_ended=True)
        run.entry.halted = not self._restarts()
        self._start_waiting()

    def _stop_trigger(self) -> None:
        """The ROSpec's own stop trigger fired: it stays inactive until started, enabled anew, or its next period or edge."""
        if self.run is not None:
            self.run.entry.halted = True
            self._finish(_ENDED)
            self._start_waiting()

    def _end_inventory(self, run: Run) -> None:
        _cancel(run.of_inventory + ([run.quiet] if run.quiet else []))
        rospec = run.entry.rospec
        self._notify(Event.AISPEC, tlv(P.AISPEC_EVENT, u8(0), u32(rospec.id), u16(run.inventory.index)))
        self._ended(END_OF_AISPEC, rospec)

    def _finish(self, how: int, by: int = 0, inventory_ended: bool = False) -> None:
        """The active ROSpec becomes inactive."""
        run = self.run
        assert run is not None
        if not inventory_ended:
            self._end_inventory(run)
        _cancel(run.of_rospec)
        self.run = None
        run.entry.state = INACTIVE
        self._ended(END_OF_ROSPEC, run.entry.rospec)
        self._notify(Event.ROSPEC, tlv(P.ROSPEC_EVENT, u8(how), u32(run.entry.rospec.id, by)))


def _is_edge(edge: Edge | None, port: int, high: bool) -> bool:
    return edge is not None and (edge.port, edge.high) == (port, high)


def _cancel(timers: list[Timer]) -> None:
    for timer in timers:
        timer.cancel()
