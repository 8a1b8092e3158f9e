"""Environment overrides: RFIDGUARD_MQTT__URL lies over mqtt.url, RFIDGUARD_GATE__0__MODE over gate[0].mode. Pure.

A value that starts with [ or { is read as TOML or JSON; any other is text, and the model of the key makes a number of it.
"""

import json
import tomllib
from collections.abc import Mapping
from typing import Any

from rfidguard.config_lines import Path
from rfidguard.config_problems import Found, problem

PREFIX = "RFIDGUARD_"
NOT_OVERRIDES = frozenset(("RFIDGUARD_CONFIG", "RFIDGUARD_CRASH_AT"))


def overlaid(raw: dict[str, Any], env: Mapping[str, str]) -> tuple[dict[str, Any], dict[Path, str], list[Found]]:
    """`raw` with the overrides of `env` on top, the variable behind each overridden path, and overrides that fit nowhere."""
    data: dict[str, Any] = _copy(raw)
    origins: dict[Path, str] = {}
    wrong: list[Found] = []
    for name in sorted(env):
        if not name.upper().startswith(PREFIX) or name.upper() in NOT_OVERRIDES:
            continue
        path = _path(name)
        origins[path] = name
        reason = _place(data, path, _value(env[name]))
        if reason is not None:
            wrong.append(problem(path, reason, env[name]))
    return data, origins, wrong


def variable_of(origins: Mapping[Path, str], path: Path) -> str | None:
    """The variable that set `path` or something around it."""
    return next((origins[path[:length]] for length in range(len(path), 0, -1) if path[:length] in origins), None)


def _path(name: str) -> Path:
    parts = name[len(PREFIX) :].lower().split("__")
    return tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)


def _value(text: str) -> Any:
    if text[:1] not in ("[", "{"):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        pass
    try:
        return json.loads(text)
    except ValueError:
        return text


def _place(data: dict[str, Any], path: Path, value: Any) -> str | None:
    """Sets `path` in `data`, making tables on the way; returns why it cannot."""
    node: Any = data
    for depth, part in enumerate(path):
        last = depth == len(path) - 1
        if isinstance(node, list):
            if not isinstance(part, int) or part >= len(node):
                return f"names no entry of a list that has {len(node)}; entries are numbered from 0"
            node[part] = value if last else node[part]
            node = node[part]
        elif isinstance(node, dict):
            key = str(part)
            node[key] = value if last else node.get(key, {})
            node = node[key]
        else:
            return "lies inside a plain value"
    return None


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(inner) for key, inner in value.items()}
    return [_copy(inner) for inner in value] if isinstance(value, list) else value
