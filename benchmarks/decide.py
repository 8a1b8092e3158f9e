"""Read events to decisions, on one core: a busy scene, from LLRP bytes and from events; growth with tags in view and with uptime.

    python -m benchmarks.decide [--rounds 5] [--parts busy,views,uptime]

Figures are CPU time of the process, so that other work on the machine counts less; the wall's are beside them.
"""

import argparse
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import groupby

from benchmarks import scene
from benchmarks.llrp_bytes import report
from benchmarks.table import write
from drivers.llrp.frames import Framer
from drivers.llrp.hearing import Hearing
from rfidguard.clock import SystemClock
from rfidguard.config_file import load
from rfidguard.driver import AntennaPlace
from rfidguard.events import Event, Pace, Read, ReadBatch, heard_at
from rfidguard.layout import Layout, layout_from
from rfidguard.ledger import RecordSet
from rfidguard.runner import Runner

TAGS_A_REPORT = 10
STANDING_RATE = 1000.0
VIEWS = (10, 100, 1000, 3000)
DAY_S = 86_400.0


def measured(run: Callable[[], object]) -> tuple[float, float]:
    """Seconds of CPU and on the wall."""
    wall, cpu = time.perf_counter(), time.process_time()
    run()
    return time.process_time() - cpu, time.perf_counter() - wall


def fed(layout: Layout, events: Iterable[Event]) -> Runner:
    """A fresh core after `events`."""
    runner = Runner(layout, RecordSet().find)
    for event in events:
        runner.feed(event)
    return runner


def bytes_of(events: Sequence[Event]) -> list[tuple[float, bytes | Event]]:
    """The scene as it comes over the wire: reads in reports of ten, everything else as it is; each with its receipt."""
    out: list[tuple[float, bytes | Event]] = []
    for is_read, group in groupby(events, lambda event: isinstance(event, Read)):
        several = list(group)
        if not is_read:
            out += [(heard_at(event), event) for event in several]
            continue
        for start in range(0, len(several), TAGS_A_REPORT):
            part = [event for event in several[start : start + TAGS_A_REPORT] if isinstance(event, Read)]
            out.append((max(map(heard_at, part)) + 0.005, report(part)))
    return out


def decided(layout: Layout, wire: Sequence[tuple[float, bytes | Event]], places: dict[int, AntennaPlace], reader: str) -> Runner:
    """A fresh core after everything on `wire` went through framing, decoding, dating and the whole data path."""
    runner = Runner(layout, RecordSet().find)
    framer = Framer(Counter())

    def hear(item: Event | ReadBatch) -> None:
        if isinstance(item, ReadBatch):
            for read in item.reads:
                runner.feed(read)

    hearing = Hearing(reader, places, SystemClock(), hear, Counter(), {})
    for received, item in wire:
        if not isinstance(item, bytes):
            runner.feed(item)
            continue
        for frame in framer.feed(item):
            hearing.hear(frame, received)
        hearing.settled()
    return runner


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=40)
    parser.add_argument("--parts", default="busy,views,uptime")
    given = parser.parse_args()
    folder = scene.made()
    layout = layout_from(load(folder / "rfidguard.toml", {}, needs_files=False))
    parts: dict[str, Callable[[], list[tuple[str, str, str]]]] = {
        "busy": lambda: busy(folder, layout, given.rounds),
        "views": lambda: views(layout, given.rounds),
        "uptime": lambda: uptime(folder, layout, given.repeats),
    }
    rows = [row for part in given.parts.split(",") for row in parts[part]()]
    write("decide", "Reads to decisions, one core, simulated reads", rows, REMARK)


REMARK = "Busy scene: benchmarks/scenes/front.toml (50 shelf tags, some five people near the gate, four antennas, phase)."


