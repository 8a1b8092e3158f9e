"""Watches every worker of the daemon: each beats within its own deadline, and one that does not is named and, where it can be,
started anew alone. One that the gate cannot do without ends the process, which is then started anew.
"""

import logging
from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

log = logging.getLogger(__name__)

MOST_REPLACED = 3
"""A worker that hung so often holds something that only the end of the process gives back."""


class Worker(msgspec.Struct, frozen=True):
    """One thread. `late_s`: by how many seconds it is over its deadline now (0: it is well; infinite: its thread is gone).
    `replace` gives it a new thread. `vital`: without it nobody is told of a theft.
    """

    name: str
    late_s: Callable[[float], float]
    replace: Callable[[], None] | None = None
    vital: bool = True


class Watchdog:
    """`look` often, on one thread. `tell(names)` hears who hangs, whenever that changes; `replaced` counts new threads."""

    def __init__(self, workers: Callable[[], Iterable[Worker]], tell: Callable[[tuple[str, ...]], None]) -> None:
        self._workers = workers
        self._tell = tell
        self.hanging: tuple[str, ...] = ()
        self.replaced: Counter[str] = Counter()

    def look(self, now: float) -> str | None:
        """Gives new threads to those that can have one. The worker for whose sake the process must end; None: none."""
        late = [worker for worker in self._workers() if worker.late_s(now) > 0]
        names = tuple(worker.name for worker in late)
        if names != self.hanging:
            for name in names:
                log.critical("%s hangs or is gone", name)
            self.hanging = names
            self._tell(names)
        lost = [worker.name for worker in late if not self._mended(worker) and worker.vital]
        return lost[0] if lost else None

    def _mended(self, worker: Worker) -> bool:
        if worker.replace is None or self.replaced[worker.name] >= MOST_REPLACED:
            return False
        self.replaced[worker.name] += 1
        worker.replace()
        return True
