"""EPCs of foreign goods in the journal."""

import json
from typing import Any, cast

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.epc import encode_sgtin_96, identify
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer, Ledger, Lookup, Read, State, Tick
from rfidguard.journal import encode_line
from rfidguard.privacy import Mask, masked

KEY = b"k" * 32
OURS = encode_sgtin_96("0614141", "112345", 1)
FOREIGN = encode_sgtin_96("4012345", "098765", 4711)


def owns(epc: str) -> bool:
    return identify(epc).prefix == "0614141" or epc.startswith("BEEF")


def mask(mode: str = "hash", key: bytes = KEY) -> Mask:
    return Mask(mode, owns, key)


def read(epc: str, tid: str | None = None) -> Read:
    return Read(at=1.0, gate="g", reader="r", antenna=1, epc=epc, rssi_dbm=-60.0, tid=tid)


def test_our_own_goods_stand_in_clear() -> None:
    event = read(OURS, tid="E2801160")
    assert mask().event(event) is event


def test_a_foreign_epc_keeps_length_header_filter_and_company_and_nothing_else() -> None:
    found = identify(masked(FOREIGN, KEY, owns))
    was = identify(FOREIGN)
    assert (found.scheme, found.prefix, found.filter) == (was.scheme, was.prefix, was.filter)
    assert found.serial != was.serial
    assert found.gtin != was.gtin


def test_the_same_tag_stays_one_tag_for_a_day_and_is_another_the_next() -> None:
    assert masked(FOREIGN, KEY, owns) == masked(FOREIGN, KEY, owns)
    assert masked(FOREIGN, KEY, owns) != masked(FOREIGN, b"z" * 32, owns)


def test_an_epc_that_is_no_sgtin_keeps_its_first_two_bytes() -> None:
    found = masked("E28011700000020B12345678", KEY, owns)
    assert found.startswith("E280")
    assert len(found) == 24
    assert found != "E28011700000020B12345678"


def test_what_stands_for_a_foreign_epc_is_never_one_of_ours() -> None:
    nearly_all = [f"AB{number:04X}" for number in range(0x100, 0x200)]
    free = {"AB0101", "AB0102"}
    assert {masked("AB0101", KEY, lambda epc: epc not in free)} == {"AB0102"}
    assert all(not owns(masked(epc, KEY, owns)) for epc in nearly_all)


def test_where_nothing_can_stand_for_it_the_line_is_refused_with_a_reason() -> None:
    with pytest.raises(RefusedInput) as refused:
        masked("AB01", KEY, lambda epc: epc != "AB01")
    assert refused.value.reason == "privacy"


@given(st.binary(min_size=3, max_size=62))
def test_any_foreign_epc_gets_another_of_the_same_length(raw: bytes) -> None:
    epc = raw.hex().upper()
    found = masked(epc, KEY, lambda _: False)
    assert len(found) == len(epc)
    assert found != epc
    assert found[:4] == epc[:4] or identify(epc).gtin is not None


@given(st.integers(0, 2**38 - 1), st.sampled_from([("401234", "0987651"), ("401234512345", "0"), ("4012345678", "123")]))
def test_a_foreign_sgtin_stays_a_valid_one_of_that_company(serial: int, number: tuple[str, str]) -> None:
    epc = encode_sgtin_96(*number, serial)
    assert identify(masked(epc, KEY, owns)).prefix == number[0]


def test_a_long_foreign_sgtin_stays_one_with_a_serial_of_the_same_length() -> None:
    serial = sum(ord(letter) << (133 - 7 * place) for place, letter in enumerate("ABC-123"))
    bits = (int(FOREIGN, 16) >> 38 & ~(0xFF << 50)) | 0x36 << 50
    epc = f"{(bits << 140 | serial) << 2:050X}"
    assert identify(epc).serial == "ABC-123"
    found = identify(masked(epc, KEY, owns))
    assert found.scheme == "sgtin-198"
    assert found.prefix == "4012345"
    assert len(found.serial or "") == 7
    assert found.serial != "ABC-123"


def test_the_tid_of_a_foreign_tag_does_not_stand_in_clear_either() -> None:
    event = mask().event(read(FOREIGN, tid="E2801160200012345678ABCD"))
    assert isinstance(event, Read)
    assert event.tid is not None
    assert event.tid.startswith("E280")
    assert len(event.tid) == 24
    assert "12345678ABCD" not in event.tid


