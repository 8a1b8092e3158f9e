"""The scene that figures are made on: a busy front, simulated once and kept in .cache/bench, its reads, and more of them."""

import gzip
import random
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import zstandard
from msgspec.structs import replace

from rfidguard.events import Event, Ledger, Read
from rfidguard.journal import HEADER, encode_line
from rfidguard.journal_files import events_in
from simulators.scenario import build

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache" / "bench"
SCENES = ROOT / "benchmarks" / "scenes"


def made(name: str = "front", seed: int = 1) -> Path:
    """A folder with journal.jsonl and rfidguard.toml of `scenes/NAME.toml`."""
    folder = CACHE / f"{name}-{seed}"
    journal = folder / "journal.jsonl"
    if not journal.exists():
        folder.mkdir(parents=True, exist_ok=True)
        scene = build(str(SCENES / f"{name}.toml"), seed)
        (folder / "rfidguard.toml").write_text(scene.config_text)
        unfinished = journal.with_suffix(".part")
        unfinished.write_bytes(HEADER + b"".join(map(encode_line, scene.events)))
        unfinished.rename(journal)
    return folder


def events(folder: Path) -> list[Event]:
    """What happens in the scene, in order."""
    return list(events_in([folder / "journal.jsonl"], Counter()))


def gate_config(folder: Path) -> dict[str, Any]:
    """The one gate of the scene's configuration."""
    config = tomllib.loads((folder / "rfidguard.toml").read_text())
    (gate,) = config["gate"]
    return dict(gate)


def repeated(scene: list[Event], times: int, gap_s: float = 30.0) -> Iterator[Event]:
    """The scene again and again, each time with other people's goods: what is carried has new serials, shelves stay."""
    first, last = scene[0].at, max(event.at for event in scene)
    shelf = {
        epc for epc, reads in Counter(e.epc for e in scene if isinstance(e, Read)).items() if reads > 20 * (last - first) / 60
    }
    for turn in range(times):
        for event in scene:
            yield _moved(event, turn, turn * (last - first + gap_s), shelf)


def _moved(event: Event, turn: int, by_s: float, shelf: set[str]) -> Event:
    times: dict[str, Any] = {"at": event.at + by_s}
    if event.received is not None:
        times["received"] = event.received + by_s
    if isinstance(event, Read | Ledger) and event.epc is not None and event.epc not in shelf:
        times["epc"] = f"{int(event.epc, 16) ^ turn << 12:0{len(event.epc)}X}"
    if isinstance(event, Ledger):
        times["id"] = f"{event.id}~{turn}"
    return replace(event, **times)


def write(path: Path, lines: Iterable[Event]) -> int:
    """A journal, packed where its name says so. Returns its reads."""
    reads = 0
    with _opened(path) as file:
        file.write(HEADER)
        for event in lines:
            reads += isinstance(event, Read)
            file.write(encode_line(event))
    return reads


def _opened(path: Path) -> Any:
    if path.suffix == ".gz":
        return gzip.open(path, "wb", compresslevel=6)
    if path.suffix == ".zst":
        return zstandard.open(path, "wb")
    return path.open("wb")


def standing(tags: int, rate: float, seconds: float, *, gate: str, reader: str, antennas: int, seed: int = 1) -> Iterator[Read]:
    """`tags` own goods that stand in view, read `rate` times a second in all, phase and level with a reader's noise."""
    rng = random.Random(seed)
    start = 1_790_000_000.0
    shelf = [(f"3034257BF4{tag + 1:014X}", rng.uniform(-72, -48), rng.uniform(0, 6.28)) for tag in range(tags)]
    for number in range(int(rate * seconds)):
        epc, level, phase = shelf[number % tags]
        antenna = 1 + number // tags % antennas
        at = round(start + number / rate, 6)
        yield Read(
            at=at,
            gate=gate,
            reader=reader,
            antenna=antenna,
            epc=epc,
            rssi_dbm=round(level + 2 * antenna + rng.gauss(0, 0.5), 2),
            phase_rad=(phase + antenna + rng.gauss(0, 0.05)) % 6.283,
            channel=1 + int(at - start) % 4,
        )
