"""Sales out of another program's database: any that SQLAlchemy reaches. It is read only, in order of a column that grows."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import ColumnClause, Connection, Engine, Row, Select, column, select, table, text

from rfidguard.errors import DeviceLost
from rfidguard.feeds.contract import Context, Page, PollSettings
from rfidguard.feeds.ledger_csv import COLUMNS, Taken, row_taken
from rfidguard.feeds.sql_cursor import back, first_cursor, from_cursor, is_number, to_cursor
from rfidguard.feeds.sql_source import reading, source_engine
from rfidguard.record_intake import RecordCounts

PAGE = 1_000


def _our_names(columns: dict[str, str]) -> dict[str, str]:
    wrong = sorted(set(columns) - set(COLUMNS))
    if wrong:
        raise ValueError(f'{wrong[0]!r} is no column of ours; map {", ".join(COLUMNS)} to theirs, like gtin = "ean"')
    if not {"epc", "gtin"} & set(columns):
        raise ValueError("needs epc or gtin: which column of theirs says what was sold")
    return columns


class SqlSettings(PollSettings):
    url: str | None = None
    url_file: Path | None = None
    """A file with the address, where it holds a password."""
    table: str | None = None
    """A table or view (SCHEMA.NAME); or `query`."""
    query: str | None = None
    """A SELECT with all columns that are named below."""
    cursor: str
    """The column that grows: a number, a time or a text. Rows are read in its order."""
    columns: Annotated[dict[str, str], AfterValidator(_our_names)]
    """Our columns -> theirs."""
    overlap: float = Field(0.0, ge=0)
    """So far back (seconds of a time, else counts of a number) each poll reads again, for rows that were committed late."""
    start: int | float | str | None = None
    """Where the first poll begins, after this value; else at the beginning."""
    timeout_s: float = Field(60.0, gt=0, le=3600)
    """How long the database may think about one question."""

    @model_validator(mode="after")
    def _whole(self) -> "SqlSettings":
        if (self.url is None) == (self.url_file is None):
            raise ValueError("needs url, or url_file where it holds a password, and not both")
        if (self.table is None) == (self.query is None):
            raise ValueError("needs table or query, and not both")
        return self


class SqlPoll:
    """A Source. A row is called by what its `id` column says, as it is there, or else by the feed and the cursor's value."""

    Settings = SqlSettings
    proves_life = True

    def __init__(self, settings: SqlSettings, context: Context) -> None:
        self._settings, self._context = settings, context
        self._catching_up = False
        self._engine: Engine | None = None

    def poll(self, cursor: str | None) -> Page:
        """Rows after the cursor; those within the overlap again, where the poll before had come to the end."""
        after = from_cursor(cursor) if cursor is not None else first_cursor(self._settings.start)
        if not self._catching_up:
            after = back(after, self._settings.overlap)
        with reading(self._open(), self._settings.timeout_s) as conn:
            rows = self._rows(conn, after)
        self._check_names(rows)
        self._catching_up = len(rows) >= PAGE
        now = self._context.clock.now()
        taken = tuple(self._taken(row, now) for row in rows)
        return Page(taken, to_cursor(self._place(rows[-1])) if rows else None, more=self._catching_up)

    def stored(self, page: Page, counts: RecordCounts) -> None:
        """Nothing is to be done at the source."""

    def close(self) -> None:
        """Nothing is kept open between two polls."""

    def doctor(self) -> str:
        """Raises DeviceLost."""
        page = self.poll(None)
        wrong = [one.text for one in page.taken if one.reason is not None]
        if wrong and len(wrong) == len(page.taken):
            raise DeviceLost(f"no row can be used: {wrong[0]}")
        refused = f", {len(wrong)} of them cannot be used: {wrong[0]}" if wrong else ""
        return f"answers with {len(page.taken)}{' or more' if page.more else ''} rows{refused}"

    def _rows(self, conn: Connection, after: Any) -> Sequence[Row[Any]]:
        """A page. Rows that share a place stay together: the next page begins after it.

        Where one poll had come to the end the next takes the last time (or text) again: more may have happened in it.
        """
        grows: ColumnClause[Any] = column(self._settings.cursor)
        statement = self._everything().where(grows.is_not(None))
        page = statement.order_by(grows).limit(PAGE)
        if after is not None:
            page = page.where(grows > after if self._catching_up or is_number(after) else grows >= after)
        rows = conn.execute(page).all()
        if len(rows) < PAGE:
            return rows
        last = self._place(rows[-1])
        return [*(row for row in rows if self._place(row) != last), *conn.execute(statement.where(grows == last))]

    def _check_names(self, rows: Sequence[Row[Any]]) -> None:
        """A row is called by its place unless an id is mapped. Raises DeviceLost where a place is not the name of one row."""
        if "id" in self._settings.columns:
            return
        shared = any(count > 1 for count in Counter(map(self._place, rows)).values())
        if shared or any(not is_number(self._place(row)) for row in rows):
            text = f"several rows may have the same {self._settings.cursor}, so that it is no name: under columns,"
            raise DeviceLost(f"{text} map id to one of theirs that is another in every row")

    def _place(self, row: Row[Any]) -> Any:
        return row._mapping[self._settings.cursor]

    def _everything(self) -> Select[Any]:
        names = dict.fromkeys((self._settings.cursor, *self._settings.columns.values()))
        columns: list[ColumnClause[Any]] = [column(name) for name in names]
        if self._settings.query is not None:
            return select(*columns).select_from(
                text(self._settings.query.rstrip().rstrip(";")).columns(*columns).subquery("feed")
            )
        schema, _, name = (self._settings.table or "").rpartition(".")
        return select(*columns).select_from(table(name, schema=schema or None))

    def _taken(self, row: Row[Any], now: float) -> Taken:
        theirs, place = row._mapping, self._place(row)
        ours = {name: _text(theirs[named]) for name, named in self._settings.columns.items() if theirs[named] is not None}
        ours = {name: value for name, value in ours.items() if value}
        ours.setdefault("id", f"{self._context.feed}:{_text(place)}")
        taken = row_taken(0, ours, self._context.zone, now)
        if taken.reason is None:
            return taken
        return Taken(0, reason=taken.reason, text=f"row {self._settings.cursor} = {_text(place)}: {taken.text}")

    def _open(self) -> Engine:
        if self._engine is None:
            address = self._settings.url or (self._settings.url_file or Path()).read_text("utf-8").strip()
            self._engine = source_engine(address, self._settings.timeout_s)
        return self._engine


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal | float) and value == int(value):
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value).strip()
