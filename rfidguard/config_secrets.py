"""Files that `*_file` keys name: secrets and certificates, which never stand in the configuration itself."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rfidguard.config_lines import Path as KeyPath
from rfidguard.config_problems import Found, problem, warning

LIST_KEY = "list_file"
"""A list of items is no secret; config_lists.py reads it."""


def find_file(name: str, folder: Path, env: Mapping[str, str]) -> Path:
    """Where a `*_file` key leads: a credential of that name, else beside the configuration, else the working directory."""
    credentials = env.get("CREDENTIALS_DIRECTORY")
    places = [Path(credentials)] if credentials else []
    found = [place / name for place in (*places, folder, Path.cwd())]
    return next((path.absolute() for path in found if path.is_file()), (folder / name).absolute())


def missing_files(data: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> Iterator[Found]:
    """Files that are named and not there, or not to be read by who is asking."""
    for path, name in _named(data, ()):
        file = find_file(name, folder, env)
        if not file.is_file():
            yield problem(path, f"there is no file {file}; make it, or name a systemd credential", name)
        elif not os.access(file, os.R_OK):
            yield warning(path, f"{file} cannot be read by this user; the daemon's user must be able to")


def with_found_files(data: Mapping[str, Any], folder: Path, env: Mapping[str, str]) -> dict[str, Any]:
    """The data with every `*_file` made absolute."""
    return {key: _found(key, value, folder, env) for key, value in data.items()}


def _found(key: str, value: Any, folder: Path, env: Mapping[str, str]) -> Any:
    if isinstance(value, dict):
        return with_found_files(value, folder, env)
    if isinstance(value, list):
        return [_found("", entry, folder, env) for entry in value]
    return str(find_file(value, folder, env)) if _names_a_file(key, value) else value


def _named(value: Any, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _named(inner, (*path, key))
    elif isinstance(value, list):
        for at, inner in enumerate(value):
            yield from _named(inner, (*path, at))
    elif path and isinstance(path[-1], str) and _names_a_file(path[-1], value) and path[-1] != LIST_KEY:
        yield path, value


def _names_a_file(key: str, value: Any) -> bool:
    return key.endswith("_file") and isinstance(value, str) and bool(value)
