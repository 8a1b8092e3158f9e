"""POSLog: the dialects of voids, the places of EPCs, what is passed over, times, keys."""

import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, PLACES, SECRET, Op, Receipt, gtin, poslog, spelled, tag

from rfidguard.events import Ledger
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.feeds.poslog import poslog_taken
from rfidguard.feeds.poslog_line import KEPT
from rfidguard.feeds.xml_stream import elements

BERLIN = ZoneInfo("Europe/Berlin")
NOW = 1_795_400_000.0
A, B = ARTICLES[0], ARTICLES[1]
DATA = Path(__file__).parents[1] / "data" / "poslog"
SALE_AT = 1_795_338_842.0


def taken(inside: str, now: float = NOW) -> list[Taken]:
    return list(poslog_taken([f"<POSLog>{inside}</POSLog>".encode()], BERLIN, now))


def sold(lines: str, head: str = "", status: str = "", flags: str = "", time: str = "2026-11-22T10:14:02") -> list[Taken]:
    return taken(
        f"<Transaction {flags}><RetailStoreID>0001</RetailStoreID><WorkstationID>3</WorkstationID><SequenceNumber>4711"
        f"</SequenceNumber><BusinessDayDate>2026-11-22</BusinessDayDate><EndDateTime>{time}</EndDateTime>{head}"
        f"<RetailTransaction {status}>{lines}</RetailTransaction></Transaction>"
    )


def line(inside: str, number: int = 1, flags: str = "", kind: str = "Sale") -> str:
    return f"<LineItem {flags}><SequenceNumber>{number}</SequenceNumber><{kind}>{inside}</{kind}></LineItem>"


def code(text: str, quantity: str | None = None, unit: str = "") -> str:
    many = "" if quantity is None else f"<Quantity {unit}>{quantity}</Quantity>"
    return f'<POSIdentity POSIDType="GTIN"><POSItemID>{text}</POSItemID></POSIdentity>{many}'


def records(every: list[Taken]) -> list[Ledger]:
    assert [one.text for one in every if one.reason] == []
    return [one.record for one in every if one.record is not None]


def short(every: list[Taken]) -> list[tuple[str, str, int | str | None]]:
    """Id within the transaction, kind, and what is named."""
    found = []
    for record in records(every):
        name = (
            record.ref
            or record.epc
            or (f"{record.gtin}.{record.serial}" if record.serial else f"{record.quantity} {record.gtin}")
        )
        found.append((record.id.removeprefix("0001-3-20261122-4711/"), record.kind, name.removeprefix("0001-3-20261122-4711/")))
    return found


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("how", range(5))
def test_an_epc_is_found_in_each_of_its_places_in_each_spelling(place: str, how: int) -> None:
    (record,) = records(list(poslog_taken([poslog([Receipt(7, [Op("sale", A, (5,))], place=place, seed=how)])], BERLIN, NOW)))
    assert (record.kind, record.at, record.lane, record.transaction) == ("sold", SALE_AT, "3", "7")
    assert record.epc in (tag(A, 5), tag(A, 5, 3)) or (record.gtin, record.serial) == (gtin(A), "5")


def test_the_id_is_the_one_of_a_tills_own_document() -> None:
    assert [record.id for record in records(sold(line(code(gtin(A)), 3)))] == ["0001-3-20261122-4711/3"]


def test_a_line_is_its_items_and_a_credit_for_the_rest() -> None:
    epcs = f"<EPC>{tag(A, 1)}</EPC><EPC>{spelled(A, 2, 0)}</EPC><EPC>{tag(A, 1)}</EPC>"
    assert short(sold(line(epcs + code(gtin(A), "5")))) == [
        ("1", "sold", tag(A, 1)),
        ("1.2", "sold", f"{gtin(A)}.2"),
        ("1.credit", "sold", f"3 {gtin(A)}"),
    ]


LINE = line(code(gtin(A), "3"))
EPC_LINE = line(f"<EPC>{tag(A, 1)}</EPC>" + code(gtin(A), "2"), 2)


