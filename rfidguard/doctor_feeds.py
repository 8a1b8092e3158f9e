"""What `doctor` says of the sources of sales: can each be reached, and how does it stand by what the database knows?"""

from collections.abc import Iterator
from datetime import tzinfo
from functools import partial
from pathlib import Path

from rfidguard.clock import Clock
from rfidguard.config import Config, FeedSection
from rfidguard.doctor import Check, Finding, fail, ok, warn
from rfidguard.doctor_box import Who
from rfidguard.errors import RfidguardError
from rfidguard.feed_standing import Standing
from rfidguard.feeds.contract import Context, load_feed

DEADLINE_S = 90.0
"""A database may think for a minute."""
LATE_S = 10.0
"""News that is later than this comes when goods are out of the door already."""
LATELY_S = 86_400.0
_KNOWN = {"drop_folder": "path", "sql": "url, table and columns", "epcis": "url and token_file"}


def feed_checks(config: Config, who: Who, clock: Clock) -> Iterator[Check]:
    """One look at every [[feed]]'s source."""
    for section in config.feed:
        yield Check(f"feed {section.id}", partial(_reached, section, config.site.zone(), who, clock), DEADLINE_S)


def feed_secrets(config: Config) -> list[Path]:
    """Every file with a secret that a feed needs."""
    settings = [load_feed(section.driver).Settings(**section.settings()) for section in config.feed]
    named = [getattr(one, key) for one in settings for key in type(one).model_fields if key.endswith("_file")]
    return [path for path in named if path is not None]


def feed_findings(standings: list[Standing], now: float) -> Iterator[Finding]:
    """How each stands. `now`: Unix seconds."""
    if not standings:
        yield warn("sales", "no till and no feed was ever heard", "connect the tills: docs/feeds.md says how")
    for standing in standings:
        yield _standing(standing, now)


def _reached(section: FeedSection, zone: tzinfo, who: Who, clock: Clock) -> Iterator[Finding]:
    name = f"feed {section.id}"
    kind = load_feed(section.driver)
    settings = kind.Settings(**section.settings())
    folder = getattr(settings, "path", None)
    try:
        if isinstance(folder, Path) and not who.may(folder, 7):
            yield fail(name, f"{folder}: files cannot be moved away by {who.name}", f"sudo chown {who.name} {folder}")
            return
        found = kind(settings, Context(section.id, zone, clock, lambda _codes: {})).doctor()
    except (RfidguardError, OSError) as error:
        keys = _KNOWN.get(section.driver, "its settings")
        yield fail(name, str(error), f"see whether it is there, and whether {keys} are right (docs/feeds.md)")
    else:
        yield ok(name, found)


def _standing(one: Standing, now: float) -> Finding:
    name = f"sales from {one.name}"
    heard = max(one.answered_at or 0.0, one.sale_at or 0.0, one.heartbeat_at or 0.0)
    if not heard:
        return warn(name, "not heard yet", "let it sell something, then ask again")
    told = f"heard {_ago(now - heard)} ago" + (f", the last sale {_ago(now - one.sale_at)} ago" if one.sale_at else "")
    if one.stale is not None:
        return fail(
            name, f"{told}; {one.stale}", "see whether it runs and reaches this box; until then unpaid items are unverified"
        )
    if one.lag_s is not None and one.lag_s > LATE_S and one.vital:
        return warn(name, f"{told}, {one.lag_s:.0f} s late", "ask it more often, or use a faster way: late sales ring first")
    if one.refused is not None and now - one.refused.at < LATELY_S:
        text = f"{told}; {one.refused.total} refused are kept, the last {_ago(now - one.refused.at)} ago: {one.refused.detail}"
        return warn(name, text.replace("\n", "; "), f"rfidguard ledger refused --source {one.source}")
    return ok(name, told)


def _ago(seconds: float) -> str:
    """ "12 s", "5 min", "3 h", "2 days"."""
    spans: tuple[tuple[float, float, str], ...] = ((120, 1, "s"), (7_200, 60, "min"), (172_800, 3_600, "h"))
    for limit, unit, word in spans:
        if seconds < limit:
            return f"{max(seconds, 0.0) / unit:.0f} {word}"
    return f"{seconds / 86_400:.0f} days"
