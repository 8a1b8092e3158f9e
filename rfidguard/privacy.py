"""Goods that are not ours do not stand in the journal in clear: their EPCs are replaced under a key of the day.

What is kept: length, and for an SGTIN header, filter, partition and company prefix, so that a replay still sees an SGTIN
of that maker; of any other EPC the first two bytes. The rest comes from HMAC-SHA256: the same tag stays one tag for a
day, and nobody can say tomorrow which it was. A replaced EPC is never one of our own.
"""

import hmac
import re
from collections.abc import Callable
from typing import Any

import msgspec

from rfidguard.epc import encode_sgtin_96, identify, normal_epc
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer, Event, Ledger, Lookup, Read, State

Own = Callable[[str], bool]
"""True for an EPC (hex) of this shop's goods."""

_CACHED = 100_000
_TRIES = 1000
_SERIAL_198 = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_EPC_RUN = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-F]{2}){12,64}(?![0-9A-Za-z])")
_ITEM_KEY = re.compile(r"(?<![0-9])([0-9]{14})\.([!-z]{1,20})$")
_SGTIN_STARTS = ("30", "36")


class Mask:
    """Replaces foreign EPCs in events. `mode`: hash, keep, or drop (the event is not written at all)."""

    def __init__(self, mode: str, own: Own, key: bytes) -> None:
        self._mode = mode
        self._own = own
        self._key = key
        self._known: dict[str, str] = {}

    def event(self, event: Event) -> Event | None:
        """The event as it may be written; None where it is not to be."""
        if self._mode == "keep":
            return event
        if type(event) is Read:
            return self._read(event)
        if isinstance(event, Ledger):
            return self._ledger(event)
        if isinstance(event, Lookup):
            return self._lookup(event)
        if isinstance(event, State):
            return msgspec.structs.replace(event, snapshot=self._snapshot(event.snapshot))
        if isinstance(event, Answer) and event.items:
            return msgspec.structs.replace(event, items=tuple(self._item(item) for item in event.items))
        return event

    def epc(self, epc: str) -> str:
        """The EPC itself where it is ours, else what stands for it today."""
        found = self._known.get(epc)
        if found is None:
            if len(self._known) >= _CACHED:
                self._known.clear()
            found = epc if self._own(epc) else masked(epc, self._key, self._own)
            self._known[epc] = found
        return found

    def _read(self, read: Read) -> Read | None:
        epc = self.epc(read.epc)
        if epc == read.epc:
            return read
        if self._mode == "drop":
            return None
        tid = None if read.tid is None else _masked_tid(read.tid, self._key)
        return msgspec.structs.replace(read, epc=epc, tid=tid)

    def _ledger(self, record: Ledger) -> Ledger | None:
        written = self._record(record)
        return None if self._mode == "drop" and written != record else written

    def _record(self, record: Ledger) -> Ledger:
        if record.epc is not None:
            epc = self.epc(record.epc)
            if epc == record.epc:
                return record
            who = identify(epc)
            gtin = who.gtin if record.gtin is not None else None
            return msgspec.structs.replace(record, epc=epc, gtin=gtin, serial=who.serial if record.serial else None)
        if record.gtin is not None and record.serial and not self._owns_gtin(record.gtin):
            return msgspec.structs.replace(record, serial=_masked_serial(record.gtin, record.serial, self._key))
        return record

    def _lookup(self, lookup: Lookup) -> Lookup:
        known = self._names(filter(None, (record.epc for record in lookup.records)))
        keys = tuple(self._text(key, known) for key in lookup.keys)
        return msgspec.structs.replace(lookup, keys=keys, records=tuple(self._record(record) for record in lookup.records))

    def _item(self, item: dict[str, str]) -> dict[str, str]:
        return {**item, "epc": self.epc(item["epc"])} if "epc" in item else item

    def _snapshot(self, snapshot: dict[str, Any]) -> dict[str, Any]:
        masked_snapshot: dict[str, Any] = self._walk(snapshot, self._names(_epcs_in(snapshot)))
        return masked_snapshot

    def _names(self, epcs: Any) -> dict[str, str]:
        """Foreign EPCs and their ledger keys -> what stands for them."""
        names: dict[str, str] = {}
        for epc in epcs:
            new = self.epc(epc)
            if new != epc:
                names[epc] = new
                names[identify(epc).key] = identify(new).key
        return names

    def _walk(self, value: Any, names: dict[str, str]) -> Any:
        if isinstance(value, str):
            return self._text(value, names)
        if isinstance(value, dict):
            entries = ((key, self._text(key, names) if isinstance(key, str) else key, inner) for key, inner in value.items())
            return {new: self._walk(inner, names) for key, new, inner in entries if not self._drops(key, new, inner)}
        if isinstance(value, list | tuple):
            return [self._walk(inner, names) for inner in value if not self._drops("", "", inner)]
        return value

    def _drops(self, key: Any, new: Any, inner: Any) -> bool:
        if self._mode != "drop":
            return False
        epc = inner.get("epc") if isinstance(inner, dict) else None
        return bool(key != new or (isinstance(epc, str) and _is_epc(epc) and self.epc(epc) != epc))

    def _text(self, text: str, names: dict[str, str]) -> str:
        """A string with the foreign EPCs and item keys in it replaced."""
        if text in names:
            return names[text]
        if len(text) < 16:
            return text
        text = _EPC_RUN.sub(lambda run: names.get(run[0]) or (self.epc(run[0]) if _looks_like_epc(run[0]) else run[0]), text)
        return _ITEM_KEY.sub(lambda item: names.get(item[0]) or self._item_key(item[1], item[2]), text)

    def _item_key(self, gtin: str, serial: str) -> str:
        return f"{gtin}.{serial if self._owns_gtin(gtin) else _masked_serial(gtin, serial, self._key)}"

    def _owns_gtin(self, gtin: str) -> bool:
        """A GTIN does not say where its company prefix ends: it is ours if it is with any of the lengths that GS1 gives out."""
        splits = ((gtin[1 : 1 + digits], gtin[0] + gtin[1 + digits : 13]) for digits in range(6, 13))
        return any(self._own(encode_sgtin_96(prefix, item, 0)) for prefix, item in splits)


