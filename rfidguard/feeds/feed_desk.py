"""All feeds of a configuration: those that are asked each on a thread of its own, those that send by the calls that come."""

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec

from rfidguard.catalogue_db import gtins_of
from rfidguard.clock import Clock
from rfidguard.config import Config, FeedSection
from rfidguard.dead_letter import bury
from rfidguard.driver import Emit
from rfidguard.errors import DeviceLost, RefusedInput
from rfidguard.feeds.contract import Context, Hook, PollSettings, Unsigned, load_feed
from rfidguard.feeds.feed_store import take_page
from rfidguard.feeds.feed_thread import FeedThread, Tell
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.metrics import Family, counter, gauge
from rfidguard.store import Store

log = logging.getLogger(__name__)

NOT_HEARD = "not heard yet"


class HookReply(msgspec.Struct, frozen=True):
    """The answer to a call: an HTTP status, and for people what became of it. `rejected` and `passed_over`: by reason."""

    code: int
    status: str
    stored: int = 0
    duplicate: int = 0
    passed_over: dict[str, int] = {}
    rejected: dict[str, int] = {}
    errors: tuple[str, ...] = ()


class Feeds:
    """`start`, `stop`, and `take_hook` from any thread. `brought`: records by hook; `refused`: of their calls, by reason."""

    def __init__(self, config: Config, store: Store, emit: Emit, clock: Clock, tell: Tell) -> None:
        self._store, self._emit, self._clock, self._tell = store, emit, clock, tell
        self.threads: dict[str, FeedThread] = {}
        self.hooks: dict[str, Hook] = {}
        self.brought: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self._states: dict[str, tuple[str, str | None]] = {}
        for section in config.feed:
            self._add(section, config)

    def start(self) -> None:
        for name in (*self.threads, *self.hooks):
            self._told(name, "offline", NOT_HEARD)
        for thread in self.threads.values():
            thread.start()

    def stop(self) -> None:
        """Waits for all of them at once."""
        for thread in self.threads.values():
            thread.cease()
        for thread in self.threads.values():
            thread.stop()

    def states(self) -> dict[str, tuple[str, str | None]]:
        """Feed -> state and reason. One that hangs is offline."""
        hung = {name: ("offline", "the source does not answer") for name, thread in self.threads.items() if thread.hangs()}
        return {**self._states, **hung}

    def reasons(self) -> dict[str, str]:
        """Feeds that fail, and why. One that was not heard yet does not."""
        failed = {name: why for name, (state, why) in self.states().items() if state == "offline" and why != NOT_HEARD}
        return {f"feed {name}": why or "fails" for name, why in failed.items()}

    def take_hook(self, name: str, headers: Mapping[str, str], body: bytes) -> HookReply:
        """One call. Returns after what it said is on disk. Raises StoreUnavailable: the sender sends again.

        What is proved and makes no sense is kept, and confirmed: it would be sent again and again, and some shop systems
        end a subscription over it.
        """
        hook = self.hooks.get(name)
        if hook is None:
            return self._refuse(404, "unknown_feed", f"no [[feed]] that is called is named {name[:64]!r}")
        now = self._clock.now()
        try:
            taken = hook.heard(headers, body)
        except Unsigned as error:
            return self._refuse(401, "bad_signature", str(error))
        except (DeviceLost, OSError) as error:
            self._told(name, "offline", str(error))
            return self._refuse(503, "not_now", str(error))
        except RefusedInput as error:
            self._store.write(partial(bury, source=name, reason=error.reason, detail=str(error), payload=body, at=now)).result()
            return self._refuse(200, error.reason, str(error))
        counts = take_page(self._store, taken, feed=name, cursor=None, now=now, emit=self._emit, alive=False)
        self._told(name, "online", None)
        reply = _reply(taken, counts.stored, counts.duplicate, counts.reused)
        self.brought[name] += reply.stored
        self.refused.update(reply.rejected)
        return reply

    def families(self) -> Iterable[Family]:
        """The numbers for /metrics."""
        up = {name: float(state == "online") for name, (state, _) in self.states().items()}
        stored = {name: float(self.brought[name]) for name in self.hooks}
        stored |= {name: float(thread.counts["stored"]) for name, thread in self.threads.items()}
        refused = Counter(self.refused)
        for thread in self.threads.values():
            refused.update(thread.refused)
        return [
            gauge("rfidguard_feed_up", "1 while a feed of sales works.", up, "feed"),
            counter("rfidguard_feed_records", "Records that a feed brought.", stored, "feed"),
            counter("rfidguard_feed_refused", "What feeds brought and could not be used.", refused),
        ]

    def _add(self, section: FeedSection, config: Config) -> None:
        kind = load_feed(section.driver)
        settings = kind.Settings(**section.settings())
        gtins = lambda codes: self._store.read(partial(gtins_of, codes=codes))  # noqa: E731
        context = Context(section.id, config.site.zone(), self._clock, gtins)
        if isinstance(settings, PollSettings):
            build = partial(kind, settings, context)
            thread = FeedThread(section.id, build, settings.every_s, self._store, self._emit, self._clock, self._told)
            self.threads[section.id] = thread
        else:
            self.hooks[section.id] = kind(settings, context)

    def _told(self, feed: str, state: str, reason: str | None) -> None:
        if self._states.get(feed) != (state, reason):
            self._states[feed] = (state, reason)
            self._tell(feed, state, reason)

    def _refuse(self, code: int, reason: str, text: str) -> HookReply:
        self.refused[reason] += 1
        log.warning("a call of a shop system was refused (%s): %s", reason, text)
        return HookReply(code, "rejected", rejected={reason: 1}, errors=(text,))


def _reply(taken: Sequence[Taken], stored: int, duplicate: int, reused: Sequence[str]) -> HookReply:
    rejected = Counter(one.reason for one in taken if one.reason is not None)
    if reused:
        rejected["id_reused"] += len(reused)
    passed = Counter(one.passed for one in taken if one.passed is not None)
    errors = tuple(one.text or "" for one in taken if one.reason is not None)[:20]
    status = "stored" if stored else "duplicate" if duplicate else "rejected" if rejected else "passed_over"
    return HookReply(200, status, stored, duplicate, dict(passed), dict(rejected), errors)


def vital(config: Config) -> frozenset[str]:
    """The configured feeds whose silence makes the ledger doubtful."""
    silent = []
    for section in config.feed:
        settings: Any = load_feed(section.driver).Settings(**section.settings())
        if not settings.vital:
            silent.append(section.id)
    return frozenset(section.id for section in config.feed) - frozenset(silent)