def busy(folder: scene.Path, layout: Layout, rounds: int) -> list[tuple[str, str, str]]:
    """From events, and from bytes, beside what sllurp needs to decode the same bytes."""
    from sllurp.llrp import LLRPMessage

    events = scene.events(folder)
    reads = sum(isinstance(event, Read) for event in events)
    (gate,) = layout.gates.values()
    reader = next(event.reader for event in events if isinstance(event, Read))
    antennas = {event.antenna for event in events if isinstance(event, Read)}
    places = {antenna: AntennaPlace(gate.id, "inside") for antenna in antennas}
    wire = bytes_of(events)
    messages = [item for _, item in wire if isinstance(item, bytes)]
    timed: dict[str, list[tuple[float, float]]] = {"events": [], "bytes": [], "sllurp": []}
    for _ in range(rounds):
        timed["events"].append(measured(lambda: fed(layout, events)))
        timed["bytes"].append(measured(lambda: decided(layout, wire, places, reader)))
        timed["sllurp"].append(measured(lambda: [LLRPMessage(msgbytes=message) for message in messages]))
    cpu = {name: statistics.median(cpu for cpu, _ in times) for name, times in timed.items()}
    wall = {name: statistics.median(wall for _, wall in times) for name, times in timed.items()}
    rows = [
        (f"events to decisions, busy scene ({reads:,} reads)", _rate(reads, cpu["events"], wall["events"]), "-"),
        ("LLRP bytes to decisions, the same", _rate(reads, cpu["bytes"], wall["bytes"]), "150,000/s"),
        ("sllurp, decoding the same bytes alone", _rate(reads, cpu["sllurp"], wall["sllurp"]), "-"),
    ]
    return [*rows, ("bytes to decisions against sllurp's decoding", f"{cpu['sllurp'] / cpu['bytes']:.2f} ×", "3 ×")]


def views(layout: Layout, rounds: int) -> list[tuple[str, str, str]]:
    """What a read costs with so many tags in view once they stand, which may take half a minute: until then few are looked at."""
    (gate,) = layout.gates.values()
    reader = next(iter(gate.zones)).partition("/")[0]
    costs = {}
    for tags in VIEWS:
        reads = list(scene.standing(tags, STANDING_RATE, 40.0, gate=gate.id, reader=reader, antennas=4))
        cut = int(STANDING_RATE * 30)

        def once(reads: list[Read] = reads, cut: int = cut) -> float:
            at = reads[0].at
            runner = fed(layout, [Pace(at=at, heard=10, quiet=50), *reads[:cut], Pace(at=at, heard=1, quiet=1)])
            return measured(lambda: [runner.feed(read) for read in reads[cut:]])[0] / (len(reads) - cut)

        costs[tags] = statistics.median(once() for _ in range(rounds)) * 1e6
    text = ", ".join(f"{tags}: {cost:.1f}" for tags, cost in costs.items())
    return [
        ("µs of CPU a read at 1,000 reads/s, by tags in view", text, "-"),
        ("3,000 tags in view against 10", f"{costs[3000] / costs[10]:.2f} ×", "1.5 ×"),
    ]


def uptime(folder: scene.Path, layout: Layout, repeats: int) -> list[tuple[str, str, str]]:
    """The scene again and again, four hours apart, with other goods each time."""
    events = scene.events(folder)
    length = len(events)
    runner = Runner(layout, RecordSet().find)
    stream = scene.repeated(events, repeats, gap_s=4 * 3600.0)
    costs = []
    for _ in range(repeats):
        turn = [next(stream) for _ in range(length)]
        costs.append(measured(lambda turn=turn: [runner.feed(event) for event in turn])[0] / length * 1e6)  # type: ignore[misc]
    part = max(1, repeats // 8)
    early, late = statistics.median(costs[1 : 1 + part]), statistics.median(costs[-part:])
    days = repeats * 4 / 24
    return [
        (f"µs of CPU an event on day 1 / day {days:.0f} of uptime", f"{early:.1f} / {late:.1f} = {late / early:.2f} ×", "1 ×")
    ]


def _rate(reads: int, cpu: float, wall: float) -> str:
    return f"{reads / cpu:,.0f}/s of CPU ({cpu / reads * 1e6:.1f} µs), {reads / wall:,.0f}/s by the wall"


if __name__ == "__main__":
    main()
