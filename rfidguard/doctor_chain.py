"""What `doctor` says of the centre of the chain: whether it answers, and what has yet to be told."""

from collections.abc import Iterator
from functools import partial

from rfidguard import chain_outbox
from rfidguard.chain.chain_store import FEED
from rfidguard.chain.contract import build_centre
from rfidguard.clock import Clock
from rfidguard.config import Config
from rfidguard.doctor import Finding, fail, ok, warn
from rfidguard.errors import RfidguardError
from rfidguard.feeds.feed_store import feed_cursors_of
from rfidguard.store import Store

DEADLINE_S = 40.0
LATE_S = 3600.0


def centre(config: Config) -> Iterator[Finding]:
    """One look at the centre; a gate goes on without it."""
    assert config.chain is not None
    try:
        built = build_centre(config.chain, config.site.id)
    except RfidguardError as error:
        yield fail("chain", str(error), "correct chain.url, or install what it names")
        return
    try:
        yield ok("chain", built.doctor())
    except RfidguardError as error:
        yield fail("chain", str(error), "see whether it runs and may be reached; the gate goes on with what it knows")
    finally:
        built.close()


def told(config: Config, clock: Clock) -> Iterator[Finding]:
    """How far this box has told and heard, from its own database."""
    try:
        with Store(config.database.url, clock) as store:
            link, waiting = store.read(chain_outbox.link_of), store.read(chain_outbox.backlog)
            heard = store.read(partial(feed_cursors_of)).get(FEED)
    except RfidguardError:
        return  # the check of the database says it
    if link is None:
        yield ok("chain told", "this box has not joined yet; the daemon does that at its next start")
        return
    past = "" if link.past is None else "; what was here before is still being told"
    age_s = clock.now() - (link.told_at or link.joined_at)
    text = f"{waiting:,} records wait for the centre{past}; " + _heard_text(
        None if heard is None else heard.moved_at, clock.now()
    )
    late = waiting and age_s > LATE_S
    yield warn("chain told", text, "see why the centre has not taken any for so long") if late else ok("chain told", text)


def _heard_text(moved_at: float | None, now: float) -> str:
    return "nothing was heard of others yet" if moved_at is None else f"others were heard of {now - moved_at:,.0f} s ago"
