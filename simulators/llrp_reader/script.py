"""What happens to a simulated reader by script: changes at inputs and faults, each at its second after the first inventory.

A fault file is TOML, one table per fault; without `at` it is so from the start:
    [[fault]]
    at = 10.0
    do = "silent"        # or any other name of FAULTS
    seconds = 5.0        # how long; absent = for ever
"""

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from rfidguard.errors import ConfigError
from simulators.llrp_reader.faults import UNKNOWN_PARAMETERS
from simulators.llrp_reader.numbers import Message, Status
from simulators.llrp_reader.reader import SimReader

LASTING = (
    "refuse", "silent", "keepalive_off", "stays_ended", "year_1970", "no_utc", "omit_unchanged", "duplicate", "unknown_message",
    "short_parameter", "dribble", "clock_offset", "unknown_parameter", "error", "no_answer",
)  # fmt: skip
ONCE = ("drop", "reboot", "antenna", "overflow", "exception", "input")
FAULTS = LASTING + ONCE
_NEEDS = {
    "clock_offset": ("offset_s",),
    "error": ("message",),
    "no_answer": ("message",),
    "antenna": ("port", "connected"),
    "input": ("port", "high"),
}
_LEVELS = {"high": True, "1": True, "low": False, "0": False}


class FaultLine(BaseModel):
    """One fault of a script."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    do: str
    at: float | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, ge=0)
    torn: bool = False
    keep_specs: bool = False
    port: int | None = None
    connected: bool | None = None
    high: bool | None = None
    tags: int = 1
    text: str = "ordered by script"
    message: str | None = None
    code: int = Status.M_PARAMETER_ERROR
    kind: str = "tv"
    offset_s: float | None = None
    bytes: int = Field(default=7, ge=1)
    gap_s: float = Field(default=0.002, gt=0)

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.do not in FAULTS:
            raise ValueError(f"`do` is one of {', '.join(FAULTS)}, not {self.do!r}")
        missing = [name for name in _NEEDS.get(self.do, ()) if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{self.do} needs {' and '.join(missing)}")
        if self.message is not None and self.message not in Message.__members__:
            raise ValueError(f"`message` is the name of an LLRP message such as ADD_ROSPEC, not {self.message!r}")
        if self.kind not in UNKNOWN_PARAMETERS or self.code not in set(Status):
            raise ValueError(f"`kind` is one of {', '.join(UNKNOWN_PARAMETERS)}, `code` a status code of LLRP such as 100")
        return self


def load_faults(path: Path) -> list[FaultLine]:
    """The faults of a TOML file. Raises ConfigError with every mistake in it."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError([f"{path}: cannot be read: {error.strerror or error}"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError([f"{path}: no TOML: {error}"]) from error
    entries = tables.get("fault")
    if not isinstance(entries, list) or set(tables) != {"fault"}:
        raise ConfigError([f"{path}: a fault script is a list of [[fault]] tables and nothing else"])
    return _validated(entries, lambda number: f"{path}: fault {number}")


def parse_fault(text: str) -> FaultLine:
    """One fault as an option: "10:silent,seconds=5" or, from the start, "no_utc". Raises ConfigError."""
    head, *settings = text.split(",")
    at, colon, do = head.rpartition(":")
    try:
        entry = tomllib.loads("\n".join(settings)) | {"do": do} | ({"at": float(at)} if colon else {})
    except ValueError as error:
        raise ConfigError([f"--fault {text!r}: not of the form SECOND:NAME,key=value,…: {error}"]) from error
    return _validated([entry], lambda _: f"--fault {text!r}")[0]


def parse_inputs(text: str) -> list[FaultLine]:
    """Changes at inputs: "2.0:1=high,3.0:1=low" (second:pin=level), or "2=high" from the start. Raises ConfigError."""
    lines = []
    for part in filter(None, text.split(",")):
        at, colon, change = part.strip().rpartition(":")
        pin, _, level = change.partition("=")
        try:
            lines.append(
                FaultLine(do="input", at=float(at) if colon else None, port=int(pin), high=_LEVELS[level.strip().lower()])
            )
        except (ValueError, KeyError) as error:
            raise ConfigError([f"--gpi {part!r}: not of the form SECOND:PIN=high|low, for example 2.0:1=high"]) from error
    return lines


def install(lines: list[FaultLine], reader: SimReader) -> None:
    """Plans every line on the reader. Call it before the reader starts."""
    for line in lines:
        if line.at is None:
            reader.call(_action(line, reader))
        else:
            reader.at(line.at, _action(line, reader))
        if line.do in LASTING and line.seconds is not None:
            reader.at((line.at or 0.0) + line.seconds, _healing(line, reader))


def _validated(entries: list[Any], place: Callable[[int], str]) -> list[FaultLine]:
    problems, lines = [], []
    for number, entry in enumerate(entries, 1):
        try:
            lines.append(FaultLine.model_validate(entry))
        except ValidationError as error:
            for mistake in error.errors():
                key = ".".join(map(str, mistake["loc"]))
                problems.append(f"{place(number)}: {key + ': ' if key else ''}{mistake['msg'].removeprefix('Value error, ')}")
    if problems:
        raise ConfigError(problems)
    return lines


def _action(line: FaultLine, reader: SimReader) -> Callable[[], None]:
    faults, port = reader.faults, line.port or 0
    once: dict[str, Callable[[], None]] = {
        "drop": lambda: faults.drop(line.torn),
        "reboot": lambda: faults.reboot(1.0 if line.seconds is None else line.seconds, line.keep_specs),
        "antenna": lambda: faults.antenna(port, bool(line.connected)),
        "overflow": lambda: faults.overflow(line.tags),
        "exception": lambda: faults.exception(line.text),
        "input": lambda: reader.set_input(port, bool(line.high)),
        "error": lambda: faults.error_for(Message[line.message or ""], line.code),
        "no_answer": lambda: faults.no_answer_to(Message[line.message or ""]),
    }
    return once[line.do] if line.do in once else lambda: faults.set(**_state(line))


def _state(line: FaultLine) -> dict[str, Any]:
    match line.do:
        case "dribble":
            return {"dribble": (line.bytes, line.gap_s)}
        case "clock_offset":
            return {"clock_offset_s": line.offset_s}
        case "unknown_parameter":
            return {"unknown_parameter": line.kind}
        case _:
            return {line.do: True}


def _healing(line: FaultLine, reader: SimReader) -> Callable[[], None]:
    if line.do in ("error", "no_answer"):
        return lambda: reader.faults.set(errors={}, unanswered=set())
    healthy = {"dribble": None, "clock_offset_s": 0.0, "unknown_parameter": None}
    (name,) = _state(line)
    return lambda: reader.faults.set(**{name: healthy.get(name, False)})