def test_mode_keep_changes_nothing_and_mode_drop_writes_nothing() -> None:
    event = read(FOREIGN)
    assert mask("keep").event(event) is event
    assert mask("drop").event(event) is None
    assert mask("drop").event(read(OURS)) is not None


def test_a_sale_of_foreign_goods_is_stored_under_the_same_stand_in_as_its_reads() -> None:
    one = mask()
    sale = one.event(Ledger(at=1.0, id="a", kind="sold", epc=FOREIGN))
    seen = one.event(read(FOREIGN))
    assert isinstance(sale, Ledger)
    assert isinstance(seen, Read)
    assert sale.epc == seen.epc != FOREIGN


def test_the_serial_of_a_foreign_item_named_by_gtin_is_replaced_and_that_of_ours_is_not() -> None:
    foreign, ours = identify(FOREIGN), identify(OURS)
    hidden = mask().event(Ledger(at=1.0, id="a", kind="sold", gtin=foreign.gtin, serial="4711"))
    shown = Ledger(at=1.0, id="a", kind="sold", gtin=ours.gtin, serial="1")
    assert isinstance(hidden, Ledger)
    assert hidden.gtin == foreign.gtin
    assert hidden.serial != "4711"
    assert mask().event(shown) is shown


def everywhere() -> State:
    who = identify(FOREIGN)
    return State(
        at=1.0,
        snapshot={
            "tracks": {"front": {FOREIGN: {"epc": FOREIGN, "own": False}, OURS: {"epc": OURS}}},
            "left": [{"epc": FOREIGN}, {"epc": OURS}],
            "asked": {who.key: 1, identify(OURS).key: 1},
            "notes": [f"seen:{FOREIGN}/1", "0001-3-20261122-4711", 7, None, 1.5],
        },
    )


def test_a_snapshot_names_no_foreign_epc_anywhere_in_it() -> None:
    event = mask().event(everywhere())
    assert event is not None
    text = encode_line(event).decode()
    assert FOREIGN not in text
    assert identify(FOREIGN).key not in text
    stand_in = masked(FOREIGN, KEY, owns)
    snapshot = json.loads(text)["snapshot"]
    assert snapshot["tracks"]["front"][stand_in]["epc"] == stand_in
    assert snapshot["tracks"]["front"][OURS]["epc"] == OURS
    assert snapshot["left"][0]["epc"] == stand_in
    assert identify(stand_in).key in snapshot["asked"]
    assert identify(OURS).key in snapshot["asked"]
    assert snapshot["notes"] == [f"seen:{stand_in}/1", "0001-3-20261122-4711", 7, None, 1.5]


def test_a_snapshot_in_mode_drop_has_nothing_of_foreign_goods() -> None:
    event = mask("drop").event(everywhere())
    assert isinstance(event, State)
    assert list(event.snapshot["tracks"]["front"]) == [OURS]
    assert event.snapshot["left"] == [{"epc": OURS}]
    assert list(event.snapshot["asked"]) == [identify(OURS).key]


def test_answers_of_the_ledger_and_of_people_are_covered_too() -> None:
    record = Ledger(at=1.0, id="a", kind="sold", epc=FOREIGN)
    lookup = mask().event(Lookup(at=1.0, keys=(identify(FOREIGN).key, "gtin:00614141123452"), records=(record,)))
    stand_in = masked(FOREIGN, KEY, owns)
    assert lookup == Lookup(
        at=1.0,
        keys=(identify(stand_in).key, "gtin:00614141123452"),
        records=(Ledger(at=1.0, id="a", kind="sold", epc=stand_in),),
    )
    answer = mask().event(Answer(at=1.0, id="i", alarm="a", action="resolve", by="s", items=({"epc": FOREIGN, "outcome": "x"},)))
    assert isinstance(answer, Answer)
    assert answer.items == ({"epc": stand_in, "outcome": "x"},)


def test_events_without_goods_pass_as_they_are() -> None:
    tick = Tick(at=1.0)
    assert mask().event(tick) is tick


def test_a_snapshot_that_is_json_already_is_pruned_in_mode_drop_too() -> None:
    foreign = encode_sgtin_96("4012345", "067890", 7)
    body = b'{"left":[{"epc":"%s"},{"epc":"%s"}]}' % (OURS.encode(), foreign.encode())
    line = mask("drop").line(State(at=1.0, snapshot=cast(dict[str, Any], msgspec.Raw(body))))
    assert line is not None
    assert foreign.encode() not in line
    assert OURS.encode() in line
