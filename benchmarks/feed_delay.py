"""What a slow feed of sales costs: false alarms and thefts let go, for delays, ledger modes and shares of lines without EPC.

    python -m benchmarks.feed_delay [--walk-median 60] [--hold 0] [--picture docs/feed-delay.svg]

A simulated shop day, judged by the ledger's own functions; no radio. The walk from till to door is assumed (a site's own is in
`rfidguard ledger status`): lognormal, and nobody takes less than 8 s.
"""

import argparse
import heapq
import math
import random
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from benchmarks.feed_delay_picture import picture
from benchmarks.table import write
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.events import Ledger
from rfidguard.forget import ledger_keys
from rfidguard.ledger import Policy, RecordSet, answer, binding

DELAYS_S = (0.5, 5.0, 10.0, 20.0, 60.0, 900.0)
COLUMNS = (
    ("serialised", 0.0), ("serialised", 0.01), ("serialised", 0.05), ("serialised", 0.20), ("gtin", 1.0),
    ("mixed", 0.01), ("mixed", 0.05), ("mixed", 0.20), ("mixed", 0.50),
)  # fmt: skip
DAY_S = 12 * 3600.0
START = 1_790_000_000.0
SPREAD = 0.82
"""Sigma of the logarithm of the walk: with a median of 60 s one in eleven takes less than 20 s."""
LEAST_WALK_S = 8.0
BASKET = (1, 1, 1, 2, 2, 3, 4)


class Shop(msgspec.Struct, frozen=True):
    """What is simulated: `paid` items of `articles` in a day, `stolen` beside them, and the walk from till to door (seconds).

    `seen`: the share of paid items that the gate reads; the credit of another stays open for whoever comes next.
    """

    paid: int = 3000
    stolen: int = 300
    articles: int = 3000
    walk_median_s: float = 60.0
    hold_s: float = 0.0
    seen: float = 0.95


class Result(msgspec.Struct, frozen=True):
    """Shares of paid items that rang, and that still stood as unpaid in the end; of stolen items, all of them seen, that rang."""

    false: float
    standing: float
    caught: float


class Leaving(msgspec.Struct, frozen=True):
    epc: str
    at: float
    paid_at: float | None


def day(shop: Shop, seed: int) -> list[Leaving]:
    """Who leaves with what, in order: an article's popularity falls as one over its rank."""
    rng = random.Random(seed)
    weights = [1.0 / (rank + 10) for rank in range(shop.articles)]
    articles = iter(rng.choices(range(shop.articles), weights, k=shop.paid + shop.stolen))
    serial = iter(range(1, shop.paid + shop.stolen + 1))
    items = []
    while len(items) < shop.paid:
        paid_at = START + rng.uniform(0, DAY_S)
        left_at = paid_at + max(LEAST_WALK_S, rng.lognormvariate(math.log(shop.walk_median_s), SPREAD))
        size = min(rng.choice(BASKET), shop.paid - len(items))
        items += [Leaving(_epc(next(articles), next(serial)), left_at, paid_at) for _ in range(size)]
    items += [Leaving(_epc(next(articles), next(serial)), START + rng.uniform(0, DAY_S), None) for _ in range(shop.stolen)]
    return sorted(items, key=lambda item: (item.at, item.epc))


def _epc(article: int, serial: int) -> str:
    return encode_sgtin_96("0614141", f"{article:06}", serial)


def sales(items: Iterable[Leaving], without_epc: float, delay_s: float, seed: int) -> Iterator[tuple[float, Ledger]]:
    """When each sale is heard of, and its record; a share of lines names the article only."""
    rng = random.Random(seed)
    for number, item in enumerate(items):
        if item.paid_at is not None:
            named = rng.random() >= without_epc
            what = {"epc": item.epc} if named else {"gtin": identify(item.epc).gtin}
            yield item.paid_at + delay_s, Ledger(at=item.paid_at, id=f"s{number}/1", kind="sold", **what)


