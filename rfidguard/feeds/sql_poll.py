"""Sales out of another program's database: any that SQLAlchemy reaches. It is read only, in order of a column that grows."""

import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator
from sqlalchemy import ColumnClause, Connection, Engine, Row, Select, column, create_engine, select, table, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from rfidguard.errors import DeviceLost
from rfidguard.feeds.contract import Context, Page, PollSettings
from rfidguard.feeds.ledger_csv import COLUMNS, Taken, row_taken
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
        after = _from_cursor(cursor) if cursor is not None else self._start()
        if not self._catching_up and self._settings.overlap:
            after = _back(after, self._settings.overlap)
        try:
            with self._open().connect() as conn:
                rows = self._rows(conn, after)
        except SQLAlchemyError as error:
            raise DeviceLost(f"the database cannot be asked: {_first_line(error)}") from error
        self._catching_up = len(rows) == PAGE
        now = self._context.clock.now()
        taken = tuple(self._taken(row, now) for row in rows)
        return Page(taken, self._cursor_after(rows), more=self._catching_up)

    def stored(self, page: Page, counts: RecordCounts) -> None:
        """Nothing is to be done at the source."""

    def close(self) -> None:
        """Nothing is kept open between two polls."""

    def doctor(self) -> str:
        """Raises DeviceLost."""
        page = self.poll(None)
        wrong = next((one.text for one in page.taken if one.reason is not None), None)
        if wrong is not None:
            raise DeviceLost(f"a row cannot be used: {wrong}")
        return f"answers with {len(page.taken)}{' or more' if page.more else ''} rows"

    def _rows(self, conn: Connection, after: Any) -> Sequence[Row[Any]]:
        grows: ColumnClause[Any] = column(self._settings.cursor)
        statement = self._everything()
        if after is not None:
            statement = statement.where(grows > after)
        return conn.execute(statement.order_by(grows).limit(PAGE)).all()

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
        theirs = row._mapping
        place = theirs[self._settings.cursor]
        ours = {name: _text(theirs[named]) for name, named in self._settings.columns.items() if theirs[named] is not None}
        ours = {name: value for name, value in ours.items() if value}
        ours.setdefault("id", f"{self._context.feed}:{_text(place)}")
        taken = row_taken(0, ours, self._context.zone, now)
        if taken.reason is None:
            return taken
        return Taken(0, reason=taken.reason, text=f"row {self._settings.cursor} = {_text(place)}: {taken.text}")

    def _cursor_after(self, rows: Sequence[Row[Any]]) -> str | None:
        """Where the rows end. With an overlap the last poll may have been further already; then it stays there."""
        return _to_cursor(rows[-1]._mapping[self._settings.cursor]) if rows else None

    def _start(self) -> Any:
        start = self._settings.start
        if isinstance(start, str):
            with suppress(ValueError):
                return datetime.fromisoformat(start)
        return start

    def _open(self) -> Engine:
        if self._engine is None:
            try:
                url = self._settings.url or (self._settings.url_file or Path()).read_text("utf-8").strip()
                self._engine = create_engine(make_url(url), poolclass=NullPool)
            except (ArgumentError, NoSuchModuleError, ImportError, ValueError) as error:
                raise DeviceLost(f"the address of the database cannot be used: {_first_line(error)}") from error
        return self._engine


def _to_cursor(value: Any) -> str:
    kind = "time" if isinstance(value, datetime) else "number" if isinstance(value, (int, float, Decimal)) else "text"
    plain = value.isoformat() if isinstance(value, datetime) else str(value)
    return json.dumps([kind, plain])


def _from_cursor(cursor: str) -> Any:
    kind, plain = json.loads(cursor)
    if kind == "time":
        return datetime.fromisoformat(plain)
    if kind == "number":
        return int(plain) if plain.lstrip("-").isdigit() else float(plain)
    return plain


def _back(after: Any, overlap: float) -> Any:
    if isinstance(after, datetime):
        return after - timedelta(seconds=overlap)
    return after - overlap if isinstance(after, (int, float)) else after


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat() if value.tzinfo is None else value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal | float) and value == int(value):
        return str(int(value))
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def _first_line(error: Exception) -> str:
    """Without the statement; addresses with passwords do not stand in it."""
    return str(getattr(error, "orig", None) or error).strip().partition("\n")[0][:300]
