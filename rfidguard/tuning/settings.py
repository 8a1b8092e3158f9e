"""Settings to be tried: written as on the command line, found in a configuration, and written down as TOML again. Pure."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from rfidguard.config_lines import Path
from rfidguard.config_problems import Found, problem

_PART = re.compile(r"\.?([^.\[\]]+)|\[([^\[\]]+)\]")
_LISTS = ("gate", "rule", "action", "feed")
NAMES = ("id", "use", "name")
"""By what an entry of a list is called: a gate or device, a rule, a client."""


class Setting(msgspec.Struct, frozen=True):
    """One key and the value that it is to have. `path` names entries of lists by number, as the configuration's data has them."""

    path: Path
    value: Any
    text: str
    """As a person would write it: ledger.late_sale_hold_s=4.0."""


_BEFORE = "it decides what reaches the journal, so the journal cannot show what it would have changed"
_NOWHERE = "it changes no alarm, so there is nothing to compare"
NOT_SHOWN: dict[tuple[str, ...], str] = {
    ("database",): _NOWHERE,
    ("mqtt",): _NOWHERE,
    ("http",): _NOWHERE,
    ("journal",): _NOWHERE,
    ("privacy",): _BEFORE,
    ("feed",): _BEFORE,
    ("site", "id"): "it is part of every alarm's id, so no alarm would be the same",
    ("site", "counting"): _BEFORE,
    (
        "site",
        "company_prefixes",
    ): "the journal keeps goods that were not ours without their EPC, and never asked the ledger of them",
    ("site", "own_epcs"): "the journal keeps goods that were not ours without their EPC, and never asked the ledger of them",
    ("ledger", "stale_after_s"): _BEFORE,
    ("ledger", "fold_after_days"): _NOWHERE,
    ("ledger", "max_units_per_minute"): _NOWHERE,
    ("ledger", "max_sales_per_minute"): _NOWHERE,
}
"""Keys whose effect a replay cannot show, and why."""


def setting(text: str, data: Mapping[str, Any]) -> Setting:
    """`gate[front].mode=light` -> the setting, in the configuration `data`. Raises ValueError that says how to write it."""
    key, equals, value = text.partition("=")
    parts = [dotted or bracketed for dotted, bracketed in _PART.findall(key.strip())]
    if not equals or not parts or "".join(_PART.split(key.strip())[::3]):
        raise ValueError(f"{text!r}: write KEY=VALUE, like ledger.late_sale_hold_s=4 or gate[front].mode=light")
    if parts[0] in _LISTS and parts[1:] and not data.get(parts[0]):
        raise ValueError(f"{text!r}: the file lists no [[{parts[0]}]]; give the whole list, like rule=[{{use='unpaid'}}]")
    return Setting(_found(parts, data, text), _value(value.strip()), text)


def not_shown(setting: Setting) -> str | None:
    """Why a replay cannot show the effect of a setting; None where it can."""
    names = tuple(part for part in setting.path if isinstance(part, str))
    return next((why for start, why in NOT_SHOWN.items() if names[: len(start)] == start), None)


def applied(data: Mapping[str, Any], settings: Iterable[Setting]) -> tuple[dict[str, Any], list[Found]]:
    """The data with the settings on top, and those that fit nowhere."""
    changed: dict[str, Any] = _copy(dict(data))
    wrong = [problem(one.path, reason, one.value) for one in settings if (reason := _placed(changed, one.path, one.value))]
    return changed, wrong


def value_of(data: Mapping[str, Any], path: Path) -> Any:
    """What stands at `path`; None where nothing does."""
    node: Any = data
    for part in path:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return None
    return node


def fragment(settings: Sequence[Setting], data: Mapping[str, Any]) -> str:
    """The settings as TOML: a table for each section; an entry of a list with the key that it is called by."""
    tables: dict[Path, list[Setting]] = {}
    for one in settings:
        tables.setdefault(one.path[:-1], []).append(one)
    return "\n".join(_table(path, group, data) for path, group in sorted(tables.items(), key=lambda entry: str(entry[0])))


def toml_value(value: Any) -> str:
    """A value as TOML writes it."""
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_bare(str(key))} = {toml_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(toml_value(inner) for inner in value) + "]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """JSON's string, but for the one character that only TOML forbids."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def _found(parts: Sequence[str], data: Mapping[str, Any], text: str) -> Path:
    """The parts with the names of list entries turned into numbers."""
    path: list[str | int] = []
    node: Any = data
    for part in parts:
        if isinstance(node, list):
            place = _place(node, part, text)
            path.append(place)
            node = node[place]
        else:
            path.append(part)
            node = node.get(part) if isinstance(node, Mapping) else None
    return tuple(path)


def _place(entries: Sequence[Any], name: str, text: str) -> int:
    named = [
        next((str(entry[key]) for key in NAMES if key in entry), "") if isinstance(entry, Mapping) else "" for entry in entries
    ]
    if name in named:
        return named.index(name)
    if name.isascii() and name.isdigit() and int(name) < len(entries):
        return int(name)
    raise ValueError(f"{text!r}: no entry is called {name!r}; there are: {', '.join(filter(None, named)) or 'none'}")


def _value(text: str) -> Any:
    """As in the file; a word without quotes is itself."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (tomllib.TOMLDecodeError, KeyError):
        return text


def _placed(data: dict[str, Any], path: Path, value: Any) -> str | None:
    node: Any = data
    for part in path[:-1]:
        if isinstance(node, dict):
            node = node.setdefault(part, {})
        elif isinstance(node, list) and isinstance(part, int) and part < len(node):
            node = node[part]
        else:
            return "lies inside a plain value"
    if not isinstance(node, dict):
        return "names a whole entry of a list; set one of its keys"
    node[path[-1]] = value
    return None


def _table(path: Path, group: Sequence[Setting], data: Mapping[str, Any]) -> str:
    names = [str(part) for part in path if isinstance(part, str)]
    lines: list[str] = []
    for depth in range(1, len(path) + 1):
        if isinstance(path[depth - 1], int):
            entry = value_of(data, path[:depth])
            name = next((key for key in NAMES if isinstance(entry, Mapping) and key in entry), None)
            lines.append(f"[[{'.'.join(part for part in path[:depth] if isinstance(part, str))}]]")
            lines += [] if name is None else [f"{name} = {toml_value(entry[name])}  # this one, which you have already"]
    if not path or not isinstance(path[-1], int):
        lines += [f"[{'.'.join(names)}]"] if names else []
    return "\n".join([*lines, *(f"{_bare(str(one.path[-1]))} = {toml_value(one.value)}" for one in group)]) + "\n"


def _bare(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _quoted(key)


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
