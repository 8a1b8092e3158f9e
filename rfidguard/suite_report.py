"""What suites came to, as rows of a table, as Markdown for the README, and as a document to keep. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rfidguard.figures import figures
from rfidguard.tally import Tally

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
PROGRAM = "rfidguard"
COLUMNS = (
    "suite", "unpaid passages that rang", "unpaid items named", "items, read or not", "false per 100 clean",
    "per 1,000", "alarms that are right", "crossing to ring p50 / p95 / p99", "early", "direction",
)  # fmt: skip


@dataclass(frozen=True)
class SuiteResult:
    """The outcome of one suite: for the program ("rfidguard") and each baseline."""

    name: str
    about: str
    seeds: tuple[int, ...]
    systems: dict[str, Tally]

    @property
    def program(self) -> Tally:
        return self.systems[PROGRAM]


def row(result: SuiteResult) -> tuple[str, ...]:
    """One line of the table, under COLUMNS."""
    found = figures(result.program)
    waits, early = found["decision_s"], found["early_rings"]
    return (
        result.name,
        _share(found["passage_recall_read"]),
        _share(found["item_recall_read"]),
        _share(found["item_recall"]),
        _false(found),
        _rate(found["false_per_1000"]),
        _share(found["alarm_precision"]),
        " / ".join("-" if wait is None else f"{wait:.2f} s" for wait in waits.values()),
        f"{early['before_0_5_s']} of {early['of']}",
        _share(found["direction"]["right_of_told"]),
    )


def comparison(result: SuiteResult) -> list[tuple[str, ...]]:
    """Lines (system, thefts found, false per 100 clean, alarms that are right) of one suite, the program first."""
    lines: list[tuple[str, ...]] = []
    for name, tally in result.systems.items():
        found = figures(tally)
        cells = (found["passage_recall"], found["false_per_100"], found["alarm_precision"])
        lines.append((name, _share(cells[0]), _rate(cells[1]), _share(cells[2])))
    return lines


def kind_rows(result: SuiteResult) -> list[tuple[str, ...]]:
    """Lines (kind of passage, how many, thefts found, items named, false alarms) of one suite; causes of no passage last."""
    found = figures(result.program)
    lines: list[tuple[str, ...]] = [
        (kind, str(n["passages"]), _of(n, "thefts"), _of(n, "items"), str(n["false"] or ""))
        for kind, n in found["by_kind"].items()
    ]
    others = {why: count for why, count in found["false_by"].items() if why not in found["by_kind"]}
    return [*lines, *((f"({why})", "", "", "", str(count)) for why, count in others.items())]


def markdown(results: Sequence[SuiteResult], made: dict[str, Any], words: dict[str, str]) -> str:
    """The README's section between its two marks. `made`: see `document`; `words`: what each baseline does."""
    lines = [BEGIN, _source(made), "", *_table(COLUMNS, map(row, results))]
    if any(len(result.systems) > 1 for result in results):
        heads = ("suite", "system", "unpaid passages found", "false per 100 clean", "alarms that are right")
        cells = ((result.name, words.get(line[0], line[0]), *line[1:]) for result in results for line in comparison(result))
        lines += ["", "Against three simple ways, on the same scenes:", "", *_table(heads, cells)]
    return "\n".join([*lines, END])


def document(results: Iterable[SuiteResult], made: dict[str, Any]) -> dict[str, Any]:
    """Everything, for JSON. `made`: version, date, machine, seeds, data."""
    return {
        **made,
        "suites": {
            result.name: {
                "about": result.about,
                "seeds": list(result.seeds),
                "systems": {name: figures(tally) for name, tally in result.systems.items()},
            }
            for result in results
        },
    }


def _source(made: dict[str, Any]) -> str:
    return (
        f"Simulated scenes, seeds {made['seeds']} ({made['held_back']}), rfidguard {made['version']}, {made['date']}. "
        f"`{made['command']}` makes this table."
    )


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_line(heads), _line(["---"] * len(heads)), *map(_line, rows)]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _false(found: dict[str, Any]) -> str:
    """False incidents; those for people who walk in apart, where there are any."""
    inbound = found["false_per_100_inbound"]
    if not inbound["count"]:
        return _rate(found["false_per_100"])
    return f"{_rate(found['false_per_100_not_inbound'])}; walking in {_rate(inbound)}"


def _share(share: dict[str, Any]) -> str:
    if share["value"] is None:
        return "-"
    return f"{share['value']:.1%} ({share['count']}/{share['of']})"


def _rate(rate: dict[str, Any]) -> str:
    return "-" if rate["value"] is None else f"{rate['value']:.2f} [{rate['low']:.2f}, {rate['high']:.2f}]"


def _of(counts: dict[str, int], what: str) -> str:
    return f"{counts[f'{what}_found']} / {counts[what]}" if counts[what] else ""
