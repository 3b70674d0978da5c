"""The driver beneath SQLAlchemy, for the few statements that almost every request runs.

A statement is written in SQLAlchemy with named parameters and becomes text once; after that only the
driver is at work, which takes a tenth of the time. Each statement is a transaction of its own, but for
those that are written `together`. Of the types of SQLAlchemy only our own (`TypeDecorator`) mean something
here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from operator import attrgetter, methodcaller
from threading import Lock
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Engine, Executable, bindparam
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import TypeDecorator

from sandbox.core.cache import bounded
from sandbox.core.errors import Unavailable
from sandbox.store.address import printable
from sandbox.store.failures import is_unavailable

Row = tuple[Any, ...]
Place = tuple[str, int | None]
"""A parameter, and which of its values if it is a list."""
Change = Callable[[Any], Any]
Step = tuple[Executable, dict[str, Any]]
"""A statement and its values."""


class TextStatement(NamedTuple):
    """A statement for one database: where its parameters come from (in order, or by name), those that it
    brings itself, and what becomes of values on their way there and of columns on their way back."""

    sql: str
    places: tuple[Place, ...] | dict[str, Place]
    constants: dict[str, Any]
    sent: dict[str, Change]
    columns: tuple[tuple[int, Change], ...]


def bind(name: str, *, many: bool = False) -> BindParameter[Any]:
    """A parameter of a statement; `many`: the values of an `in_`."""
    return bindparam(name, expanding=True) if many else bindparam(name, required=False)


def pad(values: list[Any]) -> list[Any]:
    """Values of an `in_`, with the last of them repeated: statements of few lengths, each made text once."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


_fetched, _count = methodcaller("fetchall"), attrgetter("rowcount")


TEXTS = 8 << 20
"""Bytes of statements that a driver remembers as text."""


def _weigh(arguments: tuple[Any, ...], text: TextStatement) -> int:
    """A statement's own objects take some twenty times its text."""
    return 20 * len(text.sql) + 200 * (len(text.places) + len(text.constants)) + 4096


