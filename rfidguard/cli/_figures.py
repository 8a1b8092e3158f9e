"""Shows the figures of scored scenes: a table on the terminal, a picture in a file."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.suite_report import SuiteResult
    from rfidguard.tally import Tally


def print_table(found: dict[str, Any]) -> None:
    """The figures of one run."""
    from rich.console import Console
    from rich.table import Table

    table = Table(title="What rang against what happened", title_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    table.add_column("of", justify="right")
    table.add_column("95 % interval", justify="right")
    for name, key in _SHARES:
        share = found[key]
        value, interval = ("-", "") if share["value"] is None else _percent(share)
        table.add_row(name, value, f"{share['count']} / {share['of']}", interval)
    for row in _plain_rows(found):
        table.add_row(*row)
    console = Console()
    console.print(table)
    console.print(f"{'Simulated data' if found['simulated'] else 'Recorded data'}; {_mix(found)}", highlight=False)


def _percent(share: dict[str, Any]) -> tuple[str, str]:
    return f"{share['value']:.2%}", f"{share['low']:.1%} – {share['high']:.1%}"


def _plain_rows(found: dict[str, Any]) -> list[tuple[str, str, str]]:
    waits, early = found["decision_s"], found["early_rings"]
    rows = [
        ("false incidents", str(found["false_incidents"]), f"{found['alarms']} alarms"),
        ("  per 1,000 clean passages", _number(found["false_per_1000_clean"]), f"{found['clean_passages']} passages"),
        ("  per hour", _number(found["false_per_hour"]), f"{found['seconds'] / 3600:.2f} h"),
        ("  second alarms for a passage", str(found["false_incidents_duplicate"]), ""),
        *((f"  false: {why}", str(count), "") for why, count in found["false_by"].items()),
        *((f"missed: {kind}", str(count), "") for kind, count in found["missed_by"].items()),
        *((f"crossing to ring, {name}", "-" if wait is None else f"{wait:.2f} s", "") for name, wait in waits.items()),
        ("rings over 0.5 s early", str(early["before_0_5_s"]), f"{early['of']} passages"),
    ]
    for kind, counts in found["other_alarms"].items():
        of = f"{counts['expected']}, {counts['raised']} raised"
        rows.append((f"{kind}, as expected", str(counts["found"]), of))
    return rows


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def _mix(found: dict[str, Any]) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in found["kinds"].items()) or "nobody passed"
    scenes = "; ".join(found["mix"][:3]) + (f" and {len(found['mix']) - 3} more" if len(found["mix"]) > 3 else "")
    return f"passages: {kinds}." + (f"\n{scenes}." if scenes else "")


_SHARES = (
    ("unpaid items named", "item_recall"),
    ("  of those read 4 times or more", "item_recall_read"),
    ("unpaid passages that rang", "passage_recall"),
    ("  of those read 4 times or more", "passage_recall_read"),
    ("rings that are right", "precision"),
)


def print_suites(results: Sequence["SuiteResult"], words: dict[str, str]) -> None:
    """One table of all suites, one against the baselines, and one by kind of passage for each suite."""
    from rich.console import Console
    from rich.table import Table

    from rfidguard.suite_report import COLUMNS, comparison, kind_rows, row

    console = Console()
    table = Table("figure", *(result.name for result in results), title="Simulated, with 95 % intervals", title_justify="left")
    for line in zip(COLUMNS[1:], *(row(result)[1:] for result in results), strict=True):
        table.add_row(*line)
    console.print(table, "Passages that rang and items named: of those read at least 4 times.", highlight=False)
    for result in results:
        kinds = Table("passages", "count", "thefts found", "items named", "false", title=f"{result.name}: {result.about}")
        for line in kind_rows(result):
            kinds.add_row(*line)
        console.print(kinds)
        if len(result.systems) > 1:
            others = Table("system", "unpaid passages found", "false per 100 clean", "alarms right", title=result.name)
            for system, *cells in comparison(result):
                others.add_row(words.get(system, system), *cells)
            console.print(others)


def draw(tally: "Tally", path: Path) -> None:
    """When it rang, and what was false or missed."""
    figure = _figure((9, 3.6))
    times, causes = figure.subplots(1, 2)
    _draw_times(times, tally)
    _draw_causes(causes, tally)
    _saved(figure, path)


def _draw_times(axes: Any, tally: "Tally") -> None:
    axes.hist(tally.delays_s, bins=[-1.0 + 0.1 * step for step in range(51)], color="tab:blue")
    axes.axvline(0.0, color="black", linewidth=0.8)
    axes.axvspan(-1.0, -0.5, color="tab:orange", alpha=0.2)
    axes.set(xlabel="crossing to first ring (s)", ylabel="passages", title=f"{tally.thefts_found} of {tally.thefts} thefts rang")


def _draw_causes(axes: Any, tally: "Tally") -> None:
    bars = [(f"false: {why}", count, "tab:red") for why, count in sorted(tally.false_by.items())]
    bars += [(f"missed: {kind}", count, "tab:gray") for kind, count in sorted(tally.missed_by.items())]
    axes.barh([name for name, _, _ in bars], [count for _, count, _ in bars], color=[color for _, _, color in bars])
    axes.set(xlabel="count", title=f"{tally.false_alarms} false in {tally.clean} clean passages")


def draw_suites(results: Sequence["SuiteResult"], path: Path) -> None:
    """Thefts found against false incidents, for the program and each baseline; beside it the time from crossing to ring."""
    figure = _figure((11, 4.5))
    trade, times = figure.subplots(1, 2)
    for color, result in enumerate(results):
        _draw_trade(trade, result, f"C{color}")
        waits = sorted(result.program.delays_s)
        times.step(waits, [(n + 1) / len(waits) for n in range(len(waits))], color=f"C{color}", label=result.name)
    trade.set_xscale("symlog", linthresh=0.1)
    trade.set(xlabel="false incidents per 100 clean passages (95 %)", ylabel="unpaid passages found", ylim=(-0.03, 1.03))
    for mark, system in _MARKS.items():
        trade.plot([], [], mark, color="gray", label=system)
    trade.legend(fontsize=7)
    times.axvline(0.0, color="black", linewidth=0.8)
    times.set(xlabel="crossing to first ring (s)", ylabel="share of those found", xlim=(-1.0, 4.0))
    times.legend(fontsize=7)
    _saved(figure, path)


_MARKS = {"o": "rfidguard", "x": "any", "^": "level", "s": "moved"}


def _draw_trade(axes: Any, result: "SuiteResult", color: str) -> None:
    from rfidguard.figures import figures

    for mark, system in _MARKS.items():
        if system not in result.systems:
            continue
        found = figures(result.systems[system])
        false, right = found["false_per_100"], found["passage_recall"]
        if false["value"] is None or right["value"] is None:
            continue
        reach = [[false["value"] - false["low"]], [false["high"] - false["value"]]]
        tall = [[right["value"] - right["low"]], [right["high"] - right["value"]]]
        axes.errorbar(
            [false["value"]], [right["value"]], xerr=reach, yerr=tall, fmt=mark, color=color, markersize=6, linewidth=0.8
        )


def _figure(size: tuple[float, float]) -> Any:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ConfigError(["--plot needs matplotlib: pip install 'rfidguard[plots]'"]) from error
    return matplotlib.figure.Figure(figsize=size, layout="constrained")


def _saved(figure: Any, path: Path) -> None:
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigError([f"--plot {path}: cannot be written: {error}"]) from error
