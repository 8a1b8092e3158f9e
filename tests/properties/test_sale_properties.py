"""Whatever a till sends: a document means the same records every time, and garbage is refused in words, never with a crash."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from rfidguard.epc import encode_sgtin_96, normal_gtin
from rfidguard.refusal import complaints
from rfidguard.sale import CREDIT, FIELDS, SaleDocument, digest, sale_records

epcs = st.builds(encode_sgtin_96, st.just("0614141"), st.from_regex(r"[0-9]{6}", fullmatch=True), st.integers(0, 1 << 37))
gtins = st.sampled_from(["00614141123452", "614141123452", "96385074", "4006381333931"])
lines = st.one_of(
    st.builds(lambda epc, quantity: {"epc": epc, "quantity": quantity}, epcs, st.integers(1, 5)),
    st.builds(lambda gtin, quantity: {"gtin": gtin, "quantity": quantity}, gtins, st.integers(1, 10_000)),
    st.builds(lambda gtin, serial: {"gtin": gtin, "serial": serial}, gtins, st.from_regex(r"[A-Za-z0-9]{1,20}", fullmatch=True)),
)
sales = st.builds(
    lambda name, kind, body: {"id": name, "at": "2026-11-22T10:14:02Z", "kind": kind, "lines": body},
    st.from_regex(r"[A-Za-z0-9./-]{1,40}", fullmatch=True),
    st.sampled_from(["sale", "return"]),
    st.lists(lines, min_size=1, max_size=8),
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6) | st.sampled_from(sorted(FIELDS)), inner, max_size=4)
    ),
    max_leaves=12,
)


def read(body: Any) -> SaleDocument:
    return SaleDocument.model_validate_json(json.dumps(body))


@given(sales)
def test_units_are_neither_lost_nor_made(body: dict[str, Any]) -> None:
    records = sale_records(read(body), "s", None)
    assert sum(record.quantity for record in records) == sum(line.get("quantity", 1) for line in body["lines"])


@given(sales)
def test_every_record_has_an_id_of_its_own_below_the_documents(body: dict[str, Any]) -> None:
    ids = [record.id for record in sale_records(read(body), "s", None)]
    assert len(set(ids)) == len(ids)
    assert all(name.startswith(f"{body['id']}/") for name in ids)
    assert all(len(name) <= 200 for name in ids)


@given(sales)
def test_goods_are_always_named_in_the_ledgers_own_spelling(body: dict[str, Any]) -> None:
    for record in sale_records(read(body), "s", None):
        assert record.epc is None or record.epc == record.epc.upper()
        assert record.gtin is None or record.gtin == normal_gtin(record.gtin)
        assert record.epc is not None or record.gtin is not None


@given(sales, st.data())
def test_a_void_of_any_line_names_every_record_that_the_line_made(body: dict[str, Any], data: st.DataObject) -> None:
    records = sale_records(read(body), "s", None)
    number = data.draw(st.integers(1, len(body["lines"])))
    undone = {
        record.ref for record in sale_records(read({"kind": "void", "ref": body["id"], "lines": [{"line": number}]}), "s", None)
    }
    made = {record.id for record in records if record.id.removesuffix(CREDIT) == f"{body['id']}/{number}"}
    assert made
    assert made <= undone
    assert not undone & ({record.id for record in records} - made)


@given(sales, st.sampled_from(["1", "2", None]), st.sampled_from(["a", "b"]))
def test_a_documents_digest_tells_nothing_of_the_way_it_came(body: dict[str, Any], lane: str | None, source: str) -> None:
    doc = read(body)
    sale_records(doc, source, lane)
    assert digest(doc) == digest(read({**body, **({"lane": lane} if lane else {})}))


@given(json_values)
def test_any_json_is_a_document_or_is_refused_in_words(body: Any) -> None:
    try:
        read(body)
    except ValidationError as error:
        said = complaints(error, FIELDS)
        assert said
        assert all(line and "\n" not in line for line in said)


@given(sales, st.data())
def test_one_wrong_value_never_passes_as_something_else(body: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(body["lines"]) - 1))
    broken = json.loads(json.dumps(body))
    broken["lines"][place].pop("gtin", None)
    broken["lines"][place].pop("serial", None)
    broken["lines"][place]["epc"] = data.draw(st.text(max_size=12).filter(lambda text: len(text) % 2 or not text.isalnum()))
    with pytest.raises(ValidationError) as caught:
        read(broken)
    assert any(line.startswith(f"lines[{place}].epc: ") for line in complaints(caught.value, FIELDS))
