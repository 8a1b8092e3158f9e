"""An item's story: the state at any time, and the records that make it."""

import pytest

from rfidguard.clock import SystemClock
from rfidguard.config import Config
from rfidguard.effects import BindCredit
from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.errors import ConfigError
from rfidguard.events import Ledger
from rfidguard.layout import Layout, layout_from
from rfidguard.ledger_db import bind_credit, store_records
from rfidguard.ledger_story import Story, named, story_message, story_of
from rfidguard.store import Store

SHIRT = encode_sgtin_96("0614141", "012345", 6789)
OTHER = encode_sgtin_96("0614141", "012345", 6790)
GTIN = identify(SHIRT).gtin or ""


@pytest.fixture
def layout() -> Layout:
    return layout_from(Config.model_validate({"site": {"id": "0001", "company_prefixes": ["0614141"]}}))


@pytest.fixture
def tell(layout: Layout):
    """Keeps records and tells the story of a key."""
    with Store("sqlite://", SystemClock()) as store:

        def told(key: str, at: float, *records: Ledger, bound: BindCredit | None = None) -> Story:
            store.write(lambda conn: store_records(conn, records, 10_000.0)).result(10)
            if bound is not None:
                store.write(lambda conn: bind_credit(conn, bound)).result(10)
            return store.read(lambda conn: story_of(conn, key, layout, at))

        yield told


def record(name: str, kind: str, at: float, **fields: object) -> Ledger:
    return Ledger(id=name, kind=kind, at=at, **(fields or {"epc": SHIRT}))  # type: ignore[arg-type]


def ids(story: Story) -> list[str]:
    return [entry.id for entry in story.records]


def test_an_item_is_at_any_time_what_it_was_then(tell) -> None:
    history = [record("i/1", "stock_in", 100.0), record("s/1", "sold", 200.0), record("r/1", "returned", 300.0)]
    states = [tell(SHIRT, at, *history).answer.state for at in (50.0, 150.0, 250.0, 350.0)]
    assert states == ["unknown", "armed", "sold", "armed"]
    assert ids(tell(SHIRT, 250.0)) == ["i/1", "s/1"]


def test_a_void_is_part_of_the_story(tell) -> None:
    story = tell(SHIRT, 900.0, record("A/1", "sold", 100.0), record("V/void", "void", 150.0, ref="A"))
    assert (story.answer.state, ids(story)) == ("unknown", ["A/1", "V/void"])


def test_of_an_articles_credits_only_the_one_that_counts_is_told(tell) -> None:
    credits_sold = [record(f"{name}/1", "sold", at, gtin=GTIN) for name, at in (("A", 100.0), ("B", 110.0), ("C", 120.0))]
    free = tell(OTHER, 200.0, *credits_sold, bound=BindCredit("A/1", 0, SHIRT, 150.0))
    assert (free.answer.state, free.answer.credit, ids(free)) == ("sold", "B/1", ["B/1"])
    used = tell(SHIRT, 200.0)
    assert (used.answer.state, ids(used)) == ("sold", ["A/1", f"A/1#0@{SHIRT}:150.0"])
    assert ids(tell(GTIN, 200.0)) == ["A/1", "B/1", "C/1", f"A/1#0@{SHIRT}:150.0"]


def test_goods_without_a_record_are_unknown_if_ours_and_foreign_if_not(tell) -> None:
    assert tell(SHIRT, 1.0).answer.state == "unknown"
    assert tell("E28011606000020000000001", 1.0).answer.state == "foreign"
    assert tell("4006381333931.5", 1.0).answer.state == "foreign"


def test_a_stranger_that_was_sold_here_is_sold(tell) -> None:
    assert tell("E280", 900.0, record("A/1", "sold", 100.0, epc="E280")).answer.state == "sold"


def test_the_message_names_the_item_and_its_records(tell) -> None:
    told = story_message(tell(SHIRT.lower(), 900.0, record("A/1", "sold", 100.0)))
    assert (told["key"], told["epc"], told["gtin"], told["serial"], told["state"], told["by"]) == (
        f"{GTIN}.6789", SHIRT, GTIN, "6789", "sold", "A/1",
    )  # fmt: skip
    assert told["at"] == "1970-01-01T00:15:00.000Z"
    assert told["story"] == [
        {
            "at": "1970-01-01T00:01:40.000Z",
            "received": "1970-01-01T02:46:40.000Z",
            "id": "A/1",
            "kind": "sold",
            "epc": SHIRT,
            "quantity": 1,
        }
    ]


@pytest.mark.parametrize(
    ("key", "gtin", "serial", "epc"),
    [
        (SHIRT.lower(), GTIN, "6789", SHIRT),
        ("614141123452", "00614141123452", None, ""),
        (" 00614141123452 ", "00614141123452", None, ""),
        ("614141123452.a.b", "00614141123452", "a.b", ""),
        ("614141123453", None, None, "614141123453"),  # a wrong check digit, so hex
        ("E280", None, None, "E280"),
    ],
)
def test_a_key_is_an_epc_a_gtin_or_gtin_and_serial(key: str, gtin: str | None, serial: str | None, epc: str) -> None:
    who = named(key)
    assert (who.gtin, who.serial, who.epc) == (gtin, serial, epc)


@pytest.mark.parametrize("key", ["", "xyz", "80614141123450.1", "123", "."])
def test_a_key_that_is_none_is_bad_usage(key: str) -> None:
    with pytest.raises(ConfigError, match="is needed"):
        named(key)
