"""Mistakes in a configuration, in words: where, what was given, what is allowed, and the nearest known key. Pure."""

import difflib
import json
import re
import types
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, Tag, ValidationError
from pydantic_core import ErrorDetails

from rfidguard.config_lines import Path, dotted

_PATTERNS = {
    r"^[a-z0-9-]+$": "small letters, digits and dashes",
    r"^[0-9]{4,14}$": "4 to 14 digits",
    r"^[0-9A-Fa-f]+$": "hex digits",
    r"^mqtts?://[^/\s]+$": "mqtt://HOST:PORT, or mqtts://HOST:PORT for TLS",
    r"^[^+#\s/]+(/[^+#\s/]+)*$": "topic levels without + # and spaces, like rfidguard",
    r"^(\[[0-9a-fA-F:]+\]|[^:\s]+):[0-9]{1,5}$": "HOST:PORT, like 127.0.0.1:8080 or [::1]:8080",
    r"^[A-Z]{3}$": "a currency code of three capital letters, like EUR",
    r"^\d\d:\d\d-\d\d:\d\d$": 'a span "HH:MM-HH:MM", like "08:00-20:00"',
}
_TYPES = (
    ("string", "a string in quotes"),
    ("int", "a whole number"),
    ("float", "a number"),
    ("bool", "true or false"),
    ("tuple", 'a list, like ["…"] (a list of tables is written [[…]])'),
    ("list", 'a list, like ["…"]'),
    ("model_type", "a table of keys"),
    ("model_attributes", "a table of keys"),
    ("dict", "a table of keys, like { 1 = … }"),
    ("path", "the path of a file, in quotes"),
    ("finite", "a finite number"),
)
_BOUNDS = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))
_MISSING = object()


@dataclass(frozen=True)
class Problem:
    """One mistake (`level` "error") or doubt ("warning"). `origin` is the file, or the environment variable that overrides."""

    key: str
    text: str
    given: str | None = None
    allowed: str | None = None
    nearest: str | None = None
    level: str = "error"
    origin: str = ""
    line: int | None = None

    def __str__(self) -> str:
        place = self.origin if self.line is None else f"{self.origin}:{self.line}"
        parts = [self.text]
        if self.given is not None:
            parts.append(f"given: {self.given}")
        if self.allowed is not None:
            parts.append(f"allowed: {self.allowed}")
        if self.nearest is not None:
            parts.append(f"did you mean {self.nearest}?")
        mark = "warning: " if self.level == "warning" else ""
        key = f"{self.key}: " if self.key else ""
        return f"{place}: {mark}{key}{'; '.join(parts)}"


HIDDEN = "(not shown: it may hold a password)"
_SECRET = re.compile(r"pass(word|wd|phrase)|token(?!_file)|secret|credential", re.IGNORECASE)

Found = tuple[Path, Problem]
"""A problem and the place in the data that it is about."""


def problem(path: Path, text: str, given: object = _MISSING, allowed: Iterable[str] | str | None = None) -> Found:
    """An error at `path`. `allowed` as a collection of words also yields the nearest one to what was given."""
    words = allowed if isinstance(allowed, str) or allowed is None else ", ".join(allowed)
    near = None if isinstance(allowed, str) or allowed is None else nearest(str(given), allowed)
    told = None if given is _MISSING else _told(path, given)
    return path, Problem(dotted(path), text, told, words or None, near)


def warning(path: Path, text: str) -> Found:
    """A doubt at `path`; it does not fail a check."""
    return path, Problem(dotted(path), text, level="warning")


def shown(value: object) -> str:
    """A value as a person wrote it, cut to a readable length."""
    try:
        text = json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError):
        text = str(value)
    return text if len(text) <= 80 else f"{text[:77]}…"


def nearest(given: str, known: Iterable[str]) -> str | None:
    """The known word most like `given`, in whatever case; None where none is like it."""
    by_small = {word.lower(): word for word in known}
    close = difflib.get_close_matches(given.lower(), by_small, n=1, cutoff=0.5)
    return by_small[close[0]] if close else None


