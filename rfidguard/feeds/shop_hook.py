"""What webhooks of shop systems have in common: a signature made with a shared secret, and articles called by their own codes.

A call is proved by an HMAC-SHA256 of its body, compared in constant time. A code (SKU) leads to a GTIN by the catalogue, or is
one itself; one that nobody knows is refused with its reason, and the rest of the order counts.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from rfidguard.epc import identify, normal_epc, normal_gtin
from rfidguard.errors import DeviceLost, RefusedInput
from rfidguard.events import Ledger
from rfidguard.feeds.contract import Context, Unsigned
from rfidguard.feeds.ledger_csv import Taken
from rfidguard.rfc3339 import unix_seconds
from rfidguard.sale import MAX_QUANTITY

SHORTEST_SECRET = 8
LONGEST_NAME = 60


class ShopLine(msgspec.Struct, frozen=True):
    """One line of an order: how it is called in the order, what was sold (`codes`: the first that is known counts), how many.

    Name and quantity as the order has them.
    """

    name: str | None
    codes: tuple[str, ...]
    quantity: Any
    epc: str | None = None


def secret_of(path: Path) -> bytes:
    """The shared secret. Raises DeviceLost where it cannot be used."""
    try:
        secret = path.read_bytes().strip()
    except OSError as error:
        raise DeviceLost(f"{path} cannot be read: {error.strerror}") from error
    if len(secret) < SHORTEST_SECRET:
        raise DeviceLost(f"{path} holds no secret of at least {SHORTEST_SECRET} characters")
    return secret


def check_signature(secret: bytes, signed: bytes, given: str | None) -> None:
    """Raises Unsigned unless `given` is the base64 of the HMAC-SHA256 of `signed`."""
    expected = base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest())
    if given is None or not hmac.compare_digest(expected, given.encode("utf-8", "replace")):
        raise Unsigned("the signature is missing or wrong: is the secret the one of this webhook?")


def object_of(body: bytes) -> dict[str, Any]:
    """Raises RefusedInput(not_json)."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RefusedInput("not_json", f"the call is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise RefusedInput("not_an_object", "the call is not one JSON object")
    return found


def part(body: Any, *path: str) -> Any:
    """What stands at `path` of nested objects; None where it does not."""
    for step in path:
        body = body.get(step) if isinstance(body, dict) else None
    return body


def objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else it holds."""
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def words(value: Any) -> str | None:
    """A number or text as text; None for nothing."""
    return str(value).strip() or None if isinstance(value, (str, int)) and not isinstance(value, bool) else None


def whole(value: Any) -> int | None:
    """A quantity, written as number or text; None for weighed or measured goods. Raises RefusedInput(bad_quantity)."""
    try:
        number = float(str(value))
    except ValueError:
        number = -1.0
    if not 0 <= number <= MAX_QUANTITY:
        raise RefusedInput("bad_quantity", f"a quantity is a number up to {MAX_QUANTITY}, not {str(value)[:40]!r}")
    return int(number) if number == int(number) else None


def moment(*texts: Any) -> float:
    """Unix seconds of the first that is a time. Raises RefusedInput(bad_time)."""
    for text in texts:
        if isinstance(text, str):
            try:
                return unix_seconds(text)
            except ValueError as error:
                raise RefusedInput("bad_time", str(error)) from error
    raise RefusedInput("bad_time", "no time is given")


def lines_taken(
    context: Context, document: str, kind: str, at: float, lines: Sequence[ShopLine], transaction: str | None, lane: str | None
) -> Iterator[Taken]:
    """The record of every line; its id is `document`/name of the line."""
    known = context.gtins(list(dict.fromkeys(code for line in lines for code in line.codes)))
    for line in lines:
        try:
            yield from _line_taken(line, known, Ledger(at=at, id=document, kind=kind, transaction=transaction, lane=lane))
        except RefusedInput as error:
            yield Taken(0, reason=error.reason, text=f"{document}: {error}")


def _line_taken(line: ShopLine, known: Mapping[str, str], common: Ledger) -> Iterator[Taken]:
    if line.name is None or len(line.name) > LONGEST_NAME:
        raise RefusedInput("no_id", "a line of the order has no id")
    name, rest = f"{common.id}/{line.name}", whole(line.quantity)
    if not rest:
        yield Taken(0, passed="fractional_quantity" if rest is None else "nothing_left")
        return
    if line.epc is not None:
        yield Taken(0, msgspec.structs.replace(common, id=name, epc=line.epc))
        rest -= 1
    if rest == 0:
        return
    gtin = _gtin(line.codes, known) or (identify(line.epc).gtin if line.epc is not None else None)
    if gtin is None:
        called = " or ".join(repr(code) for code in line.codes) or "a line without any code"
        text = f"{common.id}: no GTIN is known for {called}; import articles with a column sku and gtin"
        yield Taken(0, reason="unknown_sku", text=text)
        return
    name += ".credit" if line.epc is not None else ""
    yield Taken(0, msgspec.structs.replace(common, id=name, gtin=gtin, quantity=rest))


def epc_in(properties: Iterable[Mapping[str, Any]]) -> str | None:
    """The EPC that a till noted on a line as a property of that name."""
    for entry in properties:
        if str(entry.get("name", "")).strip("_ ").lower() in ("epc", "rfid", "sgtin"):
            try:
                return normal_epc(str(entry.get("value", "")).strip())
            except RefusedInput:
                return None
    return None


def _gtin(codes: Sequence[str], known: Mapping[str, str]) -> str | None:
    for code in codes:
        if code in known:
            return known[code]
    for code in codes:
        try:
            return normal_gtin(code)
        except RefusedInput:
            continue
    return None
