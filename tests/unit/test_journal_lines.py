"""The journal's line format."""

from collections import Counter

import pytest

from rfidguard.errors import RefusedInput
from rfidguard.events import Answer, Device, Ledger, Lookup, Read, State, Tick
from rfidguard.journal import HEADER, decode_line, decode_lines, encode_line, header_line

READ = b'{"type":"read","at":1.5,"gate":"front","reader":"r","antenna":1,"epc":"3034ab","rssi":-60}'


def reason(line: bytes) -> str:
    with pytest.raises(RefusedInput) as refused:
        decode_line(line)
    return refused.value.reason


def test_a_read_line_becomes_a_read_with_its_epc_in_upper_case() -> None:
    assert decode_line(READ) == Read(at=1.5, gate="front", reader="r", antenna=1, epc="3034AB", rssi_dbm=-60.0)


def test_an_epc_of_letters_that_are_no_hex_is_refused() -> None:
    assert reason(READ.replace(b"3034ab", b"ZZZZ")) == "bad_epc"


def test_an_epc_of_odd_length_is_refused() -> None:
    assert reason(READ.replace(b"3034ab", b"3034a")) == "bad_epc"


def test_the_header_and_types_of_a_newer_version_are_passed_over() -> None:
    assert decode_line(HEADER) is None
    assert decode_line(header_line(1.0, "0001", "s", "0.1.0")) is None
    assert decode_line(b'{"type":"weather","at":1,"sun":true}') is None


def test_unknown_fields_are_ignored() -> None:
    assert decode_line(b'{"type":"tick","at":3,"mood":"fine"}') == Tick(at=3.0)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b"garbage", "not_json"),
        (b"\xff\xfe", "not_json"),
        (b'{"type":"tick","at":1}x', "not_json"),
        (b'{"type":"tick","at":1,"x":' + b"[" * 5000 + b"]" * 5000 + b"}", "not_json"),
        (b'{"type":"device","at":1,"device":"\xff","state":"online"}', "not_json"),
        (b"[1,2]", "not_an_object"),
        (b'{"at":1}', "no_type"),
        (b'{"type":5}', "no_type"),
        (b'{"type":"tick"}', "bad_field"),
        (b'{"type":"tick","at":"now"}', "bad_field"),
        (b'{"type":"tick","at":-1}', "bad_value"),
        (b'{"type":"pace","at":1,"heard":0,"quiet":1}', "bad_value"),
        (b'{"type":"pace","at":1,"heard":1,"quiet":101}', "bad_value"),
        (b'{"type":"tick","at":1e300}', "bad_value"),
        (READ.replace(b'"rssi"', b'"count":0,"rssi"'), "bad_value"),
        (READ.replace(b'"antenna":1', b'"antenna":-1'), "bad_value"),
        (b'{"type":"eas","at":1,"gate":"g","pedestal":"p","kind":"boom"}', "bad_value"),
        (b'{"type":"device","at":1,"device":"d","state":"asleep"}', "bad_value"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"stolen","epc":"30"}', "bad_value"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"bound","epc":"30"}', "bad_value"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"sold"}', "bad_field"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"void"}', "bad_field"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"sold","gtin":"4006381333932"}', "bad_gtin"),
        (b'{"type":"ledger","at":1,"id":"a","kind":"sold","epc":"30","quantity":0}', "bad_value"),
    ],
)
def test_what_cannot_be_an_event_is_refused_by_reason(line: bytes, expected: str) -> None:
    assert reason(line) == expected


def test_a_refusal_names_the_field() -> None:
    with pytest.raises(RefusedInput, match=r"read: .*antenna"):
        decode_line(READ.replace(b'"antenna":1', b'"antenna":"one"'))


def test_a_void_needs_only_its_ref() -> None:
    event = decode_line(b'{"type":"ledger","at":1,"kind":"void","ref":"sale-1"}')
    assert event == Ledger(at=1.0, id="void:sale-1", kind="void", ref="sale-1")


def test_a_gtin_is_kept_as_fourteen_digits() -> None:
    event = decode_line(b'{"type":"ledger","at":1,"id":"a","kind":"sold","gtin":"4006381333931"}')
    assert isinstance(event, Ledger)
    assert event.gtin == "04006381333931"


def test_a_ledger_answer_may_hold_what_a_till_cannot_say() -> None:
    bound = Ledger(at=1.0, id="a#0", kind="bound", epc="30AB", ref="a")
    lookup = Lookup(at=2.0, keys=("epc:30AB",), records=(bound,))
    assert decode_line(encode_line(lookup).replace(b"30AB", b"30ab").replace(b"epc:30ab", b"epc:30AB")) == lookup


def test_epcs_within_an_answer_are_in_upper_case_too() -> None:
    event = decode_line(
        b'{"type":"answer","at":1,"id":"i","alarm":"a","action":"resolve","by":"s","items":[{"epc":"30ab","outcome":"recovered"}]}'
    )
    assert isinstance(event, Answer)
    assert event.items == ({"epc": "30AB", "outcome": "recovered"},)


def test_refused_lines_are_counted_and_the_others_come_through() -> None:
    refused: Counter[str] = Counter()
    lines = [
        HEADER,
        b"",
        b"  ",
        b"{",
        b'{"type":"tick","at":1}',
        b'{"type":"tick"}',
        b'{"type":"device","at":2,"device":"d","state":"online"}',
    ]
    assert list(decode_lines(lines, refused)) == [Tick(at=1.0), Device(at=2.0, device="d", state="online")]
    assert refused == {"not_json": 1, "bad_field": 1}


def test_a_snapshot_comes_back_as_it_was() -> None:
    state = State(at=1.0, snapshot={"tracks": {"front": {"30AB": {"n": [1, 2.5, None]}}}})
    assert decode_line(encode_line(state)) == state
