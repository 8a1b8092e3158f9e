"""What pydantic found wrong with a document from outside, in words that name the place and say how to mend it."""

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

MAX_COMPLAINTS = 20
_MAX_VALUE = 60
_WANTED = {
    "string_type": "must be a text in quotes",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "float_type": "must be a number",
    "list_type": "must be a list in [ ]",
    "dict_type": "must be an object in { }",
    "model_type": "must be an object in { }",
    "model_attributes_type": "must be an object in { }",
    "bool_type": "must be true or false",
}


def complaints(error: ValidationError, known: Iterable[str] = ()) -> list[str]:
    """One line for each mistake, "lines[2].epc: …", at most MAX_COMPLAINTS. `known` are the field names that exist."""
    names = sorted(known)
    found = [line for detail in error.errors(include_url=False) for line in _lines(detail, names)]
    if len(found) > MAX_COMPLAINTS:
        return [*found[:MAX_COMPLAINTS], f"… and {len(found) - MAX_COMPLAINTS} more"]
    return found


def place(location: Iterable[str | int]) -> str:
    """("lines", 2, "epc") -> "lines[2].epc". Names that a stranger made up come out printable and short."""
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{_name(part)}" if text else _name(part)
    return text


def _lines(detail: ErrorDetails, known: list[str]) -> list[str]:
    where = place(detail["loc"])
    what = _said(detail, known)
    return [f"{where}: {line}" if where else line for line in what.split("\n")]


def _said(detail: ErrorDetails, known: list[str]) -> str:
    kind, given, context = detail["type"], detail["input"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return _unknown_field(str(detail["loc"][-1]), known)
    if kind == "json_invalid":
        return f"is not JSON: {context.get('error', detail['msg'])}"
    if kind == "value_error":
        return str(context.get("error", detail["msg"]))
    if kind == "literal_error":
        return f"must be one of {context['expected']}, not {_shown(given)}"
    if kind in _WANTED:
        return f"{_WANTED[kind]}, not {_shown(given)}"
    return f"{detail['msg'][:1].lower()}{detail['msg'][1:]}, not {_shown(given)}"


def _unknown_field(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1)
    return "is no field of this document" + (f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}")


def _name(part: str) -> str:
    return part if part.isprintable() and 0 < len(part) <= _MAX_VALUE else _shown(part)


def _shown(value: Any) -> str:
    text = ascii(value)
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}…"
