"""`alarms.critical_…`: from where on an alarm is critical, from what critical alarms turned out to be."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from rfidguard.config import Alarms, Config
from rfidguard.tuning.advice import Advice, few
from rfidguard.tuning.evidence import Case, Evidence
from rfidguard.tuning.rung import Rung
from rfidguard.tuning.staff import RIGHT

ENOUGH = 8
HALF = 0.5


def propose(evidence: Evidence, config: Config) -> Iterator[Advice]:
    """Higher where most critical alarms were nothing, as far as no right one loses its weight."""
    answered = evidence.answered()
    for key, measure in MEASURES.items():
        yield _of_limit(key, measure, answered, config.alarms)


def _of_limit(key: str, measure: Callable[[Rung], float], answered: Sequence[Case], alarms: Alarms) -> Advice:
    about, today = f"alarms.{key}", getattr(alarms, key)
    if not today:
        return Advice(about, "no proposal: this limit is switched off")
    over = [(measure(case.rung), case.meaning == RIGHT) for case in answered if measure(case.rung) >= today]
    if len(over) < ENOUGH:
        return few(about, "answered alarms beyond this limit", len(over), ENOUGH)
    found = sum(right for _, right in over)
    told = f"{found} of {len(over)} answered alarms beyond {today:g} were right"
    if found >= HALF * len(over):
        return Advice(about, f"no proposal: {told}")
    limit = _limit(over, today)
    if limit is None:
        return Advice(about, f"no proposal: {told}, but a higher limit would take right ones along")
    return Advice(about, told, (f"alarms.{key}={limit:g}",))


def _limit(over: Sequence[tuple[float, bool]], today: float) -> float | None:
    """The smallest limit beyond which at least half were right, below every right one; None where there is none."""
    lowest_right = min((size for size, right in over if right), default=None)
    for limit in sorted({size for size, _ in over if size > today} | {max(size for size, _ in over) + 1}):
        if lowest_right is not None and limit > lowest_right:
            return None
        rest = [right for size, right in over if size >= limit]
        if sum(rest) >= HALF * len(rest):
            return limit
    return None


def _items(rung: Rung) -> float:
    return len(rung.unpaid)


def _value(rung: Rung) -> float:
    return sum(float(item.price or 0) for item in rung.items if item.rang_at is not None)


def _alike(rung: Rung) -> float:
    return max(Counter(item.gtin or item.epc for item in rung.items if item.rang_at is not None).values(), default=0)


MEASURES: dict[str, Callable[[Rung], float]] = {
    "critical_items": _items,
    "critical_value": _value,
    "critical_same_article": _alike,
}
