"""`rfidguard evaluate`: detection, false alarms and time to alarm, as a table, as JSON and as a picture."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rfidguard.errors import ConfigError, RfidguardError

if TYPE_CHECKING:
    from rfidguard.tally import Tally


def register(app: typer.Typer) -> None:
    app.command("evaluate")(evaluate)


def evaluate(
    truth: Annotated[list[Path], typer.Option("--truth", metavar="T", help="truth.json of a scene; may be repeated.")],
    alarms: Annotated[
        list[Path], typer.Option("--alarms", metavar="A", help="Lines of `replay --alarms`, one file for each --truth, in order.")
    ],
    plot: Annotated[Path | None, typer.Option("--plot", metavar="FILE", help="Draw the figures (PNG, SVG or PDF).")] = None,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """Score alarms against the truth: recall, precision, false incidents, time from crossing to ring.

    An item that turns `unpaid` from 1.0 s before its crossing to 4 s after it is right; at any other time, or for anything
    else, it is false. Example: `rfidguard evaluate --truth plain/truth.json --alarms plain/alarms.jsonl --plot plain.png`
    """
    import json

    from rfidguard.tally import figures

    if len(truth) != len(alarms):
        raise ConfigError([f"give one --alarms for each --truth, in the same order: {len(truth)} truth, {len(alarms)} alarms"])
    tally = _tally(truth, alarms)
    if plot is not None:
        _draw(tally, plot)
    if json_:
        typer.echo(json.dumps(figures(tally), indent=1))
    else:
        _print_table(figures(tally))


def _tally(truths: list[Path], alarms: list[Path]) -> "Tally":
    from rich.console import Console
    from rich.progress import track

    from rfidguard.evaluate import read_alarms, read_truth, score
    from rfidguard.tally import Tally

    pairs = list(zip(truths, alarms, strict=True))
    total = Tally()
    for truth, rang in track(pairs, "scoring", console=Console(stderr=True), transient=True, disable=len(pairs) < 2):
        messages = read_alarms(_bytes(rang).splitlines(), str(rang))
        total += score(read_truth(_bytes(truth), str(truth)), messages)
    return total


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise RfidguardError(f"{path}: cannot be read: {error.strerror}") from error


def _print_table(found: dict[str, Any]) -> None:
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


def _draw(tally: "Tally", path: Path) -> None:
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ConfigError(["--plot needs matplotlib: pip install 'rfidguard[plots]'"]) from error
    figure = matplotlib.figure.Figure(figsize=(9, 3.6), layout="constrained")
    times, causes = figure.subplots(1, 2)
    _draw_times(times, tally)
    _draw_causes(causes, tally)
    try:
        figure.savefig(path)
    except (OSError, ValueError) as error:
        raise ConfigError([f"--plot {path}: cannot be written: {error}"]) from error


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
