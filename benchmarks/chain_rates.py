"""How fast a centre takes and gives sales, and how much room they need: for docs/chain.md.

    python -m benchmarks.chain_rates URL [--records 100000]      URL: an empty PostgreSQL database, or a NATS server

One box tells, page by page; another hears everything as news, a third starts cold; single items are asked for.
"""

import argparse
import random
import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

from benchmarks.table import percentile, write
from rfidguard.chain.contract import PAGE, Centre, Shared, build_centre
from rfidguard.config_chain import Chain
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.errors import DeviceLost
from rfidguard.events import Ledger

SHOPS = 1000
QUESTIONS = 500
DEADLINE_S = 2.0
START = 1_790_000_000.0


def sales(records: int) -> Iterator[Shared]:
    """One sale each of many shops, as a till names it."""
    for number in range(records):
        shop, receipt = f"{number % SHOPS:04}", number // 3
        epc = encode_sgtin_96("0614141", f"{number * 7919 % 20_000:06}", number)
        record = Ledger(
            at=START + number / 19, id=f"{shop}-3-{receipt}/{number % 3}", kind="sold", epc=epc, gtin=identify(epc).gtin,
            transaction=str(receipt), source="mqtt:3", lane="3",
        )  # fmt: skip
        yield Shared(shop, "box", "all", record)


def pages(shared: list[Shared]) -> Iterator[list[Shared]]:
    return (shared[start : start + PAGE] for start in range(0, len(shared), PAGE))


def heard(centre: Centre, cursor: str | None) -> tuple[int, str]:
    """Everything from `cursor` on: how many records, and where to go on."""
    count = 0
    while True:
        batch = centre.snapshot(cursor) if cursor is None or centre.is_snapshot(cursor) else centre.poll(cursor)
        count, cursor = count + len(batch.shared), batch.cursor or cursor
        assert cursor is not None
        if not batch.more:
            return count, cursor


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def asked(centre: Centre, keys: list[str]) -> list[float]:
    """Milliseconds of each question about one item."""
    return [seconds(lambda key=key: centre.state([key], DEADLINE_S)) * 1e3 for key in keys]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("--records", type=int, default=100_000)
    given = parser.parse_args()
    kind = "postgresql" if given.url.startswith("postgresql") else urlsplit(given.url).scheme
    teller, hearer, starter = (build_centre(Chain(url=given.url, box=name), name) for name in ("teller", "hearer", "starter"))
    _, place = heard(hearer, None)
    told = list(sales(given.records))
    tell_s = seconds(lambda: [teller.tell(page) for page in pages(told)])
    counts: list[int] = []
    hear_s = seconds(lambda: counts.append(heard(hearer, place)[0]))
    cold_s = seconds(lambda: counts.append(heard(starter, None)[0]))
    if min(counts) < given.records:
        raise SystemExit(f"told {given.records}, heard {counts}")
    size_mb = float(re.findall(r"([\d,.]+) MB", teller.doctor())[0].replace(",", ""))
    rows = [
        ("told, in pages of 500, by one box", f"{given.records / tell_s:,.0f}/s", "-"),
        ("heard as news by one box", f"{counts[0] / hear_s:,.0f}/s", "-"),
        ("heard in a cold start", f"{counts[1] / cold_s:,.0f}/s", "-"),
        ("room, with indexes", f"{size_mb * 1e6 / given.records:.0f} B each", "-"),
    ]
    rng = random.Random(1)
    keys = [identify(rng.choice(told).record.epc or "").key for _ in range(QUESTIONS)]
    try:
        took = asked(starter, keys)
        rows.append(
            ("a question about one item, p50 / p99", f"{percentile(took, 0.5):.1f} / {percentile(took, 0.99):.1f} ms", "300 ms")
        )
    except DeviceLost as error:
        print(f"no questions: {error}")
    for centre in (teller, hearer, starter):
        centre.close()
    write(f"chain-{kind}", f"A centre of a chain in {kind}, {given.records:,} sales of {SHOPS:,} shops", rows)


if __name__ == "__main__":
    main()
