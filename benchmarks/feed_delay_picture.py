"""The feed-delay table as a picture for who installs a gate: green may have a siren, red must not."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

SVG = "http://www.w3.org/2000/svg"
CELL_W, CELL_H, LEFT, TOP = 92, 40, 150, 118
GAP = 84
GREEN, AMBER, RED = "#b7e1c0", "#fbe3a6", "#f4b6ae"
FALSE_LIMITS = (0.003, 0.02)
"""Share of paid items that ring: what staff bear, and what they switch off."""
CAUGHT_LIMITS = (0.95, 0.80)

Column = tuple[str, float]


def picture(table: Mapping[tuple[float, Column], Any], delays_s: Sequence[float], columns: Sequence[Column], said: str) -> str:
    """SVG. `table`: (delay, column) -> a result with `false` and `caught`."""
    height = TOP + 2 * (len(delays_s) * CELL_H) + GAP + 84
    width = LEFT + len(columns) * CELL_W + 20
    second = TOP + len(delays_s) * CELL_H + GAP
    parts = [
        f'<svg xmlns="{SVG}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        _text(20, 28, "What the delay of the sales feed does at the gate (simulated)", size=18, weight="bold"),
        *_grid(TOP, "Paid items that ring, though paid", delays_s, columns, {key: _false(one) for key, one in table.items()}),
        *_grid(second, "Stolen items that ring", delays_s, columns, {key: _caught(one) for key, one in table.items()}),
        *(_text(20, height - 44 + 18 * n, line, size=11, colour="#555") for n, line in enumerate(_lines(said))),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


def _grid(
    top: int, title: str, delays_s: Sequence[float], columns: Sequence[Column], cells: Mapping[Any, tuple[str, str]]
) -> list[str]:
    parts = [_text(20, top - 54, title, weight="bold"), _text(20, top - 12, "feed is late by", size=12)]
    for at, (mode, share) in enumerate(columns):
        middle = LEFT + at * CELL_W + CELL_W // 2
        parts += [_text(middle, top - 28, mode, anchor="middle", size=12), _text(middle, top - 10, _share(share), "middle", 11)]
    for row, delay_s in enumerate(delays_s):
        y = top + row * CELL_H
        parts.append(_text(20, y + 25, _delay(delay_s)))
        for at, column in enumerate(columns):
            words, colour = cells[delay_s, column]
            x = LEFT + at * CELL_W
            parts.append(f'<rect x="{x}" y="{y}" width="{CELL_W - 3}" height="{CELL_H - 3}" rx="4" fill="{colour}"/>')
            parts.append(_text(x + CELL_W // 2 - 1, y + 24, words, anchor="middle"))
    return parts


def _false(result: Any) -> tuple[str, str]:
    low, high = FALSE_LIMITS
    return _percent(result.false), GREEN if result.false <= low else AMBER if result.false <= high else RED


def _caught(result: Any) -> tuple[str, str]:
    high, low = CAUGHT_LIMITS
    return _percent(result.caught), GREEN if result.caught >= high else AMBER if result.caught >= low else RED


def _percent(share: float) -> str:
    if share == 0 or share >= 0.9995:
        return f"{100 * share:.0f} %"
    return f"{100 * share:.2f} %" if share < 0.01 else f"{100 * share:.1f} %"


def _share(share: float) -> str:
    return "no EPCs at all" if share == 1 else "every line an EPC" if share == 0 else f"{share:.0%} lack it"


def _delay(delay_s: float) -> str:
    return f"{delay_s / 60:g} min" if delay_s > 60 else f"{delay_s:g} s"


def _lines(said: str) -> list[str]:
    colours = "Green: a siren may hang on it. Amber: handhelds only. Red: not before the feed is faster, or its lines carry EPCs."
    return [colours, said]


def _text(x: int, y: int, words: str, anchor: str = "start", size: int = 14, weight: str = "normal", colour: str = "#111") -> str:
    style = f'text-anchor="{anchor}" font-size="{size}" font-weight="{weight}" fill="{colour}"'
    return f'<text x="{x}" y="{y}" {style}>{escape(words)}</text>'
