"""Where in a TOML text a key stands: dotted paths to line numbers, for messages to people. Pure."""

import re
import tomllib
from typing import Any

Path = tuple[str | int, ...]
"""A place in the configuration: ("gate", 0, "reader", 1, "port")."""

_OPAQUE = re.compile(
    r'"""(?:\\.|[^\\])*?"""|\'\'\'.*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'|#[^\n]*',
    re.DOTALL,
)


def lines_of(text: str) -> dict[Path, int]:
    """Every table and key of a valid TOML text -> its line, from 1."""
    found: dict[Path, int] = {}
    arrays: dict[Path, int] = {}
    table: Path = ()
    for number, shape, line in _statements(text):
        if shape.startswith("["):
            table = _header_path(shape, line, arrays)
            found.setdefault(table, number)
        elif "=" in shape:
            keys = _keys(line[: shape.index("=")])
            for length in range(1, len(keys) + 1):
                found.setdefault(table + keys[:length], number)
    return found


def line_of(lines: dict[Path, int], path: Path) -> int | None:
    """The line of `path`, or of the nearest thing around it that stands in the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return None


def dotted(path: Path) -> str:
    """("gate", 0, "reader", 1, "port") -> "gate[0].reader[1].port"."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text or "(the file)"


def _statements(text: str) -> list[tuple[int, str, str]]:
    """(line number, the statement with strings and comments blanked out, the statement as it stands) of each first line."""
    shape = _OPAQUE.sub(_blank, text)
    found = []
    depth = 0
    for number, (blanked, line) in enumerate(zip(shape.split("\n"), text.split("\n"), strict=True), 1):
        if depth == 0 and blanked.strip():
            indent = len(blanked) - len(blanked.lstrip())
            found.append((number, blanked[indent:], line[indent:]))
            if not blanked.lstrip().startswith("["):
                depth = _depth(blanked.partition("=")[2])
        elif depth:
            depth += _depth(blanked)
    return found


def _blank(match: re.Match[str]) -> str:
    filler = " " if match.group().startswith("#") else "_"
    return "".join("\n" if character == "\n" else filler for character in match.group())


def _depth(shape: str) -> int:
    return sum((character in "[{") - (character in "]}") for character in shape)


def _header_path(shape: str, line: str, arrays: dict[Path, int]) -> Path:
    """The full path of "[a.b]" or "[[a.b]]", counting arrays of tables up in `arrays`."""
    of_array = shape.startswith("[[")
    keys = _keys(line[2 : shape.rindex("]]")] if of_array else line[1 : shape.rindex("]")])
    path: Path = ()
    for key in keys[:-1]:
        path = _latest((*path, key), arrays)
    path = (*path, keys[-1])
    if of_array:
        arrays[path] = arrays.get(path, -1) + 1
    return _latest(path, arrays)


def _latest(path: Path, arrays: dict[Path, int]) -> Path:
    return (*path, arrays[path]) if path in arrays else path


def _keys(text: str) -> tuple[str, ...]:
    """'a."b c".d' -> ("a", "b c", "d")."""
    found: list[str] = []
    node: Any = tomllib.loads(f"{text.strip()} = 0")
    while isinstance(node, dict):
        key, node = next(iter(node.items()))
        found.append(key)
    return tuple(found)
