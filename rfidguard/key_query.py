"""Questions for many keys at once, quick on SQLite: there a statement's text is made once and goes to the driver itself.

SQLAlchemy takes ten times as long around such a question as SQLite takes to answer it, and a gate asks several for each tag.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Select
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError

CHUNK = 500
"""Keys in one question."""
_MARK = "(__[POSTCOMPILE_names])"


class KeyQuery:
    """A `select` whose first condition is `column IN (bindparam("names", expanding=True))`, and maybe more parameters."""

    def __init__(self, statement: Select[Any]) -> None:
        self._statement = statement
        compiled = statement.compile(dialect=sqlite.dialect())
        self._text = str(compiled)
        self._more = [name for name in compiled.positiontup or () if name != "names"]

    def rows(self, conn: Connection, names: Sequence[Any], **more: Any) -> Iterator[Sequence[Any]]:
        """The rows for `names`, in no order; nothing for no names."""
        if not conn.in_transaction():
            conn.begin()  # the driver's own connection does not begin by itself, and all answers are of one moment
        for start in range(0, len(names), CHUNK):
            chunk = names[start : start + CHUNK]
            if conn.dialect.name == "sqlite":
                yield from self._quick(conn, chunk, more)
            else:
                yield from conn.execute(self._statement, {"names": chunk, **more})

    def _quick(self, conn: Connection, names: Sequence[Any], more: dict[str, Any]) -> Sequence[Sequence[Any]]:
        # Few lengths, so that the driver finds the statement prepared; a name asked for twice is found once.
        length = 1 << (len(names) - 1).bit_length()
        padded = [*names, *[names[-1]] * (length - len(names))]
        text = self._text.replace(_MARK, f"({'?,' * (length - 1)}?)")
        raw: Any = conn.connection.driver_connection
        try:
            found: Sequence[Sequence[Any]] = raw.execute(text, [*padded, *(more[name] for name in self._more)]).fetchall()
        except sqlite3.Error as error:
            raise DBAPIError(text, None, error) from error
        return found
