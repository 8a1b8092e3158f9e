"""The sale document: what it means as ledger records, and what is said of each mistake."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from rfidguard.refusal import complaints
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import FIELDS, MAX_LINES, SaleDocument, digest, sale_records

AT = "2026-11-22T10:14:02Z"
EPC = "3074257BF7194E4000001A85"
GTIN = "00614141123452"


def parsed(**fields: Any) -> SaleDocument:
    body = {"id": "D1", "at": AT, "kind": "sale", "lines": [{"epc": EPC}], **fields}
    return SaleDocument.model_validate_json(json.dumps({name: value for name, value in body.items() if value is not None}))


def faults(**fields: Any) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        parsed(**fields)
    return complaints(caught.value, FIELDS)


def void(**fields: Any) -> SaleDocument:
    return SaleDocument.model_validate_json(json.dumps({"kind": "void", **fields}))


def test_the_contracts_own_example_gives_one_record_a_line() -> None:
    doc = parsed(
        id="0001-3-20261122-4711",
        transaction="4711",
        lane="3",
        lines=[
            {"line": 1, "kind": "sold", "epc": EPC.lower()},
            {"line": 2, "kind": "sold", "gtin": "614141123452", "quantity": 2},
            {"line": 3, "kind": "returned", "epc": "E280"},
        ],
    )
    records = sale_records(doc, "pos/3", "3")
    assert [(r.id, r.kind, r.epc, r.gtin, r.quantity) for r in records] == [
        ("0001-3-20261122-4711/1", "sold", EPC, None, 1),
        ("0001-3-20261122-4711/2", "sold", None, GTIN, 2),
        ("0001-3-20261122-4711/3", "returned", "E280", None, 1),
    ]
    assert {(r.at, r.transaction, r.lane, r.source) for r in records} == {(unix_seconds(AT), "4711", "3", "pos/3")}


@pytest.mark.parametrize(("kind", "meant"), [("sale", "sold"), ("return", "returned")])
def test_a_line_is_what_its_document_is(kind: str, meant: str) -> None:
    assert sale_records(parsed(kind=kind), "s", None)[0].kind == meant


def test_a_lines_own_kind_decides() -> None:
    doc = parsed(kind="return", lines=[{"epc": EPC, "kind": "sold"}, {"gtin": GTIN, "kind": "reserved"}, {"gtin": GTIN}])
    assert [record.kind for record in sale_records(doc, "s", None)] == ["sold", "reserved", "returned"]


def test_lines_without_numbers_are_numbered_by_their_place() -> None:
    doc = parsed(lines=[{"epc": EPC}, {"line": 7, "gtin": GTIN}, {"gtin": GTIN}])
    assert [record.id for record in sale_records(doc, "s", None)] == ["D1/1", "D1/7", "D1/3"]


def test_a_line_with_an_epc_and_a_quantity_is_one_item_and_a_credit_for_the_rest() -> None:
    records = sale_records(parsed(lines=[{"epc": EPC, "quantity": 3}]), "s", None)
    assert [(r.id, r.epc, r.gtin, r.quantity) for r in records] == [
        ("D1/1", EPC, None, 1),
        ("D1/1.credit", None, "80614141123458", 2),
    ]


def test_the_rest_of_a_line_whose_epc_names_no_article_needs_the_gtin() -> None:
    assert faults(lines=[{"epc": "E280", "quantity": 2}]) == [
        "lines[0].gtin: is needed: of 2 items only one has this EPC, and it names no article"
    ]
    records = sale_records(parsed(lines=[{"epc": "E280", "gtin": GTIN, "quantity": 2}]), "s", None)
    assert [(r.id, r.epc, r.gtin, r.quantity) for r in records] == [("D1/1", "E280", GTIN, 1), ("D1/1.credit", None, GTIN, 1)]


def test_a_void_undoes_a_whole_document() -> None:
    records = sale_records(void(id="V1", at=AT, ref="D1"), "s", "3")
    assert [(r.id, r.kind, r.ref, r.at) for r in records] == [("V1/void", "void", "D1", unix_seconds(AT))]


def test_a_void_of_lines_undoes_them_with_their_credits() -> None:
    records = sale_records(void(id="V1", at=AT, ref="D1", lines=[{"line": 2}]), "s", None)
    assert [(r.id, r.ref) for r in records] == [("V1/2", "D1/2"), ("V1/2.credit", "D1/2.credit")]


def test_a_void_needs_no_id_and_no_time_of_its_own() -> None:
    doc = void(ref="D1", lines=[{"line": 2}, {"line": 3}])
    assert doc.document == "void:D1:2,3"
    assert {record.at for record in sale_records(doc, "s", None, heard_at=5.0)} == {5.0}
    assert len(void(ref="x" * 160).document) <= 160


def test_the_same_meaning_has_the_same_digest_however_it_is_spelt() -> None:
    one = parsed(lane="3", at="2026-11-22T10:14:02Z", lines=[{"epc": EPC}])
    other = parsed(at="2026-11-22T11:14:02.000+01:00", lines=[{"line": 1, "kind": "sold", "epc": EPC.lower(), "quantity": 1}])
    assert digest(one) == digest(other)
    assert digest(one) != digest(parsed(lines=[{"epc": EPC}, {"gtin": GTIN}]))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"id": None}, "id: is missing"),
        ({"id": ""}, "id: string should have at least 1 character, not ''"),
        ({"id": 4711}, "id: must be a text in quotes, not 4711"),
        ({"id": "a\u0000b"}, "id: must be printable text with no blanks around it, not 'a\\x00b'"),
        ({"at": None}, "at: is missing"),
        (
            {"at": "2026-11-22T10:14:02"},
            "at: must be an RFC 3339 time with zone, like 2026-11-22T10:14:02Z, not '2026-11-22T10:14:02' (the zone",
        ),
        ({"at": "yesterday"}, "at: must be an RFC 3339 time with zone, like 2026-11-22T10:14:02Z, not 'yesterday'"),
        ({"at": "2026-13-22T10:14:02Z"}, "at: '2026-13-22T10:14:02Z' is no time: month must be in 1..12"),
        ({"at": "1970-01-01T00:00:10Z"}, "at: 1970-01-01T00:00:10Z is before 2020: is the till's clock set?"),
        ({"at": 1795000000}, "at: must be a text in quotes, not 1795000000"),
        ({"kind": "sold"}, "kind: must be one of 'sale', 'return' or 'void', not 'sold'"),
        ({"kind": None}, 'lines[0].kind: is missing; say it here, or "kind": "sale" or "return" for the whole document'),
        ({"ref": "D0"}, 'ref: belongs to a void only; say "kind": "void", or leave it out'),
        ({"lane": "a/b"}, "lane: must not hold + # or / (it is a topic level), not 'a/b'"),
        ({"transation": "1"}, "transation: is no field of this document; did you mean 'transaction'?"),
        ({"lines": None}, "lines: at least one line is needed; a till with nothing to sell sends a heartbeat"),
        ({"lines": []}, "lines: at least one line is needed; a till with nothing to sell sends a heartbeat"),
        ({"lines": {"epc": EPC}}, "lines: "),
        ({"lines": ["x"]}, "lines[0]: must be an object in { }, not 'x'"),
        ({"lines": [{"epc": EPC}, {}]}, "lines[1]: needs `epc` (hex) or `gtin` (8, 12, 13 or 14 digits)"),
        ({"lines": [{"epc": "303"}]}, "lines[0].epc: an EPC is an even number of hex digits (at most 128), not '303'"),
        ({"lines": [{"epc": 30}]}, "lines[0].epc: must be a text in quotes, not 30"),
        ({"lines": [{"gtin": "614141123453"}]}, "lines[0].gtin: GTIN 614141123453: the check digit should be 2, not 3"),
        ({"lines": [{"gtin": "123"}]}, "lines[0].gtin: a GTIN has 8, 12, 13 or 14 digits, not '123'"),
        ({"lines": [{"epc": EPC, "serial": "5"}]}, "lines[0].serial: needs its `gtin`"),
        (
            {"lines": [{"gtin": GTIN, "serial": "5", "quantity": 2}]},
            "lines[0].quantity: a line with a serial is one item; give each item its own line",
        ),
        ({"lines": [{"gtin": GTIN, "quantity": 0}]}, "lines[0].quantity: input should be greater than or equal to 1, not 0"),
        ({"lines": [{"gtin": GTIN, "quantity": -1}]}, "lines[0].quantity: input should be greater than or equal to 1, not -1"),
        (
            {"lines": [{"gtin": GTIN, "quantity": 10_001}]},
            "lines[0].quantity: input should be less than or equal to 10000, not 10001",
        ),
        ({"lines": [{"gtin": GTIN, "quantity": 1.5}]}, "lines[0].quantity: must be a whole number, not 1.5"),
        ({"lines": [{"gtin": GTIN, "quantity": "2"}]}, "lines[0].quantity: must be a whole number, not '2'"),
        ({"lines": [{"gtin": GTIN, "quantity": True}]}, "lines[0].quantity: must be a whole number, not True"),
        ({"lines": [{"epc": EPC, "kind": "void"}]}, "lines[0].kind: must be one of"),
        (
            {"lines": [{"epc": EPC, "line": 2}, {"gtin": GTIN}]},
            "lines[1].line: number 2 is lines[0] already; each line has its own",
        ),
        ({"lines": [{"epc": EPC, "line": 0}]}, "lines[0].line: input should be greater than or equal to 1, not 0"),
    ],
)
def test_a_mistake_is_named_with_its_place_and_how_to_mend_it(fields: dict[str, Any], said: str) -> None:
    found = faults(**fields)
    assert len(found) == 1
    assert found[0].startswith(said)


def test_every_mistake_is_named_at_once() -> None:
    found = faults(at="never", lines=[{"epc": "3"}, {"gtin": "1"}, {"epcs": EPC}])
    assert [line.split(":")[0] for line in found] == ["at", "lines[0].epc", "lines[1].gtin", "lines[2].epcs"]


def test_a_document_full_of_mistakes_is_answered_briefly() -> None:
    found = faults(lines=[{"epc": "3"}] * 1000)
    assert len(found) == 21
    assert found[-1] == "… and 980 more"


def test_a_document_has_a_bounded_number_of_lines() -> None:
    assert len(parsed(lines=[{"gtin": GTIN}] * MAX_LINES).lines) == MAX_LINES
    assert faults(lines=[{"gtin": GTIN}] * (MAX_LINES + 1))[0].startswith("lines: ")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "ref: is missing; a void names the id of the document that it undoes"),
        ({"ref": "D1", "lines": [{}]}, "lines[0].line: is missing; a void names the numbers of the lines that it undoes"),
        ({"ref": "D1", "lines": [{"line": 1, "epc": EPC}]}, "lines[0].epc: a line of a void holds only its number, `line`"),
    ],
)
def test_a_void_names_what_it_undoes_and_nothing_else(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        void(id="V1", at=AT, **fields)
    assert complaints(caught.value, FIELDS)[0] == said


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2026-11-22T10:14:02Z", 1795342442.0),
        ("2026-11-22t10:14:02z", 1795342442.0),
        ("2026-11-22 10:14:02Z", 1795342442.0),
        ("2026-11-22T11:14:02.250+01:00", 1795342442.25),
        ("2026-11-22T10:14:02.123456789Z", 1795342442.123456789),
        ("2016-12-31T23:59:60Z", 1483228800.0),
    ],
)
def test_times_are_read_as_rfc_3339_writes_them(text: str, seconds: float) -> None:
    assert unix_seconds(text) == pytest.approx(seconds, abs=1e-6)


@pytest.mark.parametrize(
    "text", ["", "2026-11-22", "20261122T101402Z", "2026-W47-7T10:14:02Z", "2026-11-22T10:14Z", "٢٠٢٦-11-22T10:14:02Z"]
)
def test_what_rfc_3339_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="RFC 3339"):
        unix_seconds(text)
