"""SGTIN+ and its kin, and tags that a reader reports longer than they are, against an encoder written for this test."""

from math import ceil, log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rfidguard.epc import check_digit, encode_sgtin_96, identify

BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
CODE_40 = "?ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
GTIN = "79521141123453"
gtins = st.from_regex(r"[0-9]{13}", fullmatch=True).map(lambda first: first + check_digit(first))


def packed(serial: str, encoding: int) -> str:
    """The bits of a serial behind its encoding and length."""
    if encoding == 0:
        return f"{int(serial):0{ceil(len(serial) * log2(10))}b}"
    if encoding == 5:
        filled = serial + "?" * (-len(serial) % 3)
        places = [CODE_40.index(c) if c != "?" else 0 for c in filled]
        triples = zip(places[::3], places[1::3], places[2::3], strict=True)
        return "".join(f"{1600 * a + 40 * b + c + 1:016b}" for a, b, c in triples)
    width, alphabet = {1: (4, "0123456789ABCDEF"), 2: (4, "0123456789abcdef"), 3: (6, BASE_64), 4: (7, None)}[encoding]
    return "".join(f"{ord(c) if alphabet is None else alphabet.index(c):0{width}b}" for c in serial)


def tag(
    serial: str, encoding: int, gtin: str = GTIN, header: int = 0xF7, filter_value: int = 1, date: str = "", tail: str = ""
) -> str:
    bits = f"{header:08b}0{filter_value:03b}{date}" + "".join(f"{int(digit):04b}" for digit in gtin)
    bits += f"{encoding:03b}{len(serial):05b}{packed(serial, encoding)}{tail}"
    bits += "0" * (-len(bits) % 16)
    return f"{int(bits, 2):0{len(bits) // 4}X}"


SERIALS = {
    0: st.integers(0, 10**20 - 1).map(str),
    1: st.text("0123456789ABCDEF", min_size=1, max_size=20),
    2: st.text("0123456789abcdef", min_size=1, max_size=20),
    3: st.text(BASE_64, min_size=1, max_size=20),
    4: st.text("!\"%&'()*+,-./0123456789:;<=>?ABCXYZ_abcxyz", min_size=1, max_size=20),
    5: st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789", min_size=1, max_size=20),
}


@pytest.mark.parametrize("encoding", SERIALS)
@given(data=st.data(), gtin=gtins, filter_value=st.integers(0, 7))
def test_every_encoding_of_a_serial_is_read(encoding: int, data: st.DataObject, gtin: str, filter_value: int) -> None:
    serial = data.draw(SERIALS[encoding])
    who = identify(tag(serial, encoding, gtin, filter_value=filter_value))
    assert (who.scheme, who.gtin, who.serial, who.filter, who.prefix) == ("sgtin+", gtin, serial, filter_value, None)
    dated = identify(tag(serial, encoding, gtin, 0xFB, filter_value, date="0100" + "0" * 16))
    assert (dated.scheme, dated.key) == ("dsgtin+", who.key)


@given(st.integers(0, (1 << 38) - 1))
def test_one_item_has_one_key_in_the_old_scheme_and_the_new(serial: int) -> None:
    old = identify(encode_sgtin_96("0614141", "081234", serial))
    assert identify(tag(str(serial), 0, old.gtin or "")).key == old.key


@pytest.mark.parametrize(
    "epc",
    [
        tag("12345", 0, "79521141123454"),
        "F73A95211411234538566CB0AFC4",
        tag("ABCDEFGHIJ", 4)[:24],
        f"{int(tag('12', 0), 16) | 1:0{len(tag('12', 0))}X}",
        "F7",
        "F730000000000000",
    ],
    ids=["check digit", "letter in the GTIN", "cut off", "bits behind the serial", "header only", "no serial"],
)
def test_bits_that_no_encoder_writes_are_no_sgtin(epc: str) -> None:
    assert identify(epc).scheme == "other"


def test_a_serial_of_no_length_or_of_an_unknown_encoding_is_no_sgtin() -> None:
    start = "F73" + GTIN
    assert {
        identify(start + rest).scheme for rest in ("000", "80000", "E5FFFFFFF", "C5FFFFFFFFFFF", "95FFFFFFFFFFFFFFFFFFF")
    } == {"other"}


def test_a_host_name_behind_the_serial_does_not_matter() -> None:
    assert identify("FD3795211411234538566CB0AFC525065F1876F0D996D800").key == f"{GTIN}.32a/b"


@given(st.integers(0, (1 << 38) - 1), st.integers(1, 20))
def test_a_96_bit_tag_reported_longer_with_zeros_is_the_same_item_and_is_told_apart(serial: int, longer: int) -> None:
    epc = encode_sgtin_96("0614141", "081234", serial)
    who = identify(epc + "00" * longer)
    assert (who.scheme, who.key, who.prefix) == ("sgtin-96-padded", identify(epc).key, "0614141")
    assert identify(epc + "00" * (longer - 1) + "01").scheme == "other"
