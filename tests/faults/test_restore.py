"""A database is lost for good: what the last backup, the journal and the feeds bring back is all that was ever sold."""

from pathlib import Path

from invariants import check
from shop import Shop
from shop_sources import Sources, item
from wait import wait_for

OLD_TILL, FOLDER = range(5_000, 5_010), range(6_000, 6_010)
"""Serials of what the feeds sell: the shop's own items begin at 1. The first half before the backup."""


def test_backup_journal_and_feeds_together_bring_back_every_sale(tmp_path: Path) -> None:
    """As systemd/README.md says. Sales of every way in: before the copy, after it, after the loss, and while the daemon was away.

    A drop folder's files are handed in again: the last moment before a power cut is in no journal.
    """
    sources = Sources(tmp_path)
    try:
        with Shop(tmp_path, extra=sources.toml("old-till", "folder")) as shop:
            copy = tmp_path / "backup.db"
            shop.start()
            till = shop.till()
            shop.open_up()
            paid = [shop.sell(till)]
            _feeds_sell(sources, 0, 5)
            _until_stored(shop, 11)
            assert shop.command("backup", str(copy)).returncode == 0

            paid.append(shop.sell(till))
            _feeds_sell(sources, 5, 8)
            _until_stored(shop, 18)
            wait_for(lambda: paid[-1] in _journal(tmp_path), what="the till's sale in the journal")
            shop.kill()
            _destroy(shop.database)
            shop.start()
            shop.watching()
            assert shop.database_was_lost()
            paid.append(shop.sell(till))

            assert shop.terminate() == 0
            _put_back(copy, shop.database)
            since = [path for path in sorted(tmp_path.glob("journal/journal-*")) if path.suffix != ".new"]
            done = shop.command("ledger", "import", *map(str, since))
            assert done.returncode == 0, done.stderr.decode()
            for file in sources.drop.glob("done/*"):
                file.rename(sources.drop / file.name)
            _feeds_sell(sources, 8, 10)
            shop.start()
            _until_stored(shop, 23)

            shop.watching()
            for epc in (*paid, item(OLD_TILL[7]), item(OLD_TILL[9]), item(FOLDER[7]), item(FOLDER[9])):
                shop.carry(epc)
            check(shop)
    finally:
        sources.close()


def _feeds_sell(sources: Sources, start: int, end: int) -> None:
    sources.sell_old_till(*map(item, OLD_TILL[start:end]))
    sources.drop_file(*map(item, FOLDER[start:end]))


def _until_stored(shop: Shop, records: int) -> None:
    sold = "select id from ledger_records where kind = 'sold'"
    try:
        wait_for(lambda: len(shop.sql(sold)) == records, 60, f"{records} sales in the ledger")
    except AssertionError as error:
        raise AssertionError(f"{error}: {sorted(row[0] for row in shop.sql(sold))}\n{shop.log()[-3000:]}") from error


def _journal(folder: Path) -> str:
    return "".join(path.read_text() for path in folder.glob("journal/journal-*.jsonl"))


def _destroy(database: Path) -> None:
    _without_log(database)
    database.write_bytes(b"this is no database " * 500)


def _put_back(copy: Path, database: Path) -> None:
    _without_log(database)
    database.write_bytes(copy.read_bytes())


def _without_log(database: Path) -> None:
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
