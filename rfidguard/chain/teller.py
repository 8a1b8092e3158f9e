"""Tells the centre what was sold here: what is new as it comes, and once what was known before the box joined."""

import logging
from collections import Counter
from collections.abc import Sequence
from functools import partial

from rfidguard import chain_outbox
from rfidguard.chain.chain_store import Member
from rfidguard.chain.contract import PAGE, Sink
from rfidguard.chain.sharing import SOURCE, as_told
from rfidguard.clock import Clock
from rfidguard.events import Ledger
from rfidguard.ledger_db import records_after
from rfidguard.store import Store

log = logging.getLogger(__name__)

DAY_S = 86_400.0
REST_S = 5.0
"""What other programs (`ledger import`) put aside is found so often; what this one does is told at once."""
STORED_LATE_S = 60.0
"""What was stored while the box joined may bear a time a little later; it is told twice rather than never."""


class Teller:
    """`turn` until it rests. `counts`: told, again (the centre has to be told everything anew)."""

    def __init__(self, store: Store, centre: Sink, me: Member, history_days: float, clock: Clock) -> None:
        self.counts: Counter[str] = Counter()
        self._store, self._centre, self._me, self._clock = store, centre, me, clock
        self._history_s = history_days * DAY_S
        self._joined = False

    def turn(self) -> float:
        """Tells one page. How long to rest then (seconds). Raises DeviceLost and StoreUnavailable: nothing is lost by it."""
        now = self._clock.now()
        if not self._joined:
            self._store.write(partial(chain_outbox.join, now=now)).result()
            self._joined = True
        if self._store.read(chain_outbox.too_many):
            log.warning("too much waits for the centre: it is told everything anew once it is back")
            self.again()
        last, records = self._store.read(partial(chain_outbox.waiting, most=PAGE))
        if not records:
            return 0.0 if self._tell_past(now) else REST_S
        self._tell(records)
        self._store.write(partial(chain_outbox.told, last=last, now=now)).result()
        return 0.0

    def again(self) -> None:
        """The centre knows less than it was told. Raises StoreUnavailable."""
        self.counts["again"] += 1
        self._store.write(partial(chain_outbox.tell_again, now=self._clock.now())).result()

    def _tell_past(self, now: float) -> bool:
        """Tells a page of older records. False where all were told."""
        link = self._store.read(chain_outbox.link_of)
        if link is None or link.past is None:
            return False
        since, until = now - self._history_s, link.joined_at + STORED_LATE_S
        records = self._store.read(partial(records_after, name=link.past, since=since, until=until, most=PAGE))
        self._tell([record for record in records if not (record.source or "").startswith(SOURCE)])
        name = records[-1].id if records else None
        self._store.write(partial(chain_outbox.past_told, name=name, now=now)).result()
        return bool(records)

    def _tell(self, records: Sequence[Ledger]) -> None:
        me = self._me
        self._centre.tell([as_told(record, me.site, me.box, me.region) for record in records])
        self.counts["told"] += len(records)
