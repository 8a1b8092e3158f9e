"""Rows of a CSV as cells; a row that is none is refused alone. Pure."""

import csv
from collections.abc import Iterable, Iterator

from rfidguard.errors import RefusedInput

Row = tuple[int, list[str] | RefusedInput]
"""The number of its line, counted with the header; its cells, or why there are none (bad_row)."""


def csv_cells(rows: Iterable[str], separator: str) -> Iterator[Row]:
    """The `rows` below a header. A quoted cell may hold several lines; then the last one counts."""
    reader = csv.reader((f"{row}\n" for row in rows), delimiter=separator)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield reader.line_num + 1, RefusedInput("bad_row", f"not a row of CSV: {error}")
        else:
            yield reader.line_num + 1, cells