def model_problems(model: type[BaseModel], data: object, at: Path = (), also: Iterable[str] = ()) -> Iterator[Found]:
    """Every mistake of `data` as an input of `model`. `also` are keys that stand beside the model's own."""
    try:
        model.model_validate(data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        for item in details:
            if not _is_shadow(item, details):
                yield _worded(item, model, data, at, tuple(also))


def _told(path: Path, given: object) -> str:
    """`given` as it was written, unless it may hold a password: at a key of that name, or in an address with a login."""
    key = str(path[-1]) if path else ""
    named = _SECRET.search(key) is not None and not key.endswith("_file")
    return HIDDEN if named or "@" in str(given) or _SECRET.search(str(given)) else shown(given)


def _is_shadow(item: ErrorDetails, details: list[ErrorDetails]) -> bool:
    """True for the branches of a choice that the writer did not mean: a table where a word stands, or the other way round."""
    loc = item["loc"]
    if not loc or not isinstance(loc[-1], str):
        return False
    is_table = isinstance(item["input"], Mapping)
    siblings = [other for other in details if other is not item and other["loc"][: len(loc) - 1] == loc[:-1]]
    if loc[-1].startswith("literal["):
        return is_table and bool(siblings)
    return item["type"] == "model_type" and not is_table and any("literal[" in str(o["loc"][-1]) for o in siblings)


def _worded(item: ErrorDetails, model: type[BaseModel], data: object, at: Path, also: tuple[str, ...]) -> Found:
    path = at + tuple(_place(item, data))
    kind = item["type"]
    if kind == "extra_forbidden":
        known = (*keys_at(model, item["loc"][:-1]), *also)
        text = f"unknown key; known keys here: {', '.join(sorted(known))}"
        return path, Problem(dotted(path), text, _told(path, item["input"]), None, nearest(str(path[-1]), known))
    if kind == "missing":
        return path, Problem(dotted(path), "missing; this key is needed", None, _kind_words(model, item["loc"]))
    allowed = _allowed(item)
    choices = re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected", "")))
    near = nearest(str(item["input"]), choices) if isinstance(item["input"], str) else None
    text = _refusal(item) if allowed is None else "bad key" if item["loc"][-1] == "[key]" else "bad value"
    return path, Problem(dotted(path), text, _told(path, item["input"]), allowed, near)


def _place(item: ErrorDetails, data: object) -> Iterator[int | str]:
    """The path in the writer's own data: pydantic's marks for the branch of a choice and for keys are left out."""
    *around, last = item["loc"] or ("",)
    node = data
    for part in around:
        if _holds(node, part):
            yield part
            node = node[part]  # type: ignore[index]
    if last and (_holds(node, last) or item["type"] == "missing"):
        yield last


def _holds(node: object, part: int | str) -> bool:
    if isinstance(node, Mapping):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


def _refusal(item: ErrorDetails) -> str:
    """The text of a validator of ours; it says itself what is allowed."""
    return item["msg"].removeprefix("Value error, ")


def _allowed(item: ErrorDetails) -> str | None:
    """What would have been right, in words; None where the message itself says so."""
    context = item.get("ctx", {})
    if "expected" in context:
        return str(context["expected"]).replace("'", '"')
    if "pattern" in context:
        return _PATTERNS.get(context["pattern"], f"text like {context['pattern']}")
    bounds = [f"{words} {context[name]}" for name, words in _BOUNDS if name in context]
    if "max_length" in context:
        bounds.append(f"at most {context['max_length']} long")
    if "min_length" in context:
        bounds.append(f"at least {context['min_length']} long")
    if bounds:
        return ", ".join(bounds)
    return next((words for start, words in _TYPES if item["type"].startswith(start)), None)


def keys_at(model: type[BaseModel], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """The keys that the table at `loc` of `model` knows."""
    found = [member for member in _members(_at(model, loc)) if isinstance(member, type) and issubclass(member, BaseModel)]
    return tuple(key for member in found for key in _field_names(member))


def _at(model: type[BaseModel], loc: tuple[int | str, ...]) -> Any:
    """The annotation at a place that pydantic names, branches of choices included."""
    annotation: Any = model
    for part in loc:
        branches = _branches(annotation)
        annotation = branches[part] if part in branches else _inside(annotation, part)
    return annotation


def _field_names(model: type[BaseModel]) -> tuple[str, ...]:
    return tuple(field.alias or name for name, field in model.model_fields.items())


def _kind_words(model: type[BaseModel], loc: tuple[int | str, ...]) -> str | None:
    choices = [choice for member in _members(_at(model, loc)) for choice in get_args(member) if isinstance(choice, str)]
    return ", ".join(choices) or None


def _inside(annotation: Any, part: int | str) -> Any:
    """The annotation of `part` within `annotation`: a field of a model, an element of a list, a value of a dictionary."""
    for member in _members(annotation):
        if isinstance(member, type) and issubclass(member, BaseModel):
            for name, field in member.model_fields.items():
                if part in (name, field.alias):
                    return field.annotation
        origin = get_origin(member)
        if origin in (tuple, list) and isinstance(part, int):
            return get_args(member)[0]
        if origin is dict:
            return get_args(member)[1]
    return None


def _members(annotation: Any) -> list[Any]:
    """The choices of a union, else the annotation alone; Annotated peeled off."""
    if hasattr(annotation, "__metadata__"):
        return _members(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in _members(member)]
    return [annotation]


def _branches(annotation: Any) -> dict[int | str, Any]:
    """The choices of a union by the names that pydantic gives them: that of the class, or a tag."""
    if get_origin(annotation) not in (Union, types.UnionType):
        return {}
    named: dict[int | str, Any] = {}
    for member in get_args(annotation):
        tags = [mark.tag for mark in getattr(member, "__metadata__", ()) if isinstance(mark, Tag)]
        named |= dict.fromkeys(tags, member)
        named |= {inner.__name__: inner for inner in _members(member) if isinstance(inner, type)}
    return named
