"""The SGTIN schemes of GS1 TDS 2.x: SGTIN+, DSGTIN+ and, with a host name behind, SGTIN++ and DSGTIN++. Pure.

Bits:  header 8 | data toggle 1 | filter 3 | [DSGTIN: kind of date 4, date 16] | GTIN 14 x 4 (decimal) |
serial: encoding 3, length 5, characters | with the toggle: further data; with ++: the host name | zeros
"""

from collections.abc import Callable, Iterator
from math import ceil, log2

import msgspec

_HEADERS = {0xF7: "sgtin+", 0xFB: "dsgtin+", 0xFD: "sgtin++", 0xFC: "dsgtin++"}
_DATE_BITS = 20
_MAX_SERIAL = 20
_BITS_PER_DIGIT = log2(10)
_BASE_64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_CODE_40 = "\0ABCDEFGHIJKLMNOPQRSTUVWXYZ-.:0123456789"
"""URN Code 40 (TDS 14.5.6.6): 0 fills up."""

GS1_82 = frozenset("!\"%&'()*+,-./0123456789:;<=>?ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz")
"""The characters a serial may hold (GS1 General Specifications, figure 7.11-1)."""


class Plus(msgspec.Struct, frozen=True):
    """What such an EPC says. `gtin` has 14 digits."""

    scheme: str
    gtin: str
    serial: str
    filter: int


class Bits:
    """Bits taken one after the other from the front of some bytes. `take` beyond the end gives None."""

    def __init__(self, data: bytes) -> None:
        self._number = int.from_bytes(data)
        self.left = len(data) * 8

    def take(self, count: int) -> int | None:
        if count > self.left:
            return None
        self.left -= count
        return self._number >> self.left & (1 << count) - 1

    def rest(self) -> int:
        """What has not been taken."""
        return self._number & (1 << self.left) - 1


def read_plus(data: bytes) -> Plus | None:
    """The identity in `data`; None for any other header, and for bits that no encoder writes."""
    scheme = _HEADERS.get(data[0])
    if scheme is None:
        return None
    bits = Bits(data[1:])
    toggle, filter_value = bits.take(1), bits.take(3)
    if scheme.startswith("d"):
        bits.take(_DATE_BITS)
    gtin, serial = _gtin(bits), _serial(bits)
    if gtin is None or serial is None or filter_value is None:
        return None
    if not toggle and not scheme.endswith("++") and bits.rest():
        return None
    return Plus(scheme, gtin, serial, filter_value)


def check_digit(first_13: str) -> str:
    """The GS1 mod-10 check digit of the first 13 digits of a GTIN-14."""
    return str(-(3 * sum(map(int, first_13[::2])) + sum(map(int, first_13[1::2]))) % 10)


def _gtin(bits: Bits) -> str | None:
    raw = bits.take(56)
    digits = "" if raw is None else f"{raw:014x}"
    return digits if digits.isdigit() and check_digit(digits[:13]) == digits[13] else None


def _serial(bits: Bits) -> str | None:
    encoding, length = bits.take(3), bits.take(5)
    if encoding is None or length is None or encoding >= len(_READERS) or not 1 <= length <= _MAX_SERIAL:
        return None
    text = _READERS[encoding](bits, length)
    return text if text and GS1_82.issuperset(text) else None


def _integer(bits: Bits, length: int) -> str | None:
    value = bits.take(ceil(length * _BITS_PER_DIGIT))
    text = "" if value is None else str(value)
    return text if len(text) == length else None


def _characters(width: int, alphabet: str) -> Callable[[Bits, int], str | None]:
    def read(bits: Bits, length: int) -> str | None:
        values = [bits.take(width) for _ in range(length)]
        return "".join(alphabet[value] for value in values if value is not None) if None not in values else None

    return read


def _code_40(bits: Bits, length: int) -> str | None:
    text = "".join(_triples(bits, ceil(length / 3)))
    return text[:length] if text[length:].strip("\0") == "" and "\0" not in text[:length] and len(text) >= length else None


def _triples(bits: Bits, count: int) -> Iterator[str]:
    """Sixteen bits hold three characters, as 1600 a + 40 b + c + 1."""
    for _ in range(count):
        value = bits.take(16)
        if not value or value > 64_000:
            return
        value -= 1
        yield _CODE_40[value // 1600] + _CODE_40[value // 40 % 40] + _CODE_40[value % 40]


_READERS: tuple[Callable[[Bits, int], str | None], ...] = (
    _integer,
    _characters(4, "0123456789ABCDEF"),
    _characters(4, "0123456789abcdef"),
    _characters(6, _BASE_64),
    _characters(7, "".join(map(chr, range(128)))),
    _code_40,
)
"""By encoding indicator (TDS 2.x, table of section 14.5.6)."""
