"""Items and articles as documents name them: EPC URNs, GS1 Digital Links, plain hex. Pure.

Formats: GS1 EPC Tag Data Standard sections 6 and 12 (URNs), GS1 Digital Link URI syntax section 4. What names no trade
item (pallets, assets, places) is told apart from what is wrong.
"""

import re
from urllib.parse import unquote

import msgspec

from rfidguard.epc import check_digit, identify, item_key, normal_epc, normal_gtin
from rfidguard.epc_plus import GS1_82
from rfidguard.errors import RefusedInput

MAX_NAME = 2_048
MAX_SERIAL = 64
NO_TRADE_ITEM = "no_trade_item"
"""The reason for names of pallets, assets, places, persons: right, but nothing that is sold."""

_HEX = re.compile(r"(?:[0-9A-Fa-f]{2}){8,64}")
_RAW = re.compile(r"urn:epc:raw:\d+\.x([0-9A-Fa-f]+)", re.IGNORECASE)
_PARTS = re.compile(r"(\d{6,12})\.(\d+)(?:\.(.*))?", re.DOTALL)
_BRACKETS = re.compile(r"\(01\)(\d{14})(?:\(21\)(.+))?")
_OTHER_KEYS = frozenset(("00", "253", "254", "255", "401", "402", "410", "411", "412", "413", "414", "415", "416", "417",
                         "8003", "8004", "8006", "8010", "8013", "8017", "8018"))  # fmt: skip
_ITEM_KEYS = {"01": "01", "gtin": "01", "21": "21", "ser": "21"}


class Goods(msgspec.Struct, frozen=True):
    """An item (an `epc`, or `gtin` and `serial`), or an article (`gtin` alone)."""

    gtin: str | None = None
    serial: str | None = None
    epc: str | None = None

    @property
    def item(self) -> str | None:
        """The ledger key of the item; None for an article."""
        if self.epc is not None:
            return identify(self.epc).key
        return None if self.gtin is None or self.serial is None else item_key(self.gtin, self.serial)

    @property
    def article(self) -> str | None:
        """The GTIN, where it is known."""
        return self.gtin if self.epc is None else identify(self.epc).gtin


def goods_named(text: str) -> Goods:
    """What `text` names. Raises RefusedInput: bad_epc, bad_gtin, or no_trade_item for other GS1 keys."""
    text = text.strip()
    if len(text) > MAX_NAME:
        raise RefusedInput("bad_epc", f"the name of an item has at most {MAX_NAME} characters, this one has {len(text)}")
    if text[:8].lower() == "urn:epc:":
        return _of_urn(text)
    if text[:7].lower() == "http://" or text[:8].lower() == "https://":
        return _of_link(text)
    if _HEX.fullmatch(text):
        return Goods(epc=normal_epc(text))
    if found := _BRACKETS.fullmatch(text):
        return Goods(normal_gtin(found[1]), _serial(found[2]))
    raise _bad(text, "an EPC is a urn:epc:…, a GS1 Digital Link (https://…/01/…/21/…) or hex")


def _of_urn(text: str) -> Goods:
    """ "urn:epc:id:sgtin:0614141.112345.400", with tag:, class:, idpat: and raw: alike."""
    if found := _RAW.fullmatch(text):
        return Goods(epc=normal_epc(found[1]))
    _, _, space, scheme, rest = [*text.split(":", 4), "", ""][:5]
    space, scheme = space.lower(), scheme.lower()
    if space not in ("id", "tag", "class", "idpat", "pat"):
        raise _bad(text, "known are urn:epc:id, tag, class, idpat and raw")
    if scheme not in ("sgtin", "lgtin") and not scheme.startswith("sgtin-"):
        raise RefusedInput(NO_TRADE_ITEM, f"{text[:80]} names no trade item")
    if space in ("tag", "pat"):
        rest = rest.partition(".")[2]
    return _of_parts(text, rest, is_lot=scheme == "lgtin")


def _of_parts(text: str, rest: str, *, is_lot: bool) -> Goods:
    """ "0614141.112345.400": company prefix, indicator and item reference (13 digits together), serial or lot."""
    found = _PARTS.fullmatch(rest)
    if found is None or len(found[1]) + len(found[2]) != 13:
        raise _bad(text, "an SGTIN is PREFIX.ITEM.SERIAL, and PREFIX and ITEM have 13 digits together")
    prefix, item, last = found.groups()
    first_13 = item[0] + prefix + item[1:]
    gtin = first_13 + check_digit(first_13)
    return Goods(gtin) if is_lot or last in (None, "*") else Goods(gtin, _serial(unquote(last)))


def _of_link(text: str) -> Goods:
    """ "https://shop.example/01/09506000134352/21/32a%2Fb?17=220630"; any host, any path before the key."""
    parts = re.split(r"[?#]", text, maxsplit=1)[0].split("/")[3:]
    for place in range(len(parts) - 1):
        if _ITEM_KEYS.get(parts[place]) == "01" and parts[place + 1].isdigit():
            qualifiers = dict(zip(parts[place + 2 :: 2], parts[place + 3 :: 2], strict=False))
            serial = next((value for key, value in qualifiers.items() if _ITEM_KEYS.get(key) == "21"), None)
            return Goods(normal_gtin(parts[place + 1]), None if serial is None else _serial(unquote(serial)))
    if _OTHER_KEYS.intersection(parts):
        raise RefusedInput(NO_TRADE_ITEM, f"{text[:80]} names no trade item")
    raise _bad(text, "a Digital Link of an item holds /01/GTIN/21/SERIAL")


def _serial(text: str | None) -> str | None:
    if text is None:
        return None
    if not text or len(text) > MAX_SERIAL or not GS1_82.issuperset(text):
        raise RefusedInput("bad_epc", f"a serial has 1 to {MAX_SERIAL} characters of GS1's set 82, not {ascii(text)[:80]}")
    return text


def _bad(text: str, hint: str) -> RefusedInput:
    return RefusedInput("bad_epc", f"{ascii(text)[:100]} names no item: {hint}")
