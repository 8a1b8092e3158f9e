"""Simulated scenes on disk, so that a change of the program is measured again without simulating again.

A scene lies in a folder named after suite, seed and a fingerprint of the simulator's sources: after a change of the simulator
it is made anew. Each folder holds what `rfidguard simulate` writes, the journal packed.
"""

import hashlib
import json
import os
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from rfidguard.events import Event
from rfidguard.journal import HEADER, encode_line
from rfidguard.journal_dir import pack
from rfidguard.journal_files import events_in
from simulators.scenario import Scene


@dataclass(frozen=True)
class Played:
    """What a run needs of a scene: the journal's events, truth.json's content, the configuration's text."""

    events: list[Event]
    truth: dict[str, Any]
    config_text: str


def played(scene: Scene) -> Played:
    """A scene as a run takes it."""
    return Played(scene.events, scene.truth, scene.config_text)


def cached(folder: Path | None, name: str, make: Callable[[], Scene]) -> Played:
    """The scene called `name`: from `folder` if it is there, else made, and kept there. None keeps nothing."""
    if folder is None:
        return played(make())
    place = folder / f"{name}-{fingerprint()}"
    if not place.is_dir():
        _keep(place, make())
    return _load(place)


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Eight hex digits that change with the simulator's sources."""
    root = Path(str(files("simulators")))
    digest = hashlib.sha256()
    for path in sorted([*root.glob("*.py"), *root.glob("scenarios/*.toml")]):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:8]


def _keep(place: Path, scene: Scene) -> None:
    """Appears whole or not at all; where another process was first, its copy stays."""
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".new-") as fresh:
        folder = Path(fresh) / place.name
        folder.mkdir()
        with (folder / "journal.jsonl").open("wb") as journal:
            journal.write(HEADER)
            journal.writelines(encode_line(event) for event in scene.events)
        pack(folder / "journal.jsonl", threading.Event())
        (folder / "truth.json").write_text(json.dumps(scene.truth), "utf-8")
        (folder / "rfidguard.toml").write_text(scene.config_text, "utf-8")
        try:
            os.replace(folder, place)
        except OSError:
            if not place.is_dir():
                raise


def _load(place: Path) -> Played:
    refused: Counter[str] = Counter()
    events = list(events_in([place / "journal.jsonl.zst"], refused))
    if refused:
        raise ValueError(f"{place}: lines refused: {dict(refused)}; delete this folder to have it made again")
    truth = json.loads((place / "truth.json").read_text("utf-8"))
    return Played(events, truth, (place / "rfidguard.toml").read_text("utf-8"))
