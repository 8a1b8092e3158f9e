"""Runs a driver in a thread as the supervisor does, and keeps all that it emits."""

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from wait import wait_for

from rfidguard.driver import Order
from rfidguard.events import Device

T = TypeVar("T")


class Driving:
    """One run of a driver at a time. `failure` is what `run` raised, None when it returned."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.events: list[Any] = []
        self.orders: queue.Queue[Order] = queue.Queue()
        self.stop = threading.Event()
        self.failure: BaseException | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> "Driving":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.end()

    def start(self) -> "Driving":
        self.failure = None
        self.stop.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        return self

    def end(self) -> None:
        """Sets stop and asserts that the driver obeys it (ten times the second it has)."""
        self.stop.set()
        self.join()

    def join(self) -> None:
        assert self._thread is not None
        self._thread.join(10.0)
        assert not self._thread.is_alive(), "the driver did not return within 10 s"

    def ended(self) -> bool:
        return self._thread is not None and not self._thread.is_alive()

    def of(self, kind: type[T], where: Callable[[T], bool] = lambda _: True) -> list[T]:
        return [event for event in list(self.events) if isinstance(event, kind) and where(event)]

    def states(self) -> list[str]:
        return [device.state for device in self.of(Device)]

    def until(self, kind: type[T], where: Callable[[T], bool] = lambda _: True, count: int = 1) -> T:
        """Waits until `count` such events were emitted; the last of them. Fails at once when the driver has ended before."""
        return wait_for(lambda: self._seen(kind, where, count), what=f"{count} {kind.__name__}")[0]

    def until_online(self, count: int = 1) -> None:
        self.until(Device, lambda device: device.state == "online", count)

    def _seen(self, kind: type[T], where: Callable[[T], bool], count: int) -> list[T]:
        ended = self.ended()
        found = self.of(kind, where)[count - 1 : count]
        assert found or not ended, f"the driver ended ({self.failure!r}) after {self.events}"
        return found

    def _run(self) -> None:
        try:
            self.driver.run(self.events.append, self.stop, self.orders)
        except BaseException as error:  # noqa: BLE001  (the test looks at it)
            self.failure = error
