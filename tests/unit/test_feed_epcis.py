"""EPCIS: every example of two repositories taken or refused with the right reason; words, names, quantities, corrections."""

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from biip.gs1_digital_link_uris import GS1DigitalLinkURI
from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))
from feed_documents import ARTICLES, epcis_document, epcis_event, epcis_xml, gtin, urn

from rfidguard.errors import RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.cbv import DISPOSITION, STEP, kind_of, word
from rfidguard.feeds.epcis_json import epcis_json_taken
from rfidguard.feeds.epcis_xml import epcis_xml_taken
from rfidguard.feeds.goods_name import Goods, goods_named
from rfidguard.feeds.ledger_csv import Taken

DATA = Path(__file__).parents[1] / "data" / "epcis"
A = ARTICLES[0]
TIME = "2026-11-22T10:14:02Z"


def taken(body: Any) -> list[Taken]:
    return list(epcis_json_taken(body if isinstance(body, bytes) else json.dumps(body).encode()))


def event(**more: Any) -> dict[str, Any]:
    """A sale of one item; a field given as None is left out."""
    return {name: value for name, value in {**epcis_event("sale", [(A, 5)], TIME, 0), **more}.items() if value is not None}


def records(every: list[Taken]) -> list[Ledger]:
    assert [one.text for one in every if one.reason] == []
    return [one.record for one in every if one.record is not None]


def reasons(every: list[Taken]) -> dict[str, int]:
    return dict(Counter(one.reason or one.passed for one in every if one.record is None))


def outcome(path: Path) -> tuple[dict[str, int], dict[str, int]]:
    """Records by kind and everything else by reason."""
    content = path.read_bytes()
    try:
        every = list(epcis_xml_taken([content])) if path.suffix == ".xml" else taken(content)
    except RefusedInput as error:
        return {}, {error.reason: 1}
    return dict(Counter(one.record.kind for one in every if one.record)), reasons(every)


EXAMPLES: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "documents/Combination_of_different_event.json": ({}, {"other_event": 4, "not_retail": 2}),
    "documents/CurieString_document.json": ({"stock_in": 1}, {}),
    "documents/JumbledFieldsOrder.json": ({"shipped": 2}, {"measured_goods": 1}),
    "documents/Namespaces_at_different_level.json": ({}, {"not_retail": 5}),
    "documents/ObjectEvent.json": ({"shipped": 2, "stock_in": 1}, {}),
    "documents/ObjectEvent_all_possible_fields.json": ({"void": 1}, {}),
    "documents/ObjectEvent_with_comment.json": ({"shipped": 2, "stock_in": 1}, {}),
    "documents/ObjectEvent_with_custom_bizStep_uri.json": ({}, {"not_retail": 1}),
    "documents/ObjectEvent_with_digitalLink.json": ({}, {"measured_goods": 1}),
    "documents/ObjectEvent_with_error_declaration.json": ({"void": 1, "stock_in": 1}, {}),
    "documents/ObjectEvent_with_persistentDisposition.json": ({"stock_in": 10}, {"not_retail": 1}),
    "documents/ObjectEvent_with_userExtensions.json": ({"shipped": 2}, {"measured_goods": 1}),
    "documents/TransactionEvent.json": ({}, {"not_retail": 2}),
    "documents/TransactionEvent_with_userExtensions.json": ({}, {"not_retail": 1}),
    "documents/epcisDocWithAllGS1Keys.json": ({}, {"not_retail": 1}),
    "events/ObjectEvent.json": ({"stock_in": 1}, {}),
    "events/TransactionEvent.json": ({}, {"not_retail": 1}),
    "query/CurieString_document.json": ({"stock_in": 1}, {}),
    "query/QueryDocumentWithMultipleEvents.json": ({"shipped": 2, "stock_in": 1}, {}),
    "query/SimpleEventQuery.json": ({}, {"not_epcis": 1}),
    "query/queryDocument.json": ({}, {"not_retail": 1}),
    "xml/ObjectEvent.xml": ({"shipped": 2, "stock_in": 1}, {}),
    "xml/ObjectEvent_with_digitalLink.xml": ({}, {"measured_goods": 1}),
    "xml/ObjectEvent_with_error_declaration.xml": ({"void": 1, "stock_in": 1}, {}),
    "xml/TransactionEvent.xml": ({}, {"not_retail": 2}),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_is_taken_for_what_it_says(name: str) -> None:
    assert outcome(DATA / "openepcis" / name) == EXAMPLES[name]


def test_no_example_is_left_out() -> None:
    there = {path.relative_to(DATA / "openepcis").as_posix() for path in (DATA / "openepcis").glob("*/*.*")}
    assert there == {*EXAMPLES, *(f"invalid/{name}.json" for name in INVALID)}


