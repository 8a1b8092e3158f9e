"""List files that rules name (`list_file`): read with the configuration, so that a rule opens no file."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rfidguard.config_lines import Path as KeyPath
from rfidguard.config_parts import tables
from rfidguard.config_problems import Found, problem
from rfidguard.config_secrets import LIST_KEY, find_file
from rfidguard.item_list import entries_of, entry

LARGEST_BYTES = 8 * 1024 * 1024
"""Some hundred thousand items; what is larger is not a list."""


def list_problems(data: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> Iterator[Found]:
    """Lists that cannot be read, and the first line of each that names no item."""
    for at, rule in tables(data, "rule"):
        name = rule.get(LIST_KEY)
        if not isinstance(name, str):
            continue
        file = find_file(name, folder, env)
        try:
            text = _text(file)
        except (OSError, UnicodeDecodeError) as error:
            yield problem(
                ("rule", at, LIST_KEY), f"the list {file} cannot be read: {getattr(error, 'strerror', None) or error}", name
            )
            continue
        yield from _bad_entries(text, file, ("rule", at, LIST_KEY))


def with_lists(data: Mapping[str, Any]) -> dict[str, Any]:
    """The data with the entries of every list among its rule's `items`; paths are absolute by now."""
    return {**data, "rule": [_filled(rule) for _, rule in tables(data, "rule")]} if data.get("rule") else dict(data)


def _bad_entries(text: str, file: Path, path: KeyPath) -> Iterator[Found]:
    for number, line in entries_of(text):
        try:
            entry(line)
        except ValueError as error:
            yield problem(path, f"{file}, line {number}: {error}")
            return


def _filled(rule: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(rule.get(LIST_KEY), str):
        return dict(rule)
    listed = [line for _, line in entries_of(_text(Path(rule[LIST_KEY])))]
    return {**rule, "items": [*rule.get("items", ()), *listed]}


def _text(file: Path) -> str:
    if file.stat().st_size > LARGEST_BYTES:
        raise OSError(f"larger than {LARGEST_BYTES // 1024 // 1024} MB")
    return file.read_text("utf-8")