@pytest.mark.parametrize(
    ("void", "expected"),
    [
        (line(code(gtin(A), "3") + "<ItemLink>1</ItemLink>", 9, 'VoidFlag="true"'), [("9", "void", "1")]),
        (line(code(gtin(A), "-3"), 9, 'VoidFlag="1"'), [("9", "void", "2.credit"), ("9.2", "returned", f"2 {gtin(A)}")]),
        ("<LineItem><SequenceNumber>9</SequenceNumber><Voids><ItemLink>1</ItemLink></Voids></LineItem>", [("9", "void", "1")]),
        (line(code(gtin(A), "1") + "<ItemLink>1</ItemLink>", 9, 'VoidFlag="true"'), [("9", "returned", f"1 {gtin(A)}")]),
        (line(f"<EPC>{spelled(A, 1, 3)}</EPC>" + code(gtin(A), "-1"), 9, 'VoidFlag="true"'), [("9", "void", "2")]),
        (line(f"<EPC>{tag(A, 1)}</EPC><ItemLink>2</ItemLink>", 9, 'VoidFlag="true"'), [("9", "void", "2")]),
        (
            "<LineItem><SequenceNumber>9</SequenceNumber><Voids><ItemLink>2</ItemLink></Voids></LineItem>",
            [("9", "void", "2.credit"), ("9.2", "void", "2")],
        ),
        (line(f"<EPC>{tag(B, 8)}</EPC>", 9, 'VoidFlag="true"'), [("9", "returned", tag(B, 8))]),
    ],
    ids=["link, +3", "no link, -3", "Voids", "part", "item", "item by link", "line with item", "item never sold here"],
)
def test_a_void_line_undoes_its_target(void: str, expected: list[tuple[str, str, str]]) -> None:
    assert short(sold(LINE + EPC_LINE + void))[3:] == expected


def test_a_void_that_names_nothing_that_was_sold_is_counted_and_takes_no_credit() -> None:
    every = sold(LINE + line(code(gtin(B), "-1"), 9, 'VoidFlag="true"'))
    assert [record.kind for record in records(every)] == ["sold"]
    assert [one.passed for one in every if one.passed] == ["void_without_target"]


def test_a_void_of_a_return_leaves_the_sale_alone() -> None:
    epc = f"<EPC>{tag(A, 1)}</EPC>"
    lines = line(epc) + line(epc, 2, kind="Return") + line(epc, 3, 'VoidFlag="true"', kind="Return")
    assert short(sold(lines))[2:] == [("3", "void", "2")]


def test_a_void_may_name_a_line_of_another_transaction() -> None:
    named = "<SequenceNumber>4700</SequenceNumber><LineItemSequenceNumber>2</LineItemSequenceNumber>"
    link = f"<TransactionLink>{named}</TransactionLink>"
    every = sold(line(code(gtin(A), "2") + link, 1, 'VoidFlag="true"'))
    assert [record.ref for record in records(every)] == [f"0001-3-20261122-4700/2{end}" for end in ("", ".credit", ".2")]


@pytest.mark.parametrize("status", ["Voided", "PostVoided", "TransactionVoided", "acs:voided"])
def test_a_voided_transaction_undoes_itself_and_what_it_links_to(status: str) -> None:
    named = "<RetailStoreID>2</RetailStoreID><SequenceNumber>4700</SequenceNumber>"
    link = f"<TransactionLink ReasonCode='Voided'>{named}</TransactionLink>"
    every = sold(LINE, link, f'TransactionStatus="{status}"')
    assert [(one.kind, one.ref) for one in records(every)] == [
        ("void", "0001-3-20261122-4711"),
        ("void", "2-3-20261122-4700"),
    ]


@pytest.mark.parametrize(
    ("status", "flags", "reason"),
    [
        ('TransactionStatus="Suspended"', "", "suspended"),
        ('TransactionStatus="SuspendedRetrieved"', "", "suspended"),
        ('TransactionStatus="Canceled"', "", "cancelled"),
        ('TransactionStatus="Projection"', "", "cancelled"),
        ("", 'TrainingModeFlag="true"', "training"),
        ("", 'CancelFlag="true"', "cancelled"),
    ],
)
def test_what_was_never_sold_is_passed_over_and_counted(status: str, flags: str, reason: str) -> None:
    assert [(one.passed, one.record) for one in sold(LINE, "", status, flags)] == [(reason, None)]


