"""A scenario file (TOML) as a whole: read, checked, every mistake named."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Self

from pydantic import Field, ValidationError, model_validator

from rfidguard.errors import ConfigError
from simulators.scenario_parts import Answer, Antenna, Article, DoorLeaf, Fault, Order, Part, Person, RandomPeople, Shelf, Store


class ScenarioFile(Part):
    """One scenario. Times are seconds from its start."""

    name: str = "scenario"
    about: str = ""
    seconds: Annotated[float, Field(gt=0, le=86_400)] | None = None
    store: Store = Store()
    article: tuple[Article, ...] = ()
    antenna: tuple[Antenna, ...] = ()
    door: tuple[DoorLeaf, ...] = ()
    fault: tuple[Fault, ...] = ()
    command: tuple[Order, ...] = ()
    shelf: tuple[Shelf, ...] = ()
    person: tuple[Person, ...] = ()
    answer: tuple[Answer, ...] = ()
    random: RandomPeople | None = None

    @model_validator(mode="after")
    def _names_are_sound(self) -> Self:
        """Ids are unique in their section, and answers name a person."""
        for section in ("article", "shelf", "person"):
            ids = [part.id for part in getattr(self, section)]
            twice = sorted({name for name in ids if ids.count(name) > 1})
            if twice:
                raise ValueError(f"{section}: more than one is called {', '.join(twice)}")
        strangers = sorted({answer.to for answer in self.answer} - {person.id for person in self.person})
        if strangers:
            raise ValueError(f"answer.to: no person is called {', '.join(strangers)}")
        return self


def builtin_names() -> tuple[str, ...]:
    """The scenarios that come with the program."""
    folder = files("simulators") / "scenarios"
    return tuple(sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml")))


def read_scenario(name_or_path: str) -> ScenarioFile:
    """A built-in by name, else a file by path. Raises ConfigError with one line for each mistake."""
    if name_or_path in builtin_names():
        return parse_scenario((files("simulators") / "scenarios" / f"{name_or_path}.toml").read_text("utf-8"), name_or_path)
    path = Path(name_or_path)
    if not path.is_file():
        known = ", ".join(builtin_names())
        raise ConfigError([f"no scenario is called {name_or_path!r} and no such file exists; built in: {known}"])
    return parse_scenario(path.read_text("utf-8"), str(path))


def parse_scenario(text: str, source: str) -> ScenarioFile:
    """TOML text -> the scenario. `source` stands in the messages. Raises ConfigError."""
    try:
        return ScenarioFile.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([f"{source}: not TOML: {error}"]) from error
    except ValidationError as error:
        raise ConfigError([_problem(source, dict(found)) for found in error.errors()]) from error


def _problem(source: str, found: dict[str, object]) -> str:
    place = found["loc"] if isinstance(found["loc"], tuple) else ()
    where = ".".join(str(part) for part in place)
    if not where:
        return f"{source}: {found['msg']}"
    return f"{source}: {where}: {found['msg']} (given: {str(found['input'])[:80]})"
