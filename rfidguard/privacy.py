"""Goods that are not ours do not stand in the journal in clear: their EPCs are replaced under a key of the day.

What is kept: length, and for an SGTIN header, filter, partition and company prefix, so that a replay still sees an SGTIN
of that maker; of any other EPC the first two bytes. The rest comes from HMAC-SHA256: the same tag stays one tag for a
day, and nobody can say tomorrow which it was. A replaced EPC is never one of our own.
"""

import hmac
import re
from collections.abc import Callable, Iterable
from itertools import chain, zip_longest
from typing import Any

import msgspec

from rfidguard.epc import encode_sgtin_96, identify, normal_epc
from rfidguard.errors import RefusedInput
from rfidguard.events import Answer, Event, Ledger, Lookup, Read, State
from rfidguard.journal import decode_line, encode_line

Own = Callable[[str], bool]
"""True for an EPC (hex) of this shop's goods."""

_CACHED = 100_000
_TRIES = 1000
_SERIAL_198 = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
_LOOSE_DIGITS = 24
"""A run of so many hex digits is taken for an EPC wherever it stands; a shorter one only where it is known as one."""
_EPC_FIELD = re.compile(rb'"epc":"([0-9A-F]+)"')
_KEY_STRING = re.compile(rb'"([0-9]{14})\.([!#-\[\]-z]{1,20})"')
_BINS, _BINS_END, _CUT = b'"bins":[', b'"beat_s":', b"\0"
_SGTIN_STARTS = ("30", "36")


class Mask:
    """Replaces foreign EPCs in events. `mode`: hash, keep, or drop (the event is not written at all)."""

    def __init__(self, mode: str, own: Own, key: bytes) -> None:
        self._mode = mode
        self._own = own
        self._key = key
        self._known: dict[str, str] = {}
        self._own_gtins: dict[str, bool] = {}

    def line(self, event: Event) -> bytes | None:
        """The event as the line that may be written; None where none is to be."""
        if type(event) is Read and (self._mode == "keep" or self._known.get(event.epc) == event.epc):
            return encode_line(event)
        if isinstance(event, State) and self._mode != "keep":
            return self._snapshot_line(event)
        shown = self.event(event)
        return None if shown is None else encode_line(shown)

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
            return decode_line(self._snapshot_line(event))
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
        names = self._names(record.epc for record in lookup.records if record.epc is not None)
        keys = tuple(names.get(key) or self._key_text(key) for key in lookup.keys)
        return msgspec.structs.replace(lookup, keys=keys, records=tuple(self._record(record) for record in lookup.records))

    def _item(self, item: dict[str, str]) -> dict[str, str]:
        return {**item, "epc": self.epc(item["epc"])} if "epc" in item else item

    def _names(self, epcs: Iterable[str]) -> dict[str, str]:
        """Foreign EPCs and their ledger keys -> what stands for them."""
        names: dict[str, str] = {}
        for epc in epcs:
            new = self.epc(epc)
            if new != epc:
                names[epc] = new
                names[identify(epc).key] = identify(new).key
        return names

    def _key_text(self, key: str) -> str:
        """A ledger key whose EPC nobody told."""
        if key.startswith("epc:"):
            return f"epc:{self.epc(key[4:])}" if _is_epc(key[4:]) else key
        gtin, dot, serial = key.partition(".")
        return self._item_key(gtin, serial) if dot and len(gtin) == 14 and gtin.isdecimal() else key

    def _snapshot_line(self, state: State) -> bytes:
        """Replaced in the JSON text: a snapshot is megabytes of numbers with a few EPCs, and the core waits meanwhile."""
        if self._mode == "drop":
            state = msgspec.structs.replace(state, snapshot=self._pruned(_plain(state.snapshot)))
        line, bins = _without_bins(encode_line(state))
        names = self._names({found.decode() for found in _EPC_FIELD.findall(line)} - {""})
        shortest = min((len(name) for name in names if ":" not in name and "." not in name), default=_LOOSE_DIGITS)
        runs = re.compile(rb'(["/:|#@ ])([0-9A-F]{%d,128})(?![0-9A-Za-z])' % min(shortest, _LOOSE_DIGITS))
        line = runs.sub(lambda run: run[1] + self._run(run[2].decode(), names).encode(), line)
        line = _KEY_STRING.sub(lambda key: b'"%s"' % self._snapshot_key(key[1].decode(), key[2].decode(), names).encode(), line)
        return b"".join(chain.from_iterable(zip_longest(line.split(_CUT), bins, fillvalue=b"")))

    def _run(self, run: str, names: dict[str, str]) -> str:
        if run in names:
            return names[run]
        return self.epc(run) if len(run) >= _LOOSE_DIGITS and _is_epc(run) and _looks_like_epc(run) else run

    def _snapshot_key(self, gtin: str, serial: str, names: dict[str, str]) -> str:
        return names.get(f"{gtin}.{serial}") or self._item_key(gtin, serial)

    def _pruned(self, value: Any) -> Any:
        """A snapshot without anything that stands for foreign goods."""
        if isinstance(value, dict):
            return {
                key: self._pruned(inner)
                for key, inner in value.items()
                if not (self._names_foreign(key) or self._is_foreign(inner))
            }
        if isinstance(value, list | tuple):
            return [self._pruned(inner) for inner in value if not (self._names_foreign(inner) or self._is_foreign(inner))]
        return value

    def _names_foreign(self, name: Any) -> bool:
        """True for a foreign EPC or its ledger key; for a loose number that is no EPC, false."""
        if not isinstance(name, str):
            return False
        if len(name) >= _LOOSE_DIGITS and _is_epc(name) and _looks_like_epc(name):
            return self.epc(name) != name
        return self._key_text(name) != name

    def _is_foreign(self, value: Any) -> bool:
        epc = value.get("epc") if isinstance(value, dict) else None
        return isinstance(epc, str) and _is_epc(epc) and self.epc(epc) != epc

    def _item_key(self, gtin: str, serial: str) -> str:
        return f"{gtin}.{serial if self._owns_gtin(gtin) else _masked_serial(gtin, serial, self._key)}"

    def _owns_gtin(self, gtin: str) -> bool:
        """A GTIN does not say where its company prefix ends: it is ours if it is with any of the lengths that GS1 gives out."""
        known = self._own_gtins.get(gtin)
        if known is not None:
            return known
        splits = ((gtin[1 : 1 + digits], gtin[0] + gtin[1 + digits : 13]) for digits in range(6, 13))
        if len(self._own_gtins) >= _CACHED:
            self._own_gtins.clear()
        found = self._own_gtins[gtin] = any(self._own(encode_sgtin_96(prefix, item, 0)) for prefix, item in splits)
        return found


def _without_bins(line: bytes) -> tuple[bytes, list[bytes]]:
    """A snapshot without what each antenna heard of each tag, and what was cut: nine tenths of it, all numbers. JSON holds no
    byte _CUT.
    """
    kept: list[bytes] = []
    bins: list[bytes] = []
    at = 0
    while (start := line.find(_BINS, at)) >= 0 and (end := line.find(_BINS_END, start)) >= 0:
        kept.append(line[at:start])
        bins.append(line[start:end])
        at = end
    return _CUT.join([*kept, line[at:]]), bins


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
    if who.prefix is not None and who.scheme in ("sgtin-96", "sgtin-198"):
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


def _plain(snapshot: object) -> Any:
    """A snapshot as plain data, encoded already or not."""
    return msgspec.json.decode(snapshot) if isinstance(snapshot, msgspec.Raw) else snapshot
