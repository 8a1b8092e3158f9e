"""Every worker of a running daemon, for the watchdog: what it is called, when it is late, what helps."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from rfidguard.pulse import late_s
from rfidguard.watchdog import Worker

if TYPE_CHECKING:
    from rfidguard.daemon import Guard

CORE_HUNG_S = 10.0
ROUNDS_HUNG_S = 60.0
"""The rounds wait for the database; a server that is away answers after 5 s."""


def workers(guard: "Guard") -> Iterator[Worker]:
    """Those that the gate needs first. The journal, HTTP, folding and feeds may fail without anybody leaving unseen."""
    core, recorder = guard.core, guard.recorder
    yield Worker("core", lambda now: late_s(core, core.beat_at, now, CORE_HUNG_S))
    yield Worker("rounds", lambda now: guard.pulse.late_s(now, guard.rounds))
    yield Worker("store-writer", guard.store.late_s)
    yield Worker("mqtt", guard.link.late_s)
    yield Worker("mqtt-inbox", guard.link.inbox_late_s)
    for name, device in guard.devices.supervisors.items():
        yield Worker(f"device {name}", device.late_s, partial(guard.devices.replace, name))
    yield Worker("journal-pack", recorder.files.late_s, recorder.files.replace, vital=False)
    yield Worker("web", guard.web.late_s, vital=False)
    if guard.fold is not None:
        yield Worker("ledger-fold", guard.fold.late_s, vital=False)
    for name, feed in guard.feeds.threads.items():
        yield Worker(f"feed {name}", feed.late_s, vital=False)
    for thread in guard.chain.threads() if guard.chain is not None else ():
        yield Worker(thread.name, thread.late_s, vital=False)
