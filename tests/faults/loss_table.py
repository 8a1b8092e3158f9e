"""Writes docs/reliability.md from the results of soak runs (`make loss-table`): python tests/faults/loss_table.py RESULT.json…"""

import json
import statistics
import sys
from collections import Counter
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
FIGURES = Path(__file__).with_name("figures.md")
"""What other commands measured, added as it stands."""
COLUMNS = ("faults", "decided", "received", "lost", "messages twice")
HEAD = """# What is lost, and what is not

Written by `make loss-table` from {runs} runs of `tests/faults/test_soak.py` (seeds {seeds}); do not edit. Every fault hits
one person who carries an unpaid item out of a simulated gate; the daemon, mosquitto and the network between them are real.
Two publishers that do what most programs do, plain paho without an outbox, live and die beside the daemon and are hit by
the same faults at the same moments. Faults come in bursts and overlap: a row counts by the fault that came with that person,
and losses in the row "lock database" of the plain ones come from the fault before or after.

"""
ORDER = "faults | alarms decided | received | lost | received twice"


def page(results: list[dict[str, Any]]) -> str:
    """The whole page as Markdown."""
    tables: dict[str, dict[str, Counter[str]]] = {}
    for result in results:
        for who, rows in result["table"].items():
            for fault, row in rows.items():
                tables.setdefault(who, {}).setdefault(fault, Counter()).update(row)
    parts = [HEAD.format(runs=len(results), seeds=", ".join(str(result["seed"]) for result in results)), _totals(tables)]
    parts += [_by_fault(who, rows) for who, rows in tables.items()]
    return "\n".join([*parts, _recovery(results), FIGURES.read_text("utf-8")])


def _totals(tables: dict[str, dict[str, Counter[str]]]) -> str:
    lines = [f"| | {ORDER} |", "|---" * 6 + "|"]
    for who, rows in tables.items():
        total = sum(rows.values(), Counter[str]())
        lines.append(f"| {who} | {_cells(total)} |")
    return "\n".join(lines) + "\n"


def _by_fault(who: str, rows: dict[str, Counter[str]]) -> str:
    lines = [f"## {who}, by fault", "", f"| fault | {ORDER} |", "|---" * 6 + "|"]
    lines += [f"| {fault.replace('_', ' ')} | {_cells(row)} |" for fault, row in rows.items()]
    return "\n".join(lines) + "\n"


def _recovery(results: list[dict[str, Any]]) -> str:
    outside = sum(result["crossings"]["outside"] for result in results)
    decided = sum(result["crossings"]["decided"] for result in results)
    lines = ["## Recovery", "From SIGKILL to ready again (reader, broker and database work), by run:", _readiness(results)]
    lines += [
        f"The run of seed {result['seed']} stopped at a promise that was not kept: {result['stopped']}. The faults of its last "
        "burst are in no row."
        for result in results
        if "stopped" in result
    ]
    lines.append(f"Crossings that the daemon was not blind for: {decided} of {outside} were decided.")
    return "\n\n".join(lines) + "\n"


def _readiness(results: list[dict[str, Any]]) -> str:
    lines = ["| seed | times | median | longest | within 5 s | load of the machine, its median |", "|---" * 6 + "|"]
    for result in results:
        ready, load = result["ready_s"], result.get("load")
        if ready:
            within, told = sum(seconds <= 5.0 for seconds in ready), "-" if not load else f"{statistics.median(load):.1f}"
            lines.append(
                f"| {result['seed']} | {len(ready)} | {statistics.median(ready):.1f} s | {max(ready):.1f} s | {within} | {told} |"
            )
    return "\n".join(lines)


def _cells(row: Counter[str]) -> str:
    return " | ".join(str(row[column]) for column in COLUMNS)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(page([json.loads(Path(name).read_text("utf-8")) for name in sys.argv[1:]]))
    print(PAGE)