INVALID = {
    "Combination_of_events_with_missing_mandatory_fields": "eventList[1].eventTimeZoneOffset: is missing",
    "Combination_of_multiple_invalid_fields": "eventList[4].action: must be one of",
    "Combination_of_non_standard_bizStep_and_disposition": "'in_transport' is no disposition of CBV 2.0",
    "EPCISDocument_without_context": "@context: is missing",
    "ObjectEvent_with_ilmd_field_without_namespace": "ilmd: 'materialType' needs a prefix",
    "ObjectEvent_with_invalid_action": "action: must be one of 'ADD', 'OBSERVE' or 'DELETE', not 'CREATE'",
    "ObjectEvent_with_invalid_certificationInfo": "certificationInfo: must be a URI",
    "ObjectEvent_with_invalid_eventTime_format": "eventTime: must be an RFC 3339 time with zone",
    "ObjectEvent_with_non_standard_bizStep": "'transforming' is no bizStep of CBV 2.0",
    "ObjectEvent_with_non_standard_bizStep_in_second_event": "eventList[1].bizStep: 'transforming'",
    "ObjectEvent_with_non_standard_disposition": "eventList[0].disposition: 'in_transport'",
    "ObjectEvent_with_quantity_as_text": "quantityList[0].quantity: must be a number, not 'twenty'",
    "ObjectEvent_with_unknown_field_in_quantityList": "quantityList[0].weight: is no field",
    "ObjectEvent_without_action_and_eventTime": "eventList[0].eventTime: is missing",
    "ObjectEvent_without_identifier_list": "epcList or quantityList: one of them",
}


@pytest.mark.parametrize("name", INVALID)
def test_every_invalid_example_is_refused_with_the_place_and_how_to_mend_it(name: str) -> None:
    content = (DATA / "openepcis" / "invalid" / f"{name}.json").read_bytes()
    try:
        said = "\n".join(one.text or "" for one in taken(content))
    except RefusedInput as error:
        said = str(error)
    assert INVALID[name] in said


def test_generated_events_are_taken_and_their_templates_are_not() -> None:
    found = {path.name: outcome(path) for path in (DATA / "generator").glob("*.json")}
    assert found.pop("generated_events.json") == ({"stock_in": 100}, {"quantity_unknown": 50})
    assert set(map(repr, found.values())) == {repr(({}, {"not_epcis": 1}))}


@pytest.mark.parametrize(
    ("step", "disposition", "kind"),
    [
        ("retail_selling", "retail_sold", "sold"),
        ("retail_selling", None, "sold"),
        (None, "retail_sold", "sold"),
        ("https://ref.gs1.org/cbv/BizStep-retail_selling", "urn:epcglobal:cbv:disp:dispensed", "sold"),
        (None, "http://nedapretail.com/disp/online_sold", "sold"),
        ("retail_selling", "sellable_accessible", "returned"),
        ("receiving", "returned", "returned"),
        ("receiving", "sellable_not_accessible", "stock_in"),
        ("commissioning", "cbv:Disp-active", "stock_in"),
        ("receiving", "in_progress", "stock_in"),
        ("shipping", "in_transit", "shipped"),
        ("void_shipping", None, "stock_in"),
        ("reserving", None, "reserved"),
        (None, "http://nedapretail.com/disp/reserved", "reserved"),
        (None, "http://nedapretail.com/disp/hemming", "released"),
        ("decommissioning", "inactive", "retired"),
        ("cycle_counting", "stolen", None),
        ("stock_taking", "http://nedapretail.com/disp/maybe_stolen", None),
        ("retail_selling", "unknown", "sold"),
        ("https://example.com/own#step", None, None),
        ("inspecting", None, None),
    ],
)
def test_the_disposition_decides_then_the_step(step: str | None, disposition: str | None, kind: str | None) -> None:
    assert [record.kind for record in records(taken(event(bizStep=step, disposition=disposition)))] == ([kind] if kind else [])


@pytest.mark.parametrize("action", ["ADD", "OBSERVE", "DELETE"])
def test_the_action_does_not_matter(action: str) -> None:
    assert [record.kind for record in records(taken(event(action=action)))] == ["sold"]


def test_a_return_may_be_told_by_its_authorisation() -> None:
    rma = [{"type": "urn:epcglobal:cbv:btt:rma", "bizTransaction": "urn:epcglobal:cbv:bt:0614141073467:7"}]
    (record,) = records(taken(event(bizStep="receiving", disposition="sellable_accessible", bizTransactionList=rma)))
    assert (record.kind, record.transaction) == ("returned", "urn:epcglobal:cbv:bt:0614141073467:7")


