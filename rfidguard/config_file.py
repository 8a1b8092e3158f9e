"""Reads the one TOML file: overrides from the environment, then every mistake in one go, each said so that it can be mended."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rfidguard import config_cross
from rfidguard.config import Config
from rfidguard.config_env import overlaid, variable_of
from rfidguard.config_lines import Path as KeyPath
from rfidguard.config_lines import line_of, lines_of
from rfidguard.config_lists import list_problems, with_lists
from rfidguard.config_parts import driver_problems, feed_problems, rule_problems
from rfidguard.config_problems import Found, Problem, model_problems
from rfidguard.config_secrets import missing_files, with_found_files
from rfidguard.errors import ConfigError


def load(path: Path, env: Mapping[str, str], *, needs_files: bool = True) -> Config:
    """The configuration in `path` with the overrides in `env`. Paths of `*_file` keys come out absolute.

    They are looked for in $CREDENTIALS_DIRECTORY (systemd), then beside the file, then in the working directory.
    `needs_files` False is for commands that open none of them, so that a shop's file can be used elsewhere.
    Raises ConfigError with one line for each mistake.
    """
    return validated(replace(read(path, env), needs_files=needs_files))


def validated(source: "Source") -> Config:
    """The configuration of what was read, as `load` gives it. Raises ConfigError with one line for each mistake."""
    errors = [str(found) for found in problems(source) if found.level == "error"]
    if errors:
        raise ConfigError(errors)
    return Config.model_validate(with_lists(with_found_files(source.data, source.path.parent, source.env)))


def check(path: Path, env: Mapping[str, str]) -> list[Problem]:
    """Every mistake ("error") and doubt ("warning") about the configuration, in the order of the file."""
    try:
        return problems(read(path, env))
    except Unreadable as error:
        return [error.problem]


class Unreadable(ConfigError):
    """The file cannot be read, or is no TOML."""

    def __init__(self, path: Path, text: str, line: int | None = None) -> None:
        self.problem = Problem("", text, origin=str(path), line=line)
        super().__init__([str(self.problem)])


@dataclass(frozen=True)
class Source:
    """A configuration as written: the text, the data with overrides, and which variable (or --option) overrides what."""

    path: Path
    text: str
    data: dict[str, Any]
    origins: dict[KeyPath, str]
    misplaced: list[Found]
    env: Mapping[str, str]
    needs_files: bool = True


def read(path: Path, env: Mapping[str, str]) -> Source:
    """The file's data, unchecked. Raises Unreadable."""
    try:
        text = path.read_text("utf-8")
        raw = tomllib.loads(text)
    except FileNotFoundError:
        raise Unreadable(path, "there is no such file; name one with --config FILE or $RFIDGUARD_CONFIG") from None
    except OSError as error:
        raise Unreadable(path, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise Unreadable(path, f"is not UTF-8 text (byte {error.start}); save it as UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        at = int(line[1]) if line else text.count("\n") + 1
        raise Unreadable(path, f"is not TOML: {error}", at) from error
    data, origins, misplaced = overlaid(raw, env)
    return Source(path, text, data, origins, misplaced, env)


def problems(source: Source) -> list[Problem]:
    """Everything wrong or doubtful about `source`, each once, in the order of the file."""
    lines = lines_of(source.text)
    placed = [_placed(found, source, lines) for found in dict.fromkeys(_found(source))]
    return sorted(placed, key=lambda found: (found.level == "warning", found.line is None, found.line or 0))


def _found(source: Source) -> Iterator[Found]:
    yield from source.misplaced
    yield from model_problems(Config, source.data)
    yield from driver_problems(source.data)
    yield from rule_problems(source.data)
    yield from feed_problems(source.data)
    yield from config_cross.problems(source.data, from_env=set(source.origins))
    yield from list_problems(source.data, source.path.parent, source.env)
    if source.needs_files:
        yield from missing_files(source.data, source.path.parent, source.env)


def _placed(found: Found, source: Source, lines: dict[KeyPath, int]) -> Problem:
    path, what = found
    variable = variable_of(source.origins, path)
    if variable is not None:
        return replace(what, origin=variable if variable.startswith("--") else f"${variable}")
    return replace(what, origin=str(source.path), line=line_of(lines, path))