def test_a_cancelled_line_is_passed_over() -> None:
    assert [one.passed for one in sold(line(code(gtin(A)), 1, 'CancelFlag="true"'))] == ["cancelled"]


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (code("00000000067591", "1"), "plu"),
        (code("4011", "1"), "plu"),
        (code("2123450012343", "1"), "price_embedded"),
        (code("0201234500001", "1"), "price_embedded"),
        (code("0412345678903", "1"), "in_store"),
        (code("9912345678909", "1"), "coupon"),
        (code("90614141123455", "1"), "variable_measure"),
        (code("SHIRT-5", "1"), "no_gtin"),
        (code("0614141812340", "1"), "bad_check_digit"),
        ("<Quantity>1</Quantity>", "no_gtin"),
        (code(gtin(A), "0.42"), "fractional_quantity"),
        (code(gtin(A), "0"), "zero_quantity"),
        (code(gtin(A), "2", 'UnitOfMeasureCode="KGM"'), "measured_goods"),
    ],
)
def test_what_can_carry_no_tag_gives_no_credit_and_is_counted(inside: str, reason: str) -> None:
    every = sold(line(inside))
    assert [(one.passed, one.record, one.reason) for one in every] == [(reason, None, None)]


def test_goods_without_a_true_gtin_are_sold_by_their_epc_all_the_same() -> None:
    assert short(sold(line(f"<EPC>{tag(A, 1)}</EPC>" + code("4011", "1")))) == [("1", "sold", tag(A, 1))]


@pytest.mark.parametrize("text", ["614141812349", "0614141812349", "00614141812349"])
def test_a_gtin_is_the_same_with_and_without_its_zeros(text: str) -> None:
    assert short(sold(line(code(text, "1.000")))) == [("1", "sold", f"1 {gtin(A)}")]


@pytest.mark.parametrize(
    ("kind", "flags", "of_item", "of_article"),
    [
        ("Sale", "", "sold", "sold"),
        ("Return", "", "returned", "returned"),
        ("SaleForPickup", "", "sold", "reserved"),
        ("Layaway", "", "reserved", "reserved"),
        ("CustomerOrderForPickup", "", "reserved", "reserved"),
        ("PreviousLayaway", 'Action="Completed"', "sold", "sold"),
        ("PreviousLayaway", 'Action="Cancelled"', "stock_in", "stock_in"),
        ("ReturnForDelivery", "", "returned", None),
    ],
)
def test_each_kind_of_line_means_its_kind_of_record(kind: str, flags: str, of_item: str, of_article: str | None) -> None:
    def told(inside: str) -> list[str]:
        text = f"<LineItem><SequenceNumber>1</SequenceNumber><{kind} {flags}>{inside}</{kind}></LineItem>"
        return [record.kind for record in records(sold(text))]

    assert told(f"<EPC>{tag(A, 1)}</EPC>") == [of_item]
    assert told(code(gtin(A))) == ([of_article] if of_article else [])


def test_a_sale_of_less_than_nothing_is_a_return() -> None:
    assert short(sold(line(code(gtin(A), "-2")))) == [("1", "returned", f"2 {gtin(A)}")]


def test_the_same_item_returned_and_sold_in_one_exchange_keeps_its_order() -> None:
    epc = f"<EPC>{tag(A, 1)}</EPC>"
    first, second = records(sold(line(epc, 1) + line(epc, 2, kind="Return")))
    assert first.at < second.at < first.at + 0.001