@pytest.mark.parametrize(("change", "kind"), [({"set": ["retail_sold"]}, "sold"), ({"unset": ["retail_sold"]}, "returned")])
def test_a_persistent_disposition_counts_too(change: dict[str, list[str]], kind: str) -> None:
    (record,) = records(taken(event(bizStep="inspecting", disposition=None, persistentDisposition=change)))
    assert record.kind == kind


def test_a_sale_may_come_as_a_transaction_event() -> None:
    told = event(type="TransactionEvent", bizTransactionList=[{"bizTransaction": "4711"}])
    assert [(record.kind, record.transaction) for record in records(taken(told))] == [("sold", "4711")]
    assert "bizTransactionList" in (taken(event(type="TransactionEvent"))[0].text or "")


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        ({}, "quantity_unknown"),
        ({"quantity": 1.5}, "fractional_quantity"),
        ({"quantity": 0}, "zero_quantity"),
        ({"quantity": 2, "uom": "KGM"}, "measured_goods"),
        ({"quantity": 20_000}, "bad_quantity"),
        ({"epcClass": "urn:epc:idpat:grai:4012345.66666.*", "quantity": 1}, "no_trade_item"),
        ({"epcClass": "https://id.gs1.org/01/02012345000001", "quantity": 1}, "price_embedded"),
        ({"epcClass": "shirt", "quantity": 1}, "bad_epc"),
    ],
)
def test_a_quantity_that_is_no_number_of_units_gives_no_credit_and_is_counted(element: dict[str, Any], reason: str) -> None:
    every = taken(event(epcList=None, quantityList=[{"epcClass": f"urn:epc:idpat:sgtin:0614141.{A}.*", **element}]))
    assert [one.record for one in every if one.record] == []
    assert reasons(every) == {reason: 1}


def test_units_that_are_named_as_items_are_not_counted_again() -> None:
    classes = [
        {"epcClass": f"urn:epc:class:lgtin:0614141.{A}.lot-1", "quantity": 1},
        {"epcClass": f"https://id.gs1.org/01/{gtin(A)}/10/lot-2", "quantity": 2.0},
    ]
    assert [(record.serial, record.quantity) for record in records(taken(event(quantityList=classes)))] == [("5", 1), (None, 2)]


@pytest.mark.parametrize(("xml", "version"), [(False, ""), (True, "1.2"), (True, "2.0")])
def test_an_error_declaration_voids_its_event_by_id(xml: bool, version: str) -> None:
    sale = event(eventID="urn:uuid:7")
    wrong = {**sale, "errorDeclaration": {"declarationTime": "2026-11-22T12:00:00Z", "correctiveEventIDs": ["urn:uuid:8"]}}
    payload = epcis_xml([sale, wrong], version) if xml else json.dumps(epcis_document([sale, wrong])).encode()
    first, second = records(list(epcis_xml_taken([payload]) if xml else epcis_json_taken(payload)))
    assert (first.id, second.kind, second.ref) == ("urn:uuid:7/1", "void", "urn:uuid:7")


def test_an_event_without_an_id_is_known_by_its_content() -> None:
    one, same, other = (records(taken(told))[0].id for told in (event(), event(), event(eventTime="2026-11-22T10:14:03Z")))
    assert one == same != other
    (void,) = records(taken(event(errorDeclaration={"declarationTime": TIME})))
    assert one == f"{void.ref}/1"


def test_an_event_id_of_any_length_fits() -> None:
    (record,) = records(taken(event(eventID="urn:x:" + "y" * 900)))
    assert len(record.id) < 200


