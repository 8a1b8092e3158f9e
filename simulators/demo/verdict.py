"""The end of the demo: what really happened against what rang, passage by passage. Pure, but for the table's looks."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from rich.table import Table

from rfidguard.evaluate import EARLIEST_S, LATEST_S, Passage, Ring, Truth, rings_of, unix_time


class Row(msgspec.Struct, frozen=True):
    """One line of the table; `right` says whether truth and alarms agree in it."""

    at: float
    who: str
    happened: str
    wanted: str
    got: str
    right: bool


def rows(truth: Truth, messages: Sequence[Mapping[str, Any]], cut: Mapping[str, Any] | None = None) -> list[Row]:
    """Every passage and expected pedestal alarm, and every alarm that belongs to none.

    `cut`: tags and alarms of passages that were under way when the store closed; nothing is said of them.
    """
    rings = rings_of(messages)
    used: set[str] = set()
    found = [_passage_row(passage, rings, messages, used) for passage in truth.passages]
    found += _pedestal_rows(truth, messages, used)
    rest = {
        message["id"]: message
        for message in messages
        if message["id"] not in used and not message["drill"] and not (cut and _was_cut(message, cut))
    }
    found += [
        Row(unix_time(message["raised_at"]), "nobody", "-", "silence", f"{message['kind']} rang", False)
        for message in rest.values()
    ]
    return sorted(found, key=lambda row: row.at)


def table(found: Sequence[Row], start: float) -> Table:
    """The rows for a terminal."""
    shown = Table(title="Truth against alarms", title_justify="left", expand=False)
    for column in ("s", "who", "what happened", "right is", "rfidguard", ""):
        shown.add_column(column, justify="right" if column == "s" else "left", no_wrap=column in ("s", ""))
    for row in found:
        mark = "[green]agree[/green]" if row.right else "[bold red]DIFFER[/bold red]"
        shown.add_row(f"{row.at - start:.1f}", row.who, row.happened, row.wanted, row.got, mark)
    return shown


def _was_cut(message: Mapping[str, Any], cut: Mapping[str, Any]) -> bool:
    if not message["items"]:
        return unix_time(message["raised_at"]) >= float(cut["since"])
    return any(item["epc"] in cut["tags"] for item in message["items"])


def _passage_row(passage: Passage, rings: Sequence[Ring], messages: Sequence[Mapping[str, Any]], used: set[str]) -> Row:
    cross = passage.cross if passage.cross is not None else (passage.start + passage.end) / 2
    own = [ring for ring in rings if ring.epc in passage.tags and passage.start - 2 <= ring.at <= passage.end + LATEST_S + 2]
    used.update(ring.alarm for ring in own)
    late = set(passage.late)
    stolen = [epc for epc in passage.unpaid if epc not in late]
    timely = {ring.epc for ring in own if passage.cross is not None and EARLIEST_S <= ring.at - cross <= LATEST_S}
    right = timely == {ring.epc for ring in own} == set(passage.unpaid) and len({ring.alarm for ring in own}) <= 1
    got = "silent"
    if own:
        got = f"rang for {len(own)}, {own[0].at - cross:+.1f} s"
    if late and own:
        cleared = any(message["id"] == own[0].alarm and message["event_type"] == "cleared" for message in messages)
        got += ", cleared" if cleared else ", not cleared"
        right = right and cleared
    wanted = f"ring for {len(stolen)}" if stolen else "ring, then clear" if late and passage.unpaid else "silence"
    return Row(cross, passage.passage, passage.kind.replace("_", " "), wanted, got, right)


def _pedestal_rows(truth: Truth, messages: Sequence[Mapping[str, Any]], used: set[str]) -> list[Row]:
    last = {message["id"]: message for message in messages}
    found = []
    for wanted in truth.expected:
        near = [
            message
            for message in last.values()
            if message["kind"] == wanted.kind
            and message["id"] not in used
            and -2 <= unix_time(message["raised_at"]) - wanted.at <= 8
        ]
        used.update(message["id"] for message in near[:1])
        got = f"{wanted.kind.replace('_', ' ')}, {unix_time(near[0]['raised_at']) - wanted.at:+.1f} s" if near else "silent"
        found.append(Row(wanted.at, "pedestal", "it rang", wanted.kind.replace("_", " "), got, bool(near)))
    return found
