"""Draws a passage: level and phase of each antenna over time, and what else happened: people, pedestals, sales, decisions."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rfidguard.errors import ConfigError

if TYPE_CHECKING:
    from rfidguard.inquiry import Heard, Story
    from rfidguard.layout import Layout
    from rfidguard.silence import Finding

_ZONES = {-1: ("inside", "tab:blue"), 0: ("threshold", "tab:green"), 1: ("outside", "tab:red")}
_MARKERS = "o^svDP*X"
_BEFORE_S, _AFTER_S = 12.0, 6.0


def draw_passage(story: "Story", layout: "Layout", why: dict[str, list["Finding"]], path: Path) -> None:
    """The picture of the passage around `story.at`. Raises ConfigError where it cannot be drawn or written."""
    try:
        import matplotlib.figure
    except ImportError as error:
        raise ConfigError(["--plot needs matplotlib: pip install 'rfidguard[plots]'"]) from error
    start, end = _span(story)
    figure = matplotlib.figure.Figure(figsize=(11, 7), layout="constrained")
    level, phase, other = figure.subplots(3, 1, sharex=True, height_ratios=(4, 3, 2))
    reads = [heard for heard in story.reads if start <= heard.at <= end]
    _draw_reads(level, phase, reads, layout, start)
    _draw_shelf(level, story)
    _draw_events(other, story, start, end)
    for axes in (level, phase, other):
        _draw_decisions(axes, story, start, end, words=axes is level)
    first = next((found[0].text for found in why.values() if found), "")
    level.set(ylabel="RSSI (dBm)", title=f"{' '.join(story.epcs)[:100]}\n{first[:140]}")
    phase.set(ylabel="phase (rad, modulo π)", ylim=(-0.1, 3.3))
    other.set(xlabel=f"seconds from {_clock(layout, start)}", xlim=(0.0, end - start))
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise ConfigError([f"--plot {path}: cannot be written: {error}"]) from error


def _span(story: "Story") -> tuple[float, float]:
    """The passage: around the decision nearest to the time asked for, else around that time, cut to what was heard."""
    moments = [judged.decision.at for judged in story.judged]
    at = story.at if story.at is not None else (moments or [h.at for h in story.reads] or [0.0])[-1]
    middle = min(moments, key=lambda moment: abs(moment - at), default=at)
    middle = middle if abs(middle - at) <= 60.0 else at
    return middle - _BEFORE_S, middle + _AFTER_S


def _draw_reads(level: Any, phase: Any, reads: list["Heard"], layout: "Layout", start: float) -> None:
    import math

    for number, slot in enumerate(sorted({(heard.gate, heard.slot) for heard in reads})):
        zone, color = _ZONES[layout.gates[slot[0]].zones.get(slot[1], 0)] if slot[0] in layout.gates else ("?", "gray")
        mine = [heard for heard in reads if (heard.gate, heard.slot) == slot]
        style = {"marker": _MARKERS[number % len(_MARKERS)], "color": color, "markersize": 4}
        level.plot([h.at - start for h in mine], [h.rssi_dbm for h in mine], linewidth=0.5, label=f"{slot[1]} ({zone})", **style)
        turned = [(h.at - start, h.phase_rad % math.pi) for h in mine if h.phase_rad is not None]
        if turned:
            phase.plot(*zip(*turned, strict=True), linestyle="none", **style)
    if reads:
        level.legend(fontsize=8, loc="upper left")
    else:
        level.text(0.5, 0.5, "not heard", transform=level.transAxes, ha="center")


def _draw_shelf(level: Any, story: "Story") -> None:
    """The levels at which it stood on its shelf."""
    for picture in story.pictures:
        for track in picture.tracks:
            for mean, spread in track.base.values():
                level.axhspan(mean - spread, mean + spread, color="gray", alpha=0.15, linewidth=0)


def _draw_events(axes: Any, story: "Story", start: float, end: float) -> None:
    rows: dict[str, list[tuple[float, str]]] = {
        "people": [(event.at, event.direction) for event in story.people],
        "pedestal": [(event.at, event.kind) for event in story.pedestals],
        "ledger": [(record.received or record.at, record.kind) for record in story.records],
        "alarm": [(at, kind) for at, _, kind, _ in story.transitions],
    }
    axes.set(yticks=range(len(rows)), yticklabels=list(rows), ylim=(len(rows) - 0.5, -0.5))
    for place, entries in enumerate(rows.values()):
        for at, word in entries:
            if start <= at <= end:
                axes.plot([at - start], [place], "k|", markersize=14)
                axes.annotate(word, (at - start, place), fontsize=8, xytext=(3, 3), textcoords="offset points")


def _draw_decisions(axes: Any, story: "Story", start: float, end: float, *, words: bool) -> None:
    for judged in story.judged:
        entry = judged.decision
        if not start <= entry.at <= end:
            continue
        axes.axvline(entry.at - start, color="black", linestyle="--", linewidth=0.9)
        axes.axvline(judged.made_at - start, color="tab:orange", linewidth=0.9)
        if words:
            text = f"crossing: {entry.direction}\n{entry.verdict} ({entry.reason})"
            axes.annotate(text, (entry.at - start, 0.02), xycoords=("data", "axes fraction"), fontsize=8)
            axes.annotate("decided", (judged.made_at - start, 0.93), xycoords=("data", "axes fraction"), fontsize=8)


def _clock(layout: "Layout", at: float) -> str:
    from rfidguard.silence import clock_of

    return clock_of(layout.timezone)(at)
