"""Profiles of line-based pedestals: one declarative TOML file per way of speaking, and the model that reads it.

No vendor's wire format is claimed here: where none is published the file says `evidence = "assumed"` and its name starts with
`assumed_`. A site's own file is named by its path. The decoder is drivers/eas_lines.py.
"""

import re
import tomllib
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from drivers.contacts import EasKind

Parity = Literal["N", "E", "O", "M", "S"]
StopBits = Literal[1, 2]
ByteSize = Literal[5, 6, 7, 8]
Baud = Annotated[int, Field(ge=50, le=4_000_000)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class LineRule(_Part):
    """One line the pedestal may send: `match` (the whole line, stripped) -> exactly one of `kind`, `count` and `ignore`."""

    match: str
    kind: EasKind | None = None
    count: Literal["in", "out", "unknown"] | None = None
    """People passed: as many as the named group `people` says, else one."""
    ignore: bool = False
    """Known and of no interest: banners, heartbeats."""
    say: tuple[str, ...] = ()
    """Examples: they must match this rule and no earlier one. The simulator speaks the first."""

    @field_validator("match")
    @classmethod
    def _compiles(cls, match: str) -> str:
        try:
            re.compile(match)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from error
        return match

    @model_validator(mode="after")
    def _one_meaning(self) -> Self:
        if (self.kind is not None) + (self.count is not None) + self.ignore != 1:
            raise ValueError("a line needs exactly one of kind, count and ignore = true")
        return self


class Checksum(_Part):
    """Hex digits after the last `mark`, over the bytes before it: xor8 and sum8 two digits, crc16_modbus four."""

    kind: Literal["xor8", "sum8", "crc16_modbus"]
    mark: Annotated[str, Field(min_length=1, max_length=1)] = "*"


class Profile(_Part):
    """How one make of pedestal speaks."""

    about: str
    evidence: Literal["assumed", "documented"] = "assumed"
    """documented: `about` names the public document."""
    encoding: Literal["ascii", "latin-1", "utf-8"] = "ascii"
    end: Annotated[str, Field(min_length=1, max_length=4)] = "\r\n"
    """Each of these characters ends a line; the simulator sends them all."""
    start: Annotated[str, Field(max_length=1)] = ""
    """A line begins after the last of this character; what stands before it is noise. Empty: at its first byte."""
    ignore_case: bool = True
    max_bytes: Annotated[int, Field(ge=8, le=4096)] = 256
    """A longer line is dropped whole and counted."""
    baud: Baud = 9600
    bytesize: ByteSize = 8
    parity: Parity = "N"
    stopbits: StopBits = 1
    checksum: Checksum | None = None
    line: Annotated[tuple[LineRule, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _examples_hold(self) -> Self:
        for rule in self.line:
            for example in rule.say:
                if self.rule_for(example) is not rule:
                    raise ValueError(
                        f"the example {example!r} is not matched by its own line {rule.match!r}, or by an earlier one"
                    )
        return self

    def rule_for(self, text: str) -> LineRule | None:
        """The first rule that matches the whole of `text`."""
        flags = re.IGNORECASE if self.ignore_case else 0
        return next((rule for rule in self.line if re.fullmatch(rule.match, text, flags)), None)


def profile_names() -> list[str]:
    """The profiles that come with rfidguard."""
    names = (entry.name for entry in resources.files(__name__).iterdir())
    return sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml"))


@lru_cache(maxsize=64)
def load_profile(name: str) -> Profile:
    """The profile called `name`, or the file at that path (with a slash, or ending in .toml). Raises ValueError: what to mend."""
    if "/" not in name and not name.endswith(".toml"):
        if name not in profile_names():
            known = ", ".join(profile_names())
            raise ValueError(f"no pedestal profile is called {name!r}; known: {known}, or the path of a .toml file")
        return read_profile(resources.files(__name__).joinpath(f"{name}.toml").read_text("utf-8"), name)
    try:
        return read_profile(Path(name).read_text("utf-8"), name)
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"the pedestal profile {name} cannot be read: {error}") from error


def read_profile(text: str, name: str) -> Profile:
    """A profile from its TOML text. Raises ValueError that names every mistake and where it is."""
    try:
        return Profile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{name}: not TOML: {error}") from error
    except ValidationError as error:
        raise ValueError("; ".join(f"{name}: {_place(found['loc'])}: {found['msg']}" for found in error.errors())) from error


def _place(parts: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in parts) or "profile"
