"""LLRP bytes to tags: rfidguard beside sllurp, llrpkit and pyllrp, on the same bytes, in interleaved runs.

    python -m benchmarks.decode [--rounds 9] [--tags 2000]

Peers are installed into .cache/peers by the first run, each in its own environment. Before anything is timed every decoder must
give the same fields for every tag.
"""

import argparse
import json
import os
import statistics
import struct
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.table import write_grid
from tests import peers

ROOT = Path(__file__).resolve().parents[1]
WORKER = ROOT / "benchmarks" / "decode_worker.py"
STAMP_US = 1_790_000_000_000_000
IMPINJ = 25882
TAGS_IN_VIEW = 300
SLOW = 10
"""pyllrp gets a tenth of the messages: it would take most of the time."""


def cases(tags: int) -> dict[str, list[bytes]]:
    """Messages by case: kind of tag, and tags a report."""
    made = {}
    for size in (1, 10, 100):
        for kind in ("plain", "Impinj"):
            made[f"{kind}, {size}"] = _messages(tags, size, (kind,))
    return made | {"mixed, 10": _messages(tags, 10, ("plain", "Impinj", "long"))}


def _messages(tags: int, size: int, kinds: tuple[str, ...]) -> list[bytes]:
    reports = []
    for start in range(0, tags, size):
        body = b"".join(_tag(number, kinds[number % len(kinds)]) for number in range(start, start + size))
        reports.append(struct.pack("!HII", 1 << 10 | 61, 10 + len(body), start) + body)
    return reports


def _tag(number: int, kind: str) -> bytes:
    """A TagReportData as readers send it. `long`: a 198-bit EPC, which takes another parameter."""
    who, at = number % TAGS_IN_VIEW, STAMP_US + number * 1000
    epc = struct.pack("!B12s", 0x8D, b"\x30\x34\x25" + who.to_bytes(9, "big"))
    if kind == "long":
        epc = struct.pack("!HHH26s", 241, 32, 208, b"\x36\x34\x25" + who.to_bytes(23, "big"))
    body = epc + struct.pack("!BHBbBHBQBQBH", 0x81, 1 + who % 2, 0x86, -60 + number % 9, 0x87, 3, 0x82, at, 0x84, at, 0x88, 1)
    if kind == "Impinj":
        body += struct.pack("!HHIIh", 1023, 14, IMPINJ, 57, -6000 + number % 900)
        body += struct.pack("!HHIIH", 1023, 14, IMPINJ, 56, number * 37 % 4096)
    return struct.pack("!HH", 240, 4 + len(body)) + body


class Worker:
    """One decoder in a process of its own."""

    def __init__(self, name: str, python: Path | str, made: Path) -> None:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        if name.startswith("rfidguard"):
            environment["PYTHONPATH"] = str(ROOT)
        self._process = subprocess.Popen(
            [str(python), str(WORKER), name, str(made)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def ask(self, what: str) -> Any:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(what + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline() or "null")

    def close(self) -> None:
        self._process.communicate()


def agreed(answers: Mapping[str, list[list[list[Any]]]], case: str) -> None:
    """Every decoder gave the same for every tag, as far as it tells."""
    truth = answers["sllurp"]
    for name, told in answers.items():
        for message, (theirs, ours) in enumerate(zip(truth, told, strict=False)):
            for sought, found in zip(sorted(theirs), sorted(ours), strict=True):
                if any(value is not None and value != other for value, other in zip(found, sought, strict=True)):
                    raise SystemExit(f"{case}, message {message}: {name} says {found}, sllurp {sought}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tags", type=int, default=2000)
    given = parser.parse_args()
    pythons: dict[str, Path | str] = {
        "rfidguard": sys.executable,
        "rfidguard, to read events": sys.executable,
        "sllurp": peers.sllurp(),
        "llrpkit": peers.llrpkit().parent / "python",
        "pyllrp": peers.pyllrp(),
    }
    made = cases(given.tags)
    with tempfile.TemporaryDirectory() as folder:
        full, few = Path(folder) / "all.json", Path(folder) / "few.json"
        for path, share in ((full, 1), (few, SLOW)):
            part = {case: messages[: max(1, len(messages) // share)] for case, messages in made.items()}
            path.write_text(json.dumps({case: [message.hex() for message in messages] for case, messages in part.items()}))
        workers = {name: Worker(name, python, few if name == "pyllrp" else full) for name, python in pythons.items()}
        seconds: dict[str, dict[str, list[float]]] = {case: {name: [] for name in workers} for case in made}
        for case in made:
            agreed({name: worker.ask(f"fields {case}") for name, worker in workers.items()}, case)
        for _ in range(given.rounds):
            for case, messages in made.items():
                for name, worker in workers.items():
                    share = SLOW if name == "pyllrp" else 1
                    tags = given.tags * max(1, len(messages) // share) / len(messages)
                    seconds[case][name].append(worker.ask(f"time {case}") / tags)
        for worker in workers.values():
            worker.close()
    _show(seconds, given.rounds)


def _show(seconds: Mapping[str, Mapping[str, list[float]]], rounds: int) -> None:
    columns = ["tags a report", "rfidguard µs/tag", "sllurp", "llrpkit", "pyllrp", "to read events µs", "sllurp / that"]
    rows = []
    for case, times in seconds.items():
        median = {name: statistics.median(values) * 1e6 for name, values in times.items()}
        own, reads = median["rfidguard"], median["rfidguard, to read events"]
        peers_ = [f"{median[name]:.1f} = {median[name] / own:.0f} ×" for name in ("sllurp", "llrpkit", "pyllrp")]
        rows.append([case, f"{own:.2f}", *peers_, f"{reads:.2f}", f"{median['sllurp'] / reads:.1f} ×"])
    write_grid(
        "decode",
        "LLRP bytes to tags, one core",
        columns,
        rows,
        f"CPU time, medians of {rounds} interleaved runs. Same fields, checked for every tag first (pyllrp tells fewer). "
        "Target at 10 tags a report: 25 × sllurp, 60 × llrpkit. sllurp 3.0.5, llrpkit 0.3.0, pyllrp 3.1.1 with bitstring 4.",
    )


if __name__ == "__main__":
    main()