@pytest.mark.parametrize(
    ("inside", "reason"),
    [
        (f"<EPC>urn:epc:id:sgtin:1.2.3</EPC>{code(gtin(A), '1')}", "bad_epc"),
        (f"<EPC>{gtin(A)}</EPC>{code(gtin(A), '1')}", "bad_epc"),
        (code(gtin(A), "many"), "bad_quantity"),
        (code(gtin(A), "99999999999999999999"), "bad_quantity"),
        (code(gtin(A), "NaN"), "bad_quantity"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(inside: str, reason: str) -> None:
    every = sold("\n\n" + line(inside))
    assert [(one.reason, (one.text or "")[:7]) for one in every if one.reason] == [(reason, "line 3:")]


def test_an_epc_that_cannot_be_read_is_a_credit_of_its_article() -> None:
    every = sold(line(f"<EPC>garbage</EPC>{code(gtin(A), '1')}"))
    assert [(one.record.gtin, one.record.quantity) for one in every if one.record] == [(gtin(A), 1)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [("1970-01-01T00:00:11", "bad_time"), ("yesterday", "bad_time"), ("2026-11-22", "bad_time"), ("", "no_time")],
)
def test_a_time_that_is_none_is_refused(text: str, reason: str) -> None:
    assert [one.reason for one in sold(LINE, time=text)] == [reason]


@pytest.mark.parametrize(
    ("text", "now", "expected"),
    [
        ("2026-11-22T10:14:02Z", NOW, "2026-11-22T10:14:02+00:00"),
        ("2026-11-22T10:14:02.5-05:00", NOW, "2026-11-22T15:14:02.500000+00:00"),
        ("2026-07-01T12:00:00", NOW, "2026-07-01T10:00:00+00:00"),
        ("2026-03-29T02:30:00", NOW, "2026-03-29T01:30:00+00:00"),
        ("2026-10-25T02:30:00", NOW, "2026-10-25T01:30:00+00:00"),
        ("2026-10-25T02:30:00", datetime(2026, 10, 25, 0, 40, tzinfo=UTC).timestamp(), "2026-10-25T00:30:00+00:00"),
    ],
    ids=["UTC", "offset", "summer", "the hour that is left out", "the hour that comes twice", "and has come once so far"],
)
def test_a_time_without_zone_is_the_shops(text: str, now: float, expected: str) -> None:
    document = poslog([Receipt(7, [Op("sale", A, (5,))], time=text)])
    (record,) = records(list(poslog_taken([document], BERLIN, now)))
    assert datetime.fromtimestamp(record.at, UTC).isoformat() == expected


def test_a_transaction_without_a_number_is_refused() -> None:
    every = taken("<Transaction><EndDateTime>2026-11-22T10:14:02</EndDateTime><RetailTransaction/></Transaction>")
    assert [one.reason for one in every] == ["no_key"]


def test_two_lines_with_one_number_are_two_sales() -> None:
    assert short(sold(line(code(gtin(A))) + line(code(gtin(B))))) == [
        ("1", "sold", f"1 {gtin(A)}"),
        ("1~2", "sold", f"1 {gtin(B)}"),
    ]


def test_stores_and_tills_of_any_name_make_keys_of_their_own() -> None:
    def name(store: str, till: str) -> str:
        return records(
            taken(
                f"<Transaction><BusinessUnit><UnitID>{store}</UnitID></BusinessUnit><WorkstationID>{till}</WorkstationID>"
                "<SequenceNumber>4294967295</SequenceNumber><EndDateTime>2026-11-22T10:14:02Z</EndDateTime>"
                f"<RetailTransaction>{LINE}</RetailTransaction></Transaction>"
            )
        )[0].id

    assert name("a-b", "c") != name("a", "b-c")
    assert name("a/b", "c") == "a%2Fb-c-20261122-4294967295/1"


def test_names_cards_and_phones_are_dropped_at_the_parser() -> None:
    document = poslog([Receipt(7, [Op("sale", A, (5,))])])
    assert SECRET.encode() in document
    assert SECRET[:6] not in repr(list(elements([document], frozenset(["Transaction"]), KEPT.__contains__)))


def test_a_real_day_of_a_grocery_store() -> None:
    document = (DATA / "ncr_acs_v2.1_day_stripped.xml").read_bytes()
    every = list(poslog_taken([document], ZoneInfo("America/Los_Angeles"), NOW))
    assert Counter(one.passed for one in every if one.passed) == {"plu": 208, "price_embedded": 58, "no_sale": 9}
    assert Counter(record.kind for record in records(every)) == {"sold": 285, "void": 1}
    ids = {record.id for record in records(every)}
    assert len(ids) == 286
    assert {record.ref for record in records(every) if record.ref} <= ids
