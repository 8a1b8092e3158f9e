"""Lists of items as people write them: whole EPCs, beginnings of EPCs, articles. Pure."""

import re
from collections.abc import Iterable

import msgspec

from rfidguard.epc import identify, normal_gtin
from rfidguard.errors import RefusedInput

_GTIN_DIGITS = (8, 12, 13, 14)
_HEX = re.compile(r"[0-9A-F]+")
_SHORTEST_EPC = 16
_SHORTEST_PREFIX = 4


class ItemList(msgspec.Struct, frozen=True):
    """What a list names. Upper-case hex; GTINs with 14 digits."""

    epcs: frozenset[str] = frozenset()
    prefixes: tuple[str, ...] = ()
    gtins: frozenset[str] = frozenset()

    def holds(self, epc: str) -> bool:
        """True for an EPC (upper-case hex) that the list names, by itself, by its beginning or by its article."""
        if epc in self.epcs or (self.prefixes and epc.startswith(self.prefixes)):
            return True
        return bool(self.gtins) and identify(epc).gtin in self.gtins


def item_list(entries: Iterable[str]) -> ItemList:
    """The list of these entries. Raises ValueError that says how to write one."""
    found = [entry(text) for text in entries]
    return ItemList(
        epcs=frozenset(text for kind, text in found if kind == "epc"),
        prefixes=tuple(dict.fromkeys(text for kind, text in found if kind == "prefix")),
        gtins=frozenset(text for kind, text in found if kind == "gtin"),
    )


def entry(text: str) -> tuple[str, str]:
    """ "3034257BF7*" -> prefix and "3034257BF7", "00614141123452" -> gtin, 16 hex digits or more -> epc. Raises ValueError."""
    plain = text.strip().upper()
    if plain.endswith("*"):
        return _prefix(plain[:-1], text)
    if plain.isdecimal() and len(plain) in _GTIN_DIGITS:
        try:
            return "gtin", normal_gtin(plain)
        except RefusedInput as error:
            raise ValueError(f"{text!r} is no GTIN: {error}") from error
    if _HEX.fullmatch(plain) and len(plain) >= _SHORTEST_EPC and len(plain) % 4 == 0:
        return "epc", plain
    raise ValueError(f'{text[:60]!r} is no item; write an EPC in hex, the beginning of EPCs as "3034257BF7*", or a GTIN')


def entries_of(text: str) -> list[tuple[int, str]]:
    """The entries of a list file with their line numbers: one a line, what follows a # is a remark."""
    lines = ((number, line.partition("#")[0].strip()) for number, line in enumerate(text.splitlines(), 1))
    return [(number, line) for number, line in lines if line]


def _prefix(plain: str, text: str) -> tuple[str, str]:
    if not _HEX.fullmatch(plain) or len(plain) < _SHORTEST_PREFIX:
        raise ValueError(f"{text[:60]!r} begins no EPC; write at least {_SHORTEST_PREFIX} hex digits before the *")
    return "prefix", plain
