"""Which errors of a database mean that it cannot be used now, rather than a mistake of ours."""

from __future__ import annotations

import sqlite3
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.engine import ExceptionContext

from sandbox.core.errors import Unavailable

_SQLITE = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_READONLY,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_NOTADB,
    }
)
_POSTGRESQL = ("08", "25006", "53", "55P03", "57", "58")
"""Classes of SQLSTATE: connection, read-only, resources, lock, operator intervention, system."""


def is_unavailable(problem: object) -> bool:
    """Whether an error of a driver says that the database is locked, full, read-only or away."""
    if isinstance(problem, sqlite3.Error):
        return getattr(problem, "sqlite_errorcode", 0) & 0xFF in _SQLITE
    if type(problem).__module__.partition(".")[0] != "psycopg":
        return False
    state: Any = getattr(problem, "sqlstate", None)
    if state is None:  # there was no answer at all
        return any(base.__name__ == "OperationalError" for base in type(problem).__mro__)
    return str(state).startswith(_POSTGRESQL)


def translate_errors(engine: Engine) -> None:
    """From here on what runs through the engine raises Unavailable where that is the reason."""

    @event.listens_for(engine, "handle_error")
    def translate(context: ExceptionContext) -> BaseException | None:
        return Unavailable() if is_unavailable(context.original_exception) else None