@pytest.mark.parametrize(
    "body",
    [
        event(),
        [event(), event(eventTime="2026-11-22T10:14:03Z")],
        epcis_document([event()]),
        epcis_document([event()], query=True),
        {**epcis_document([]), "epcisBody": {"event": event()}},
        f"{json.dumps(event())}\n\n{json.dumps(event())}\n".encode(),
    ],
    ids=["event", "list", "document", "query document", "one event", "one a line"],
)
def test_events_come_in_every_wrapping(body: Any) -> None:
    assert {record.kind for record in records(taken(body))} == {"sold"}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not_json"),
        (b"{", "not_json"),
        (b"\xff", "not_json"),
        (b'{"type":"ObjectEvent"}\n{', "not_json"),
        (b"[" * 100_000, "too_deep"),
        (b'{"a":' * 100_000, "too_deep"),
        (b"7", "not_epcis"),
        (b"{}", "not_epcis"),
        (b'{"type":"EPCISDocument","@context":["x"]}', "bad_document"),
        (b'{"type":"EPCISQueryDocument","@context":["x"],"epcisBody":{"queryResults":[]}}', "bad_document"),
        (b" " * 64_000_001, "too_large"),
    ],
)
def test_what_is_no_epcis_document_is_refused(payload: bytes, reason: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        taken(payload)
    assert refused.value.reason == reason


@pytest.mark.parametrize("odd", [7, None, [], "x", {"type": 7}, {"type": "Sale"}])
def test_what_is_no_event_is_refused_with_its_place(odd: Any) -> None:
    every = taken(epcis_document([event(), odd]))
    assert [one.reason for one in every] == [None, "bad_event"]
    assert "epcisBody.eventList[1]" in (every[1].text or "")


def test_a_clock_that_nobody_set_is_refused() -> None:
    assert reasons(taken(event(eventTime="1980-01-01T00:00:00Z"))) == {"bad_time": 1}


@pytest.mark.parametrize("field", [STEP, DISPOSITION])
def test_a_word_has_four_spellings_and_one_meaning(field: str) -> None:
    bare, short = {STEP: ("retail_selling", "BizStep"), DISPOSITION: ("retail_sold", "Disp")}[field]
    urn_part = short.lower()
    spellings = (bare, f"cbv:{short}-{bare}", f"urn:epcglobal:cbv:{urn_part}:{bare}", f"https://ref.gs1.org/cbv/{short}-{bare}")
    assert {word(text, field) for text in spellings} == {bare}
    with pytest.raises(RefusedInput):
        word(f"cbv:{short}-selling_retail", field)


def test_nothing_known_means_nothing() -> None:
    assert kind_of(None, ()) is None


@pytest.mark.parametrize(
    ("text", "goods"),
    [
        ("urn:epc:id:sgtin:0614141.112345.400", Goods("10614141123459", "400")),
        ("urn:epc:id:sgtin:0614141.112345.32a%2Fb", Goods("10614141123459", "32a/b")),
        ("urn:epc:tag:sgtin-198:3.0614141.112345.400", Goods("10614141123459", "400")),
        ("urn:epc:raw:96.x3074257BF7194E4000001A85", Goods(epc="3074257BF7194E4000001A85")),
        ("3074257bf7194e4000001a85", Goods(epc="3074257BF7194E4000001A85")),
        ("urn:epc:class:lgtin:0614141.112345.L1", Goods("10614141123459")),
        ("urn:epc:idpat:sgtin:0614141.112345.*", Goods("10614141123459")),
        ("HTTPS://id.gs1.org/01/10614141123459/22/v/10/lot/21/32a%2Fb?17=220630#x", Goods("10614141123459", "32a/b")),
        ("https://shop.example/a/b/gtin/0614141123452/ser/7", Goods("00614141123452", "7")),
        ("https://shop.example/01/614141123452", Goods("00614141123452")),
        ("(01)10614141123459(21)400", Goods("10614141123459", "400")),
    ],
)
def test_goods_are_named_in_many_ways(text: str, goods: Goods) -> None:
    assert goods_named(text) == goods


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("urn:epc:id:sscc:4012345.0000000333", "no_trade_item"),
        ("https://id.gs1.org/00/040123450000003338", "no_trade_item"),
        ("https://id.gs1.org/8004/4000001111", "no_trade_item"),
        ("urn:epc:id:sgtin:0614141.1.400", "bad_epc"),
        ("urn:epc:id:sgtin", "bad_epc"),
        ("urn:epc:", "bad_epc"),
        ("urn:epc:id:sgtin:0614141.112345." + "9" * 65, "bad_epc"),
        ("urn:epc:id:sgtin:0614141.112345.a%20b", "bad_epc"),
        ("https://id.gs1.org/01/10614141123458/21/1", "bad_gtin"),
        ("https://example.com/", "bad_epc"),
        ("x" * 5_000, "bad_epc"),
        ("", "bad_epc"),
    ],
)
def test_what_names_no_item_is_told_apart_from_what_is_wrong(text: str, reason: str) -> None:
    with pytest.raises(RefusedInput) as refused:
        goods_named(text)
    assert refused.value.reason == reason


SERIALS = st.text("!'()*,-.0123456789ABCXYZ_abcxyz", min_size=1, max_size=20)


@given(st.sampled_from(ARTICLES), SERIALS, st.sampled_from(("", "/p/q")), st.booleans())
def test_digital_links_are_read_as_biip_reads_them(article: str, serial: str, path: str, lot: bool) -> None:
    link = f"https://id.example.com{path}/01/{gtin(article)}{'/10/L1' if lot else ''}/21/{serial}?17=271231"
    theirs = GS1DigitalLinkURI.parse(link)
    values = {one.ai.ai: one.value for one in theirs.element_strings}
    assert goods_named(link) == Goods(values["01"], values["21"])


@given(st.sampled_from(ARTICLES), st.integers(0, (1 << 38) - 1))
def test_urn_and_hex_of_one_item_have_one_key(article: str, serial: int) -> None:
    assert goods_named(urn(article, serial)).item == f"{gtin(article)}.{serial}"
