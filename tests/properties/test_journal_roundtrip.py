"""What must hold of every journal line whatever it says."""

from collections import Counter
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.epc import encode_sgtin_96
from rfidguard.events import (
    ANSWER_ACTIONS,
    COUNT_DIRECTIONS,
    DEVICE_STATES,
    EAS_KINDS,
    LEDGER_KINDS,
    Answer,
    Command,
    Count,
    Device,
    Eas,
    Event,
    Gpi,
    Ledger,
    Lookup,
    OutputDone,
    Pace,
    Read,
    State,
    Tick,
)
from rfidguard.journal import decode_line, decode_lines, encode_line

texts = st.text(st.characters(codec="utf-8"), max_size=12)
names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=12)
maybe_text = st.none() | texts
times: dict[str, Any] = {
    "at": st.floats(0, 4e9, allow_nan=False),
    "received": st.none() | st.floats(0, 4e9, allow_nan=False),
}
numbers = st.floats(-1e6, 1e6, allow_nan=False)
epcs = st.binary(min_size=1, max_size=26).map(lambda raw: raw.hex().upper()) | st.builds(
    encode_sgtin_96, st.just("0614141"), st.just("112345"), st.integers(0, 2**38 - 1)
)
gtins = st.sampled_from(["00614141123452", "04006381333931", "10614141543219"])
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | numbers | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def ledgers(kinds: tuple[str, ...]) -> st.SearchStrategy[Ledger]:
    shared = {
        **times,
        "id": texts,
        "quantity": st.integers(1, 99),
        "transaction": maybe_text,
        "source": maybe_text,
        "lane": maybe_text,
    }
    goods = [kind for kind in kinds if kind != "void"]
    by_epc = st.builds(Ledger, kind=st.sampled_from(goods), epc=epcs, ref=maybe_text, **shared)
    by_gtin = st.builds(Ledger, kind=st.sampled_from(goods), gtin=gtins, serial=maybe_text, **shared)
    return by_epc | by_gtin | st.builds(Ledger, kind=st.just("void"), ref=names, **shared)


events: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Read, gate=texts, reader=texts, antenna=st.integers(0, 255), epc=epcs, rssi_dbm=numbers, phase_rad=st.none() | numbers,
        doppler_hz=st.none() | numbers, channel=st.none() | st.integers(0, 50) | st.just(865.7), count=st.integers(1, 9),
        tid=maybe_text, **times,
    ),
    ledgers(LEDGER_KINDS),
    st.builds(Eas, gate=texts, pedestal=texts, kind=st.sampled_from(EAS_KINDS), **times),
    st.builds(Count, gate=texts, counter=texts, direction=st.sampled_from(COUNT_DIRECTIONS), people=st.integers(0, 9), **times),
    st.builds(Pace, heard=st.integers(1, 100), quiet=st.integers(1, 100), **times),
    st.builds(Device, device=texts, state=st.sampled_from(DEVICE_STATES), reason=maybe_text, **times),
    st.builds(
        Answer, id=texts, alarm=texts, action=st.sampled_from(ANSWER_ACTIONS), by=texts, outcome=maybe_text, note=maybe_text,
        items=st.lists(st.fixed_dictionaries({"epc": epcs, "outcome": texts}), max_size=2).map(tuple), **times,
    ),
    st.builds(Command, id=texts, name=texts, gate=maybe_text, seconds=st.none() | numbers, by=maybe_text, **times),
    st.builds(Gpi, device=texts, pin=st.integers(1, 9), high=st.booleans(), **times),
    st.builds(
        OutputDone, device=texts, id=texts, pin=st.integers(1, 9), on=st.booleans(), ok=st.booleans(), reason=maybe_text, **times
    ),
    st.builds(
        Lookup, keys=st.lists(texts, max_size=3).map(tuple),
        records=st.lists(ledgers((*LEDGER_KINDS, "bound")), max_size=3).map(tuple), **times,
    ),
    st.builds(Tick, **times),
    st.builds(State, snapshot=st.dictionaries(texts, json_values, max_size=3), **times),
)  # fmt: skip


@given(events)
def test_an_event_survives_its_line_and_gives_the_same_bytes_again(event: Event) -> None:
    line = encode_line(event)
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    back = decode_line(line)
    assert back == event
    assert back is not None
    assert encode_line(back) == line


@given(st.binary(max_size=300))
def test_any_bytes_are_an_event_or_a_counted_refusal(line: bytes) -> None:
    refused: Counter[str] = Counter()
    found = list(decode_lines([line], refused))
    assert len(found) + refused.total() <= 1


@given(events, st.data())
def test_a_line_damaged_anywhere_is_an_event_or_a_counted_refusal(event: Event, data: st.DataObject) -> None:
    line = bytearray(encode_line(event))
    for _ in range(data.draw(st.integers(1, 3))):
        line[data.draw(st.integers(0, len(line) - 1))] = data.draw(st.integers(0, 255))
    refused: Counter[str] = Counter()
    found = list(decode_lines([bytes(line)], refused))
    assert len(found) + refused.total() <= 1


@given(
    st.dictionaries(texts, json_values, max_size=5),
    st.sampled_from(["read", "ledger", "lookup", "state", "answer", "eas", "tick"]),
)
def test_any_object_of_a_known_type_is_an_event_or_a_counted_refusal(body: dict[str, Any], kind: str) -> None:
    refused: Counter[str] = Counter()
    found = list(decode_lines([msgspec.json.encode({**body, "type": kind})], refused))
    assert len(found) + refused.total() == 1


@given(epcs, numbers)
def test_the_case_of_an_epc_makes_no_difference(epc: str, rssi: float) -> None:
    read = Read(at=1.0, gate="g", reader="r", antenna=1, epc=epc, rssi_dbm=rssi)
    line = encode_line(read)
    assert decode_line(line.replace(epc.encode(), epc.lower().encode())) == decode_line(line)


@given(events, st.dictionaries(st.text("xyz_", min_size=6, max_size=9), json_values, max_size=3))
def test_fields_of_a_newer_version_change_nothing(event: Event, extra: dict[str, Any]) -> None:
    body = msgspec.json.decode(encode_line(event))
    assert decode_line(msgspec.json.encode({**body, **extra})) == event
