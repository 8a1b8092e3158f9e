"""An alarm that no handheld says it received is rung again: a PUBACK is not a person, and brokers drop in silence.

What is sent again is the newest transition, the same bytes under the same id and revision, by which consumers know it.
"""

from collections.abc import Callable, Collection
from functools import partial

from sqlalchemy import Connection, func, select, update

from rfidguard import topics
from rfidguard.alarm import Alarm
from rfidguard.clock import Clock
from rfidguard.schema import outbox
from rfidguard.store import Store

REPEAT_S = 10.0


class Repeater:
    """`turn` about once a second, on any one thread. `open_alarms`: those that handhelds are told of."""

    def __init__(self, store: Store, open_alarms: Callable[[], list[Alarm]], clock: Clock) -> None:
        self._store = store
        self._open_alarms = open_alarms
        self._clock = clock
        self._rung: dict[str, float] = {}
        """Alarm -> when it was last rung (monotonic)."""

    def turn(self) -> list[str]:
        """Rings again what is due; the ids of those alarms."""
        now = self._clock.monotonic()
        waiting = [alarm.id for alarm in self._open_alarms() if alarm.state == "open" and alarm.delivered_by is None]
        self._rung = {name: self._rung.get(name, now) for name in waiting}
        due = [name for name, at in self._rung.items() if now - at >= REPEAT_S]
        if due:
            self._rung |= dict.fromkeys(due, now)
            self._store.write(partial(ring_again, alarms=due))
        return due


def ring_again(conn: Connection, alarms: Collection[str]) -> int:
    """The newest event of each of these alarms is to be sent again, if it was sent. Returns how many."""
    own = (outbox.c.topic == topics.EVENT_ALARM) & outbox.c.alarm.in_(alarms)
    newest = select(func.max(outbox.c.id)).where(own).group_by(outbox.c.alarm)
    return conn.execute(
        update(outbox).where(outbox.c.id.in_(newest), outbox.c.done_at.is_not(None)).values(done_at=None)
    ).rowcount
