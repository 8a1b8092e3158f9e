"""Keeps one device running for ever: one thread, restarts with back-off, tells the rest of the program up and down.

A driver only reads. Pauses, the offline event, the beat that feeds the watchdog and answers to orders nobody can
carry out are here.
"""

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable

from rfidguard.clock import Clock
from rfidguard.driver import Driver, Emit, Order, SetOutput
from rfidguard.errors import DeviceLost
from rfidguard.events import Device, Event, OutputDone, ReadBatch
from rfidguard.events import Read as ReadEvent
from rfidguard.order_queue import OrderQueue
from rfidguard.pulse import late_s

log = logging.getLogger(__name__)

HUNG_S = 10.0
"""A driver that has neither looked at `stop` nor taken an order for so long hangs."""
PAUSE_MIN_S = 0.2
PAUSE_MAX_S = 1.0
"""A reader that is back must read again within 2 s: one pause of at most this, then the driver's own connecting."""

STEADY_S = 5.0
"""A device that was online for this long starts with the shortest pause again; one that flaps does not."""


class Supervisor:
    """One device. `name` is its driver's, for logs and metrics.

    `counts`: events, reads, outputs, restarts (runs after the first), lost (DeviceLost), crashes (faults of the driver),
    said_twice (states told again, not passed on), refused (orders answered with failure). `rejects` are the driver's own.
    """

    def __init__(
        self, driver: Driver, name: str, emit: Emit, clock: Clock, *, jitter: Callable[[], float] = random.random
    ) -> None:
        self.driver = driver
        self.device = driver.device
        self.name = name
        self.orders = OrderQueue()
        self.counts: Counter[str] = Counter()
        self.state: str | None = None
        """None until the device was first heard of; then online, degraded or offline."""
        self.reason: str | None = None
        """Why it is not online, as it was last told or tried."""
        self.beat_at = clock.monotonic()
        """When the driver last looked at `stop` or took an order; a driver that hangs does neither."""
        self._emit = emit
        self._clock = clock
        self._jitter = jitter
        self._stop = threading.Event()
        self._emitting = threading.RLock()
        self._up_at: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"device {self.device}", daemon=True)

    @property
    def rejects(self) -> Counter[str]:
        """Bad input by reason, as the driver counted it."""
        return self.driver.rejects

    def start(self) -> None:
        """Runs the device in its own thread."""
        self.beat_at = self._clock.monotonic()
        self._thread.start()

    def late_s(self, now: float) -> float:
        """How long its driver is over its deadline at `now` (monotonic); infinite once its thread is gone."""
        return late_s(self._thread, self.beat_at, now, HUNG_S)

    def end(self) -> None:
        """Tells the device to stop, without waiting."""
        self._stop.set()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Ends the device. False when it did not end within `timeout_s`; its thread then dies with the process."""
        self._stop.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout_s)
        if self._thread.is_alive():
            log.error("%s (%s) did not stop within %.1f s", self.device, self.name, timeout_s)
            return False
        return True

    def is_alive(self) -> bool:
        """True while its thread runs."""
        return self._thread.is_alive()

    def order(self, order: Order) -> bool:
        """Hands an order to the device, never waiting. False when its queue is full; an output is then answered with failure."""
        return self.orders.put(order)

    def _run(self) -> None:
        stop, orders = _Stop(self), _Orders(self)
        pause_s = PAUSE_MIN_S
        while not self._stop.is_set():
            reason = self._one_run(stop, orders)
            if self._stop.is_set():
                break
            if self._up_at is not None and self._clock.monotonic() - self._up_at >= STEADY_S:
                pause_s = PAUSE_MIN_S
            self._offline(reason)
            self._pause(pause_s * (0.5 + 0.5 * self._jitter()))
            pause_s = min(PAUSE_MAX_S, pause_s * 2)
            self.counts["restarts"] += 1
        if self.state is not None:
            self._offline("rfidguard is stopping")
        self._answer_refused("rfidguard is stopping")

    def _one_run(self, stop: "_Stop", orders: "_Orders") -> str:
        """Runs the driver once; returns why it ended."""
        self._up_at = None
        try:
            self.driver.run(self._pass_on, stop, orders)
        except DeviceLost as error:
            self.counts["lost"] += 1
            return str(error) or "lost"
        except Exception as error:  # thread root: a fault of one driver must not end the guard of the other gates
            self.counts["crashes"] += 1
            log.exception("%s (%s): a fault in the driver; it is started again", self.device, self.name)
            return f"fault in the driver: {type(error).__name__}: {error}"
        if not self._stop.is_set():
            self.counts["crashes"] += 1
            log.error("%s (%s): the driver returned without being told to; it is started again", self.device, self.name)
        return "the driver ended by itself"

    def _pass_on(self, item: Event | ReadBatch) -> None:
        with self._emitting:
            if isinstance(item, Device) and item.device == self.device and not self._is_news(item):
                return
            self._count(item)
            self._emit(item)

    def _count(self, item: Event | ReadBatch) -> None:
        reads = len(item.reads) if isinstance(item, ReadBatch) else int(isinstance(item, ReadEvent))
        self.counts["reads"] += reads
        self.counts["events"] += len(item.reads) if isinstance(item, ReadBatch) else 1
        self.counts["outputs"] += int(isinstance(item, OutputDone))

    def _is_news(self, device: Device) -> bool:
        """Takes note of the state; False when it was told already."""
        if (device.state, device.reason) == (self.state, self.reason):
            self.counts["said_twice"] += 1
            return False
        if device.state != "offline":
            self._up_at = self._clock.monotonic() if self._up_at is None else self._up_at
        level = logging.INFO if device.state == "online" else logging.WARNING
        log.log(level, "%s (%s) is %s%s", self.device, self.name, device.state, f": {device.reason}" if device.reason else "")
        self.state, self.reason = device.state, device.reason
        return True

    def _offline(self, reason: str) -> None:
        """Tells once that the device is away; while it stays away only `reason` follows."""
        if self.state == "offline":
            self.reason = reason
        else:
            self._pass_on(Device(at=self._clock.now(), device=self.device, state="offline", reason=reason))

    def _pause(self, pause_s: float) -> None:
        """Waits, and answers outputs that nobody can set now: switched later they would alarm about nothing."""
        self._beat()
        until = self._clock.monotonic() + pause_s
        while True:
            self._answer_refused(f"{self.device} is offline: {self.reason}")
            left_s = until - self._clock.monotonic()
            if left_s <= 0 or self._stop.wait(min(left_s, PAUSE_MIN_S / 2)):
                break
        self._beat()

    def _answer_refused(self, reason: str) -> None:
        for order in self.orders.take_outputs():
            self._refuse(order, reason)

    def _beat(self) -> None:
        self.beat_at = self._clock.monotonic()
        for order in self.orders.take_refused():
            self._refuse(order, f"too many orders wait for {self.device}")

    def _refuse(self, order: SetOutput, reason: str) -> None:
        self.counts["refused"] += 1
        at = self._clock.now()
        self._pass_on(OutputDone(at=at, device=self.device, id=order.id, pin=order.pin, on=False, ok=False, reason=reason))


class _Stop:
    """The driver's view of stop. To ask it is to beat: no driver has to know of the watchdog."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def is_set(self) -> bool:
        self._supervisor._beat()
        return self._supervisor._stop.is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self._supervisor._beat()
        return self._supervisor._stop.wait(timeout)


class _Orders:
    """The driver's view of its orders."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor

    def get(self, block: bool = True, timeout: float | None = None) -> Order:
        self._supervisor._beat()
        return self._supervisor.orders.get(block, timeout)

    def get_nowait(self) -> Order:
        return self._supervisor.orders.get_nowait()
