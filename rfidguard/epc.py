"""Identity of goods: what an EPC says. Pure; own decoder for SGTIN-96 and SGTIN-198 (GS1 EPC Tag Data Standard, section 14.6).

Bits of an SGTIN:  header 8 | filter 3 | partition 3 | company prefix 20-40 | item reference 24-4 | serial 38 (or 140: 20 x 7-bit)
The partition splits 44 bits between company prefix and indicator + item reference, 13 digits together.
The younger SGTIN+ and its kin (TDS 2.x, which name no company prefix) are read in `epc_plus`.

One item has one key, whatever its scheme, filter value or spelling: GTIN-14 and serial.
"""

from functools import lru_cache

import msgspec

from rfidguard.epc_plus import GS1_82, read_plus
from rfidguard.epc_plus import check_digit as check_digit
from rfidguard.errors import RefusedInput

MAX_EPC_HEX = 128
_SGTIN_96 = 0x30
_SGTIN_198 = 0x36
_PARTITIONS = (
    (40, 12, 4, 1),
    (37, 11, 7, 2),
    (34, 10, 10, 3),
    (30, 9, 14, 4),
    (27, 8, 17, 5),
    (24, 7, 20, 6),
    (20, 6, 24, 7),
)
"""By partition value: bits and digits of the company prefix, bits and digits of indicator + item reference."""


class Identity(msgspec.Struct, frozen=True):
    """Who an EPC is. `gtin` (14 digits), `serial` and `prefix` are None where it is no SGTIN; `scheme` is then "other".

    The schemes of TDS 2.x ("sgtin+", "dsgtin+", "sgtin++", "dsgtin++") have a GTIN but no `prefix`. A 96-bit tag that the
    reader reported longer, with zeros behind, is "sgtin-96-padded".
    """

    epc: str
    scheme: str
    gtin: str | None = None
    serial: str | None = None
    prefix: str | None = None
    filter: int | None = None

    @property
    def key(self) -> str:
        """The ledger key: "GTIN.serial" for an SGTIN, else "epc:HEX"."""
        return f"epc:{self.epc}" if self.gtin is None else item_key(self.gtin, self.serial or "")


def item_key(gtin: str, serial: str) -> str:
    """The ledger key of one item."""
    return f"{gtin}.{serial}"


def credit_key(gtin: str) -> str:
    """The ledger key of all sales that name an article but no item."""
    return f"gtin:{gtin}"


def normal_epc(text: str) -> str:
    """Upper-case hex of whole bytes. Raises RefusedInput(bad_epc) for anything else."""
    if not text or len(text) > MAX_EPC_HEX or len(text) % 2 or text.strip("0123456789abcdefABCDEF"):
        raise RefusedInput("bad_epc", f"an EPC is an even number of hex digits (at most {MAX_EPC_HEX}), not {text[:140]!r}")
    return text.upper()


@lru_cache(maxsize=65_536)
def normal_gtin(text: str) -> str:
    """GTIN-8, -12, -13 or -14 -> GTIN-14. Raises RefusedInput(bad_gtin) for wrong length, letters or check digit."""
    digits = text.strip()
    if len(digits) not in (8, 12, 13, 14) or not (digits.isascii() and digits.isdigit()):
        raise RefusedInput("bad_gtin", f"a GTIN has 8, 12, 13 or 14 digits, not {text[:40]!r}")
    gtin = digits.zfill(14)
    if check_digit(gtin[:13]) != gtin[13]:
        raise RefusedInput("bad_gtin", f"GTIN {digits}: the check digit should be {check_digit(gtin[:13])}, not {gtin[13]}")
    return gtin


@lru_cache(maxsize=16_384)
def identify(epc: str) -> Identity:
    """What `epc` (hex) says of itself. Anything that is no valid SGTIN is "other", never an error and never a guess."""
    epc = normal_epc(epc)
    data = bytes.fromhex(epc)
    if data[0] == _SGTIN_96 and len(data) == 12:
        return _sgtin(epc, int.from_bytes(data), 96) or Identity(epc, "other")
    if data[0] == _SGTIN_96 and len(data) > 12 and not any(data[12:]):
        return _padded(_sgtin(epc, int.from_bytes(data[:12]), 96)) or Identity(epc, "other")
    if data[0] == _SGTIN_198 and len(data) in (25, 26) and not any(data[25:]):
        return _sgtin(epc, int.from_bytes(data[:25]) >> 2, 198) or Identity(epc, "other")
    plus = read_plus(data)
    return Identity(epc, "other") if plus is None else Identity(epc, plus.scheme, plus.gtin, plus.serial, None, plus.filter)


def _padded(who: Identity | None) -> Identity | None:
    return None if who is None else msgspec.structs.replace(who, scheme="sgtin-96-padded")


def _sgtin(epc: str, number: int, bits: int) -> Identity | None:
    serial_bits = bits - 58
    article = _article(number >> serial_bits)
    raw_serial = number & (1 << serial_bits) - 1
    serial = str(raw_serial) if bits == 96 else _seven_bit_text(raw_serial)
    if article is None or serial is None:
        return None
    gtin, prefix, filter_value = article
    return Identity(epc, f"sgtin-{bits}", gtin, serial, prefix, filter_value)


@lru_cache(maxsize=16_384)
def _article(head: int) -> tuple[str, str, int] | None:
    """GTIN, company prefix and filter of the 58 bits before a serial, which many items share; None where they are no SGTIN's."""
    partition = head >> 44 & 7
    if partition > 6:
        return None
    prefix_bits, prefix_digits, item_bits, item_digits = _PARTITIONS[partition]
    prefix = head >> item_bits & (1 << prefix_bits) - 1
    item = head & (1 << item_bits) - 1
    if prefix >= 10**prefix_digits or item >= 10**item_digits:
        return None
    prefix_text, item_text = f"{prefix:0{prefix_digits}}", f"{item:0{item_digits}}"
    first_13 = item_text[0] + prefix_text + item_text[1:]
    return first_13 + check_digit(first_13), prefix_text, head >> 47 & 7


def _seven_bit_text(raw: int) -> str | None:
    characters = [raw >> shift & 0x7F for shift in range(133, -1, -7)]
    text = "".join(map(chr, characters)).rstrip("\0")
    return text if text and GS1_82.issuperset(text) else None


def encode_sgtin_96(prefix: str, item: str, serial: int, filter_value: int = 1) -> str:
    """Company prefix (6-12 digits), indicator + item reference (the rest of 13 digits) and serial (< 2^38) -> EPC hex.

    Raises RefusedInput(bad_epc) where they do not fit.
    """
    fits = [row for row in enumerate(_PARTITIONS) if row[1][1] == len(prefix) and row[1][3] == len(item)]
    if not fits or not (prefix + item).isdigit() or not 0 <= serial < 1 << 38 or not 0 <= filter_value < 8:
        raise RefusedInput(
            "bad_epc", f"no SGTIN-96 holds prefix {prefix!r}, item {item!r}, serial {serial}, filter {filter_value}"
        )
    partition, (prefix_bits, _, item_bits, _) = fits[0]
    number = _SGTIN_96 << 6 | filter_value << 3 | partition
    number = (number << prefix_bits | int(prefix)) << item_bits | int(item)
    return f"{number << 38 | serial:024X}"