def judged(shop: Shop, mode: str, without_epc: float, delay_s: float, seed: int) -> Result:
    """One day at one gate, in order of what it hears: an exit `hold_s` after it, a sale `delay_s` after it."""
    items, policy = day(shop, seed), Policy(mode=mode, unknown_epc="strict")
    ledger, rang, unpaid = RecordSet(), set[str](), dict[str, Leaving]()
    told = [(at, 0, record.id, record) for at, record in sales(items, without_epc, delay_s, seed)]
    rng = random.Random(seed)
    seen = [item for item in items if item.paid_at is None or rng.random() < shop.seen]
    leave = [(item.at + shop.hold_s, 1, item.epc, item) for item in seen]
    for _, _, _, what in heapq.merge(sorted(told, key=_turn), sorted(leave, key=_turn)):
        if isinstance(what, Ledger):
            ledger.add(what)
            for item in [item for item in unpaid.values() if _gtin(item.epc) == _gtin_of(what)]:
                if _is_paid(ledger, policy, item, unpaid):
                    del unpaid[item.epc]
        elif not _is_paid(ledger, policy, what, unpaid):
            rang.add(what.epc)
            unpaid[what.epc] = what
    paid = {item.epc for item in items if item.paid_at is not None}
    return Result(len(rang & paid) / shop.paid, len(paid & unpaid.keys()) / shop.paid, len(rang - paid) / shop.stolen)


def _turn(step: tuple[float, int, str, object]) -> tuple[float, int, str]:
    return step[:3]


def _gtin(epc: str) -> str:
    return identify(epc).gtin or ""


def _gtin_of(record: Ledger) -> str:
    return record.gtin or _gtin(record.epc or "00")


def _is_paid(ledger: RecordSet, policy: Policy, item: Leaving, unpaid: dict[str, Leaving]) -> bool:
    """Asks the ledger as the gate does, and binds the credit that paid."""
    waiting = [(other.epc, other.at) for other in unpaid.values() if _gtin(other.epc) == _gtin(item.epc)]
    known = answer(ledger.find(ledger_keys(item.epc)), identify(item.epc), policy, item.at, waiting)
    if known.credit is not None and known.unit is not None:
        ledger.add(binding(known.credit, known.unit, item.epc, item.at))
    return known.state == "sold"


def mean(results: list[Result]) -> Result:
    """Of several days."""
    count = len(results)
    return Result(*(sum(getattr(one, field) for one in results) / count for field in Result.__struct_fields__))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--paid", type=int, default=3000, help="items paid a day")
    parser.add_argument("--stolen", type=int, default=300)
    parser.add_argument("--articles", type=int, default=3000)
    parser.add_argument("--walk-median", type=float, default=60.0, help="seconds from till to door")
    parser.add_argument("--seen", type=float, default=0.95, help="share of paid items that the gate reads")
    parser.add_argument("--hold", type=float, default=0.0, help="ledger.late_sale_hold_s")
    parser.add_argument("--days", type=int, default=3)
    parser.add_argument("--picture", type=Path, help="an SVG of the table")
    given = parser.parse_args()
    shop = Shop(given.paid, given.stolen, given.articles, given.walk_median, given.hold, given.seen)
    table = {
        (delay_s, column): mean([judged(shop, *column, delay_s, seed) for seed in range(given.days)])
        for delay_s in DELAYS_S
        for column in COLUMNS
    }
    said = (
        f"{given.days} simulated days of {shop.paid:,} paid and {shop.stolen:,} stolen items of {shop.articles:,} articles;"
        f" assumed: {shop.walk_median_s:g} s (median, 8 s at least) from till to door, the gate reads {shop.seen:.0%};"
        f" hold {shop.hold_s:g} s"
    )
    rows = [
        (
            f"{mode}, {share:.0%} of lines without EPC, feed {delay_s:g} s late",
            f"{result.false:.2%} / {result.standing:.2%} / {result.caught:.1%}",
            "-",
        )
        for (delay_s, (mode, share)), result in table.items()
    ]
    write("feed-delay", "Paid items that rang / that were never cleared / stolen items that rang", rows, said)
    if given.picture:
        given.picture.write_text(picture(table, DELAYS_S, COLUMNS, said))


if __name__ == "__main__":
    main()