def masked(epc: str, key: bytes, own: Own) -> str:
    """What stands for a foreign EPC (upper-case hex) under `key`: as long, with the same start, and foreign too."""
    keep, bits = _kept_bits(epc)
    number = int(epc, 16)
    for attempt in range(_TRIES):
        chance = _chance(key, f"{attempt}:{epc}", len(epc) * 4)
        found = _with_rest(epc, number, keep, bits, chance)
        if found != epc and not own(found):
            return found
        keep = keep if attempt < _TRIES // 2 else 0
    raise RefusedInput("privacy", f"nothing can stand for EPCs like {epc[:4]}…: all of that length are own goods")


def _kept_bits(epc: str) -> tuple[int, int]:
    """(bits kept at the start, bits of the SGTIN), the latter 0 for any other EPC."""
    who = identify(epc)
    if who.gtin is not None and who.prefix is not None:
        bits = 96 if who.scheme == "sgtin-96" else 198
        return 14 + _PREFIX_BITS[len(who.prefix)], bits
    return (16 if len(epc) > 4 else 0), 0


_PREFIX_BITS = {12: 40, 11: 37, 10: 34, 9: 30, 8: 27, 7: 24, 6: 20}
"""Bits of the company prefix by its digits (GS1 EPC Tag Data Standard, table 14-2)."""


def _with_rest(epc: str, number: int, keep: int, bits: int, chance: int) -> str:
    """`number` with all but its first `keep` bits from `chance`, kept a valid SGTIN where it is one."""
    total = len(epc) * 4
    if not bits or not keep:
        rest = total - keep
        return f"{number >> rest << rest | chance & (1 << rest) - 1:0{len(epc)}X}"
    item_bits = 58 - keep
    item = chance % 10 ** (13 - _digits(keep))
    head = (number >> (total - keep)) << item_bits | item
    if bits == 96:
        return f"{head << 38 | (chance >> 64) & (1 << 38) - 1:024X}"
    length = len(identify(epc).serial or "")
    serial = sum(
        ord(_SERIAL_198[(chance >> (64 + 5 * place)) % len(_SERIAL_198)]) << (133 - 7 * place) for place in range(length)
    )
    return f"{(head << 140 | serial) << (total - 198):0{len(epc)}X}"


def _digits(keep: int) -> int:
    return next(digits for digits, bits in _PREFIX_BITS.items() if bits == keep - 14)


def _chance(key: bytes, text: str, bits: int) -> int:
    """At least `bits` bits, the same for the same key and text."""
    blocks = range((bits + 64) // 256 + 1)
    return int.from_bytes(b"".join(hmac.digest(key, f"{block}:{text}".encode(), "sha256") for block in blocks))


def _masked_serial(gtin: str, serial: str, key: bytes) -> str:
    chance = _chance(key, f"{gtin}.{serial}", 128)
    return "".join(str(chance >> (4 * place) & 15)[-1] for place in range(len(serial)))


def _masked_tid(tid: str, key: bytes) -> str:
    """The first two bytes (class and chip maker) stay; the rest is replaced."""
    return tid[:4] + hmac.digest(key, f"tid:{tid}".encode(), "sha512").hex().upper()[: max(0, len(tid) - 4)]


def _is_epc(text: str) -> bool:
    try:
        return normal_epc(text) == text
    except RefusedInput:
        return False


def _looks_like_epc(run: str) -> bool:
    """A loose run of decimal digits is more likely some till's number, unless it starts like an SGTIN."""
    return not run.isdecimal() or run.startswith(_SGTIN_STARTS)


def _epcs_in(value: Any) -> set[str]:
    """Every EPC that stands under a key "epc", at whatever depth."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            epc = node.get("epc")
            if isinstance(epc, str) and _is_epc(epc):
                found.add(epc)
            waiting.extend(node.values())
        elif isinstance(node, list | tuple):
            waiting.extend(node)
    return found
