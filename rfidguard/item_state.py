"""An item's last state in a few bytes, for the table that is never pruned: key and state of `ledger_items`. Pure and exact.

Key of an SGTIN whose serial is a plain number below 2^38: GTIN without its check digit (44 bits), serial (38 bits), 11 bytes.
Key of anything else: 0xFF and the ledger key as text. No hash: two items never share a row.
State: the time in units of 2^-22 s (every double between 2004 and 2038 is a whole number of them) times 8, plus a code of the
kind. The greater of two states is the later one, and of two at one moment the one that lets the item leave: the ledger's rule
that the last record decides is `max`, in whatever order and however often states are put together.
"""

from rfidguard.epc import check_digit
from rfidguard.events import Ledger

SOURCE = "folded"
"""The source of records that stand for a whole story."""

CODES = {"returned": 0, "stock_in": 1, "reserved": 2, "sold": 4, "shipped": 5, "released": 6, "retired": 7}
_KINDS = {code: kind for kind, code in CODES.items()}
_UNITS_PER_S = 1 << 22
_SERIAL_BITS = 38
_PACKED_BYTES = 11
_TEXT = b"\xff"


def packed_key(key: str) -> bytes:
    """The ledger key of an item in the fewest bytes that keep it whole."""
    gtin, _, serial = key.partition(".")
    if _is_gtin(gtin) and _is_plain(serial):
        return (int(gtin[:13]) << _SERIAL_BITS | int(serial)).to_bytes(_PACKED_BYTES)
    return _TEXT + key.encode()


def unpacked_key(packed: bytes) -> str:
    """The ledger key again."""
    if packed.startswith(_TEXT):
        return packed[1:].decode()
    number = int.from_bytes(packed)
    first_13 = f"{number >> _SERIAL_BITS:013}"
    return f"{first_13}{check_digit(first_13)}.{number & (1 << _SERIAL_BITS) - 1}"


def packed_state(kind: str, at: float) -> int:
    """Kind (one of CODES) and time (Unix seconds) as one number."""
    return round(at * _UNITS_PER_S) << 3 | CODES[kind]


def unpacked_state(state: int) -> tuple[str, float]:
    """Kind and time again."""
    return _KINDS[state & 7], (state >> 3) / _UNITS_PER_S


def folded_record(packed: bytes, state: int) -> Ledger:
    """The record that stands for an item's folded story. Its id holds the state: a later fold is another record."""
    key = unpacked_key(packed)
    kind, at = unpacked_state(state)
    name = f"{SOURCE}:{key}@{state}"
    if key.startswith("epc:"):
        return Ledger(at=at, id=name, kind=kind, epc=key.removeprefix("epc:"), source=SOURCE)
    gtin, _, serial = key.partition(".")
    return Ledger(at=at, id=name, kind=kind, gtin=gtin, serial=serial, source=SOURCE)


def _is_gtin(text: str) -> bool:
    return len(text) == 14 and text.isascii() and text.isdigit() and check_digit(text[:13]) == text[13]


def _is_plain(serial: str) -> bool:
    plain = serial.isascii() and serial.isdigit() and len(serial) <= 12 and (serial[0] != "0" or serial == "0")
    return plain and int(serial) < 1 << _SERIAL_BITS
