"""The core's thread: takes events from the inlet, lets time pass, and hands every effect on at once."""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable

from rfidguard.clock import Clock
from rfidguard.core_state import snapshot_bytes
from rfidguard.effects import AlarmChanged, Decided, Effect, SwitchOutput
from rfidguard.events import Event, Pace, Read, Tick, heard_at
from rfidguard.inlet import Inlet
from rfidguard.pace import STEPS, Pacer, Seen
from rfidguard.recorder import FLUSH_S, Recorder
from rfidguard.runner import Runner

log = logging.getLogger(__name__)

IDLE_S = 0.1
HELD_BACK_S = 0.5
"""Reads that come so late were kept by a reader while nobody listened. They are on disk at once: no reader tells them twice."""
MAX_SNAPSHOT_BYTES = 32 * 1024 * 1024
"""The core waits while a snapshot is made, and journal lines have a limit: this takes about 2 s on a slow box."""


class CoreThread(threading.Thread):
    """Runs until `stop`. A programmer's error ends it: `failed` is then set, and the process must end and start anew.

    `beat_at` is monotonic; `counts` tells reads by gate and decisions by verdict.
    """

    def __init__(
        self,
        runner: Runner,
        inlet: Inlet,
        recorder: Recorder,
        carry_out: Callable[[list[Effect]], None],
        clock: Clock,
        max_snapshot_bytes: int = MAX_SNAPSHOT_BYTES,
    ) -> None:
        super().__init__(name="core")
        self.runner = runner
        self.failed: BaseException | None = None
        self.beat_at = clock.monotonic()
        self.counts: Counter[tuple[str, str]] = Counter()
        self._inlet = inlet
        self._recorder = recorder
        self._carry_out = carry_out
        self._clock = clock
        self._max_snapshot_bytes = max_snapshot_bytes
        self._stopping = threading.Event()
        self._stop_by = 0.0
        self._flushed_at = clock.monotonic()
        self._pacer = Pacer(clock.monotonic())
        self._idle_s = 0.0
        self._calls: deque[Callable[[Runner], list[Effect]]] = deque()

    def run(self) -> None:
        try:
            while not self._stopping.is_set() or (self._inlet.depth() and self._clock.monotonic() < self._stop_by):
                self._turn()
        except Exception as error:
            log.exception("the core failed; the process must start anew")
            self.failed = error

    def new_journal(self) -> None:
        """Begins a journal file with what the core knows. A memory too large to be written at once is left out: a restart then
        goes on from the file before.
        """
        size = snapshot_bytes(self.runner.state)
        if size > self._max_snapshot_bytes:
            self._recorder.rotate(None, left_out=f"the core's memory of {size / 1e6:.0f} MB")
        else:
            self._recorder.rotate(self.runner.snapshot(self._clock.now()))

    def call(self, change: Callable[[Runner], list[Effect]]) -> None:
        """Has something changed in the core, soon, on its own thread; a fresh snapshot then tells the journal of it."""
        self._calls.append(change)

    def stop(self, timeout_s: float = 10.0) -> None:
        """Works off what waits, for so long at most, and ends. What is left are reads, and what the database knows anyway."""
        self._stop_by = self._clock.monotonic() + timeout_s
        self._stopping.set()
        if self.is_alive():
            self.join(timeout_s)

    def _turn(self) -> None:
        self.beat_at = self._clock.monotonic()
        while self._calls:
            self._do(self._calls.popleft()(self.runner))
            self.runner.changed()
            self.new_journal()
        events = self._taken()
        seen = Seen(self._clock.monotonic(), self._inlet.waited_s, self._idle_s)
        if self._pacer.hopeless(seen) and events and isinstance(events[0], Read):
            self._inlet.given_up(events)
        else:
            self._hear(events)
        self._keep_pace(seen)
        self._let_time_pass()

    def _taken(self) -> tuple[Event, ...]:
        idle_from = self._clock.monotonic()
        events = self._inlet.take(self._patience_s())
        self._idle_s += self._clock.monotonic() - idle_from
        return events

    def _hear(self, events: tuple[Event, ...]) -> None:
        feed = self.runner.feed
        gate, reads = "", 0
        for event in events:
            if type(event) is Read:
                if event.gate != gate:
                    self._count_reads(gate, reads)
                    gate, reads = event.gate, 0
                reads += 1
            if effects := feed(event):
                self._do(effects)
        self._count_reads(gate, reads)
        if events and heard_at(events[0]) - events[0].at > HELD_BACK_S:
            self._recorder.flush()

    def _count_reads(self, gate: str, reads: int) -> None:
        if reads:
            self.counts["reads", gate] += reads

    def _keep_pace(self, seen: Seen) -> None:
        """Tells the core to look less often where it falls behind, and more often where it has time again."""
        self._pacer.look(seen)
        heard, quiet = STEPS[self._pacer.step]
        state = self.runner.state
        if (heard, quiet) != (state.heard_tenths, state.quiet_tenths):
            # At the core's own time: the present would run ahead of what waits.
            self._do(self.runner.feed(Pace(at=state.now, heard=heard, quiet=quiet)))

    def _patience_s(self) -> float:
        deadline = self.runner.deadline()
        return IDLE_S if deadline is None else min(max(deadline - self._clock.now(), 0.0), IDLE_S)

    def _let_time_pass(self) -> None:
        now = self._clock.now()
        deadline = self.runner.deadline()
        # What waits brings its own time: were the clock to run ahead of it, a slow box would call its reads too late to count.
        if deadline is not None and deadline <= now and not self._inlet.depth():
            self._do(self.runner.feed(Tick(at=now)))
        if self._clock.monotonic() - self._flushed_at >= FLUSH_S:
            self._keep_journal()

    def _keep_journal(self) -> None:
        self._flushed_at = self._clock.monotonic()
        if self._recorder.due_rotation() and self._recorder.due_rotation(self.runner.calm()):
            self.new_journal()
        self._recorder.flush()

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Decided):
                self.counts["decisions", effect.verdict] += 1
        if any(isinstance(effect, AlarmChanged | SwitchOutput) for effect in effects):
            self._recorder.flush()  # written before it is done: after a SIGKILL the same alarm comes again under the same id
        if effects:
            self._carry_out(effects)
