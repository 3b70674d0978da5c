"""Where a library or a ledger is: a file, or a schema of a PostgreSQL database.

A schema is part of the URL (`options=-csearch_path=…`, as libpq reads it), so that one string says all.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from sandbox.core.errors import FileProblem

_DRIVERS = ("postgresql", "postgres", "postgresql+psycopg")
_SEARCH_PATH = "-csearch_path="

MAPPED = 1 << 40
"""Bytes of a library file that may be read without copying; SQLite takes the most it can."""


def is_url(place: str | Path) -> bool:
    """Whether a place is a database rather than a file or a folder."""
    return isinstance(place, str) and re.match(r"[A-Za-z0-9+]+://", place) is not None


def within(url: str, schema: str) -> str:
    """The address of a schema of that database. Raises FileProblem."""
    parts = _parsed(url)
    return parts.update_query_dict({"options": f"{_SEARCH_PATH}{schema}"}).render_as_string(False)


def schema_of(url: str) -> str:
    """The schema that an address names."""
    options = _parsed(url).query.get("options", "")
    return str(options).partition(_SEARCH_PATH)[2] or "public"


def shown(place: str | Path) -> str:
    """A place as it may be printed: without a password."""
    return repr(_parsed(place)) if isinstance(place, str) and is_url(place) else str(place)


def reading(place: str | Path) -> Engine:
    """An engine that only reads: many processes may share a file, which nobody changes any more."""
    if isinstance(place, str) and is_url(place):
        return _server(place, "-cdefault_transaction_read_only=on")
    query = {"mode": "ro", "immutable": "1", "uri": "true"}
    engine = create_engine(URL.create("sqlite", database=f"file:{quote(str(place))}", query=query))

    @event.listens_for(engine, "connect")
    def pragmas(connection: Any, record: Any) -> None:
        connection.execute(f"PRAGMA mmap_size = {MAPPED}")

    return engine


def writing(place: str | Path) -> Engine:
    """An engine for a file or a schema that changes."""
    if isinstance(place, str) and is_url(place):
        return _server(place)
    url = URL.create("sqlite", database=str(place))
    # Parameters are hidden from logs and exceptions: secrets, their digests and keys are among them.
    return create_engine(url, connect_args={"timeout": 10}, hide_parameters=True)


def making(path: Path) -> Engine:
    """An engine for a new file that nobody else opens before it is whole."""
    # Without SQLite's own locks: `part_file` holds one, and where locks of both kinds meet they exclude
    # each other.
    query = {"nolock": "1", "uri": "true"}
    return create_engine(URL.create("sqlite", database=f"file:{quote(str(path))}", query=query))


def _server(url: str, *options: str) -> Engine:
    parts = _parsed(url)
    settings = " ".join([str(parts.query.get("options", "")), *options]).strip()
    engine = create_engine(
        parts.update_query_dict({"options": settings} if settings else {}),
        pool_size=16,
        max_overflow=-1,
        hide_parameters=True,
    )

    @event.listens_for(engine, "before_cursor_execute", retval=True)
    def sendable(
        db: object, cursor: object, statement: str, values: Any, context: object, many: bool
    ) -> tuple[str, Any]:
        return statement, printable(values) if isinstance(values, dict) else values

    return engine


def printable(values: dict[str, Any]) -> dict[str, Any]:
    """Values as PostgreSQL takes them. Strangers send NUL too. No text here holds one, so what it is
    replaced by finds as little."""
    return {k: v.replace("\0", "\ufffd") if isinstance(v, str) else v for k, v in values.items()}


def _parsed(url: str) -> URL:
    try:
        parts = make_url(url)
    except ArgumentError:
        raise FileProblem("the address of the database cannot be read") from None
    if parts.drivername not in _DRIVERS:
        raise FileProblem(f"a store is a folder or postgresql://…, not {parts.drivername}://")
    return parts.set(drivername="postgresql+psycopg")