class _Queue:
    """Writers of a process, one at a time. When one waited in vain for a writer of another process, those
    behind it do not wait anew, one after the other: they fail with it."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._failures = 0

    def __enter__(self) -> None:
        failures = self._failures
        self._lock.acquire()
        if failures != self._failures:
            self._lock.release()
            raise Unavailable()

    def __exit__(self, kind: type[BaseException] | None, *problem: object) -> None:
        if kind is not None and issubclass(kind, Unavailable):
            self._failures += 1
        self._lock.release()


class Driver:
    """Runs statements on connections of its own, and waits `patience` ms for another writer (None: as long
    as the engine does). Safe to share between threads. Raises Unavailable where the database is locked,
    full, read-only or away."""

    def __init__(self, engine: Engine, patience: int | None = None):
        self._engine, self._patience = engine, patience
        self._idle: deque[Any] = deque()
        self._parents: deque[Any] = deque()
        self._text = bounded(TEXTS, _weigh)(self._compiled)
        # SQLite has one writer at a time and lets others sleep for milliseconds: in a process they queue.
        self._writing: Any = _Queue() if engine.dialect.name == "sqlite" else nullcontext()

    def rows(self, statement: Executable, **values: Any) -> list[Row]:
        """What a question finds. A list is the value of an `in_` of an expanding parameter."""
        rows: list[Row] = self._run(statement, values, _fetched)
        return rows

    def run(self, statement: Executable, **values: Any) -> None:
        """Write, and have it written when this returns."""
        with self._writing:
            self._run(statement, values, _count)

    def changed(self, statement: Executable, **values: Any) -> int:
        """The same; how many rows it has changed."""
        with self._writing:
            count: int = self._run(statement, values, _count)
        return count

    def together(self, first: Step, *others: Step) -> bool:
        """Write all of them in one transaction; nothing where the first changes no row. Returns whether
        it did."""
        begin = "BEGIN IMMEDIATE" if self._engine.dialect.name == "sqlite" else "BEGIN"
        prepared = [self._prepared(*step)[:2] for step in (first, *others)]
        with self._writing:
            connection = self._borrowed()
            try:
                connection.execute(begin)
                done = bool(connection.execute(*prepared[0]).rowcount)
                for sql, args in prepared[1:] if done else ():
                    connection.execute(sql, args)
                connection.execute("COMMIT" if done else "ROLLBACK")
            except BaseException as problem:
                connection.close()  # which rolls back
                _translate(problem)
                raise
            self._idle.append(connection)
        return done

    def _run(self, statement: Executable, values: dict[str, Any], read: Callable[[Any], Any]) -> Any:
        sql, args, changes = self._prepared(statement, values)
        connection = self._borrowed()
        try:
            result = read(connection.execute(sql, args))
        except BaseException as problem:
            connection.close()
            _translate(problem)
            raise
        self._idle.append(connection)
        if result and changes:
            return [_changed(row, changes) for row in result]
        return result

    def _borrowed(self) -> Any:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connected()

    def _prepared(
        self, statement: Executable, values: dict[str, Any]
    ) -> tuple[str, Any, tuple[tuple[int, Change], ...]]:
        """The statement's text, its arguments, and what becomes of the columns it finds."""
        lengths = tuple([(name, len(value)) for name, value in values.items() if type(value) is list])
        text = self._text(statement, lengths)
        for name, change in text.sent.items():
            value = values[name]
            values[name] = [change(item) for item in value] if type(value) is list else change(value)
        values |= text.constants
        args: Any
        if isinstance(text.places, tuple):
            args = [values[name] if at is None else values[name][at] for name, at in text.places]
        else:
            args = printable(
                {
                    key: values[name] if at is None else values[name][at]
                    for key, (name, at) in text.places.items()
                }
            )
        return text.sql, args, text.columns

    def _connected(self) -> Any:
        try:
            fresh = self._engine.raw_connection()
        except DBAPIError as problem:
            if is_unavailable(problem.orig):
                raise Unavailable() from None
            raise
        connection: Any = fresh.driver_connection
        fresh.detach()
        if self._engine.dialect.name == "sqlite":
            connection.isolation_level = None
            if self._patience is not None:
                connection.execute(f"PRAGMA busy_timeout={self._patience}")
        else:
            connection.autocommit = True
            if self._patience is not None:
                connection.execute(f"SET lock_timeout={self._patience}")
        return connection

    def _compiled(self, statement: Executable, lengths: Sequence[tuple[str, int]]) -> TextStatement:
        blanks: dict[str, Any] = {name: list(range(length)) for name, length in lengths}
        compilable: Any = statement
        dialect = self._engine.dialect
        compiled = compilable.compile(dialect=dialect)
        sent: dict[str, Any] = {
            name: bind.type.bind_processor(dialect)
            for bind, name in compiled.bind_names.items()
            if isinstance(bind.type, TypeDecorator)
        }
        changes: Any = tuple(
            (number, column.type.result_processor(dialect, None))
            for number, column in enumerate(getattr(compilable, "selected_columns", ()))
            if isinstance(column.type, TypeDecorator)
        )
        state = compiled.construct_expanded_state(blanks)
        at: dict[str, Place] = {
            f"{name}_{number + 1}": (name, number) for name, length in lengths for number in range(length)
        }
        params = {n: value for n, value in state.parameters.items() if n not in blanks}
        sent |= state.processors  # those of the values of an `in_` that the statement brings
        constants = {
            n: sent[n](value) if n in sent else value
            for n, value in params.items()
            if value is not None and n not in at
        }
        places: tuple[Place, ...] | dict[str, Place]
        if state.positiontup is None:
            places = {name: at.get(name, (name, None)) for name in params}
        else:
            places = tuple(at.get(name, (name, None)) for name in state.positiontup)
        sent_names = {name for name, _ in (places if isinstance(places, tuple) else places.values())}
        sent = {name: change for name, change in sent.items() if name in sent_names - constants.keys()}
        return TextStatement(state.statement, places, constants, sent, changes)

    def forget(self) -> None:
        """After a fork: the connections are the parent's, who closes them."""
        self._parents, self._idle = self._idle, deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _translate(problem: BaseException) -> None:
    """Raises Unavailable where the database is locked, full, read-only or away."""
    if is_unavailable(problem):
        raise Unavailable() from None


def _changed(row: Row, changes: Sequence[tuple[int, Change]]) -> Row:
    columns = list(row)
    for number, change in changes:
        columns[number] = change(columns[number])
    return tuple(columns)
