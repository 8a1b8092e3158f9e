"""How fast `ledger import` takes 1 M records: CSV and POSLog, generated, into a fresh SQLite file.

python -m benchmarks.ledger_import [--records 1000000] [--dir /tmp]
"""

import argparse
import random
import shutil
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.table import write
from rfidguard.clock import SystemClock
from rfidguard.epc import encode_sgtin_96
from rfidguard.feeds.ledger_import import ImportResult, import_file
from rfidguard.store import Store

START = 1_790_000_000
ARTICLES = 20_000
LINES_A_RECEIPT = 3
NOW = 1_900_000_000.0


def csv_file(path: Path, records: int) -> None:
    """A year of sales: EPC, kind, time, transaction, lane, id."""
    rng = random.Random(1)
    with path.open("w") as file:
        file.write("epc,kind,at,transaction,lane,id\n")
        for number in range(records):
            receipt, line = divmod(number, LINES_A_RECEIPT)
            lane = receipt % 8
            file.write(f"{_epc(rng)},sold,{START + receipt * 10},{receipt},{lane},0001-{lane}-{receipt}/{line}\n")


def poslog_file(path: Path, lines: int) -> None:
    """Receipts of three lines with EPC, as POSLog v6 writes them."""
    rng = random.Random(2)
    with path.open("w") as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n<POSLog xmlns="http://www.nrf-arts.org/IXRetail/namespace/">\n')
        for receipt in range(lines // LINES_A_RECEIPT):
            when = datetime.fromtimestamp(START + receipt * 10, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            goods = "".join(
                f"<LineItem><SequenceNumber>{line + 1}</SequenceNumber><Sale><ItemID>80614141123458</ItemID>"
                f"<Quantity>1</Quantity><EPC>{_epc(rng)}</EPC></Sale></LineItem>"
                for line in range(LINES_A_RECEIPT)
            )
            file.write(
                "<Transaction><RetailStoreID>0001</RetailStoreID>"
                f"<WorkstationID>{receipt % 8}</WorkstationID><SequenceNumber>{receipt}</SequenceNumber>"
                f"<BusinessDayDate>{when[:10]}</BusinessDayDate><EndDateTime>{when}</EndDateTime>"
                f'<RetailTransaction TransactionStatus="Finished">{goods}</RetailTransaction></Transaction>\n'
            )
        file.write("</POSLog>\n")


def _epc(rng: random.Random) -> str:
    return encode_sgtin_96("0614141", f"{rng.randrange(ARTICLES):06}", rng.randrange(1 << 38))


def timed(path: Path, database: Path) -> tuple[ImportResult, float, float]:
    """Counts, seconds on the wall, and seconds of this process's CPU time."""
    result = ImportResult()
    with Store(f"sqlite:///{database}", SystemClock()) as store:
        wall, cpu = time.perf_counter(), time.process_time()
        import_file(store, path, UTC, NOW, result, lambda _done: None)
        return result, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--dir", type=Path)
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="rfidguard-import-", dir=given.dir))
    rows = []
    try:
        for name, make, target in (("CSV", csv_file, "25,000"), ("POSLog", poslog_file, "10,000")):
            source = folder / f"sales.{name.lower()}"
            make(source, given.records)
            result, wall, cpu = timed(source, folder / f"{name.lower()}.db")
            if result.rejected or result.duplicate:
                raise SystemExit(f"{name}: {result.rejected} rejected, {result.duplicate} duplicate; the generator is wrong")
            rows.append((f"{name}: {result.stored:,} records, by the wall", f"{result.stored / wall:,.0f}/s", f"{target}/s"))
            rows.append((f"{name}: the same, by CPU time", f"{result.stored / cpu:,.0f}/s", "-"))
    finally:
        shutil.rmtree(folder)
    write("ledger-import", "Import into a fresh SQLite file (synchronous = FULL)", rows)


if __name__ == "__main__":
    main()
