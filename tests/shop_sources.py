"""The systems of one shop that know what was sold, each on its real wire, and the [[feed]] sections that listen to them."""

import json
import sqlite3
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

from epcis_repository import Repository
from feed_documents import epcis_event, gtin, urn
from shop_systems import SECRET, SquareApi, shopify_call, shopify_order, square_call, square_order, square_payment
from sqlalchemy import Engine, create_engine, text
from walks import own

from rfidguard.alarm import utc_text
from rfidguard.clock import SystemClock

SHIRT, HAT, SCARF = "081234", "012345", "099999"
"""Articles that are sold without an EPC, each by another system."""
CALLED_AT = "https://shop.example/v1/hooks/square"
FEEDS = ("erp", "old-till", "epcis", "folder", "shopify", "square")


class Sources:
    """`server`: the address of a PostgreSQL server, which stands in for the shop's own. Every sale is made now."""

    def __init__(self, folder: Path, server: str | None = None) -> None:
        self.folder = folder
        self.drop, self.till = folder / "drop", folder / "till.db"
        self.drop.mkdir()
        self.repository, self.square = Repository(), SquareApi()
        self.server = server
        self._engine: Engine | None = None if server is None else create_engine(server)
        self._number = 0
        (folder / "secret").write_text(SECRET)
        (folder / "token").write_text("a-token")
        with closing(sqlite3.connect(self.till)) as db, db:
            db.execute("CREATE TABLE lines (no INTEGER PRIMARY KEY, tag TEXT, sold_at TEXT)")
        if self._engine is not None:
            with self._engine.begin() as conn:
                conn.execute(text("DROP TABLE IF EXISTS sold_lines"))
                conn.execute(text("CREATE TABLE sold_lines (line text, ean text, pieces int, sold_at timestamptz)"))

    def close(self) -> None:
        self.repository.close()
        self.square.close()
        if self._engine is not None:
            self._engine.dispose()

    def toml(self, *names: str) -> str:
        """The sections of these feeds."""
        secret = f'secret_file = "{self.folder / "secret"}"'
        sections = {
            "erp": f'driver = "sql"\nurl = "{self.server}"\ntable = "sold_lines"\ncursor = "sold_at"\noverlap = 60\n'
            'every_s = 0.3\ncolumns = { gtin = "ean", quantity = "pieces", at = "sold_at", id = "line" }',
            "old-till": f'driver = "sql"\nurl = "sqlite:///{self.till}"\ntable = "lines"\ncursor = "no"\nevery_s = 0.3\n'
            'columns = { epc = "tag", at = "sold_at" }',
            "epcis": f'driver = "epcis"\nurl = "{self.repository.url}"\nper_page = 2\nevery_s = 0.3',
            "folder": f'driver = "drop_folder"\npath = "{self.drop}"\nrest_s = 0\nevery_s = 0.3\ncolumns = {{ Tag = "epc" }}',
            "shopify": f'driver = "shopify"\n{secret}',
            "square": f'driver = "square"\n{secret}\ncalled_at = "{CALLED_AT}"\napi = "{self.square.url}"\n'
            f'token_file = "{self.folder / "token"}"',
        }
        return "".join(f'[[feed]]\nid = "{name}"\n{sections[name]}\n' for name in names)

    def articles(self) -> Path:
        """The catalogue, with what the shop systems call the articles."""
        path = self.folder / "articles.csv"
        rows = (f"{gtin(HAT)},Hat,HAT-1", f"{gtin(SCARF)},Scarf,SQ-SCARF")
        path.write_text("gtin,name,sku\n" + "\n".join(rows) + "\n")
        return path

    def sell_old_till(self, *epcs: str) -> None:
        with closing(sqlite3.connect(self.till)) as db, db:
            db.executemany("INSERT INTO lines (tag, sold_at) VALUES (?, ?)", [(epc, _now()) for epc in epcs])

    def sell_erp(self, article: str, pieces: int = 1) -> None:
        assert self._engine is not None
        with self._engine.begin() as conn:
            values = {"l": f"erp-{self._next()}", "e": gtin(article), "p": pieces}
            conn.execute(text("INSERT INTO sold_lines VALUES (:l, :e, :p, now())"), values)

    def sell_epcis(self, *serials: int, article: str = "812345") -> None:
        """An event for each item `walks.own(serial)`."""
        for serial in serials:
            event = epcis_event("sale", [(article, serial)], _now(), serial, eventID=f"urn:uuid:{self._next()}")
            self.repository.events.append({**event, "epcList": [urn(article, serial)], "recordTime": _now()})

    def drop_file(self, *epcs: str) -> None:
        name = f"sales-{self._next()}.csv"
        at = _now()
        (self.drop / f"{name}.part").write_text("Tag;at\n" + "".join(f"{epc};{at}\n" for epc in epcs))
        (self.drop / f"{name}.part").rename(self.drop / name)

    def shopify_sells(self, port: int, sku: str = "HAT-1", secret: str = SECRET) -> tuple[int, Any]:
        """Shopify calls the daemon; its answer."""
        return self.call_shopify(port, self.shopify_order(sku), secret)

    def shopify_order(self, sku: str, epc: str | None = None) -> dict[str, Any]:
        noted = [{"name": "_epc", "value": epc}] if epc is not None else []
        return shopify_order(self._next(), {"sku": sku, "properties": noted}, processed_at=_now())

    def call_shopify(self, port: int, order: dict[str, Any], secret: str = SECRET) -> tuple[int, Any]:
        return _call(port, "shopify", *shopify_call("orders/create", order, secret))

    def square_sells(self, port: int, code: str = "SQ-SCARF", secret: str = SECRET) -> tuple[int, Any]:
        name = f"SQ{self._next()}"
        self.square.orders[name] = square_order(name, {"catalog_object_id": code}, closed_at=_now())
        return _call(port, "square", *square_call(CALLED_AT, square_payment(name), secret))

    def _next(self) -> int:
        self._number += 1
        return self._number


def item(serial: int, article: str = "812345") -> str:
    """The EPC of an item."""
    return own(serial, article)


def _now() -> str:
    return utc_text(SystemClock().now())


def _call(port: int, feed: str, body: bytes, headers: dict[str, str]) -> tuple[int, Any]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}/v1/hooks/{feed}", body, headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, json.loads(response.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.loads(error.read())
