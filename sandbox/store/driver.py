"""The driver beneath SQLAlchemy, for the few statements that almost every request runs.

A statement is written in SQLAlchemy with named parameters and becomes text once; after that only the
driver is at work, which takes a tenth of the time. Each statement is a transaction of its own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import attrgetter, methodcaller
from typing import Any

from sqlalchemy import BindParameter, Engine, Executable, bindparam

from sandbox.store.address import printable

Row = tuple[Any, ...]
Place = tuple[str, int | None]
"""A parameter, and which of its values if it is a list."""


def given(name: str, *, many: bool = False) -> BindParameter[Any]:
    """A parameter of a statement; `many`: the values of an `in_`."""
    return bindparam(name, expanding=True) if many else bindparam(name, required=False)


_fetched, _count = methodcaller("fetchall"), attrgetter("rowcount")


def _nothing(done: Any) -> None:
    """What a write has to tell."""


class Driver:
    """Runs statements on connections of its own. Safe to share between threads."""

    def __init__(self, engine: Engine):
        self._engine = engine
        self._idle: deque[Any] = deque()
        self._parents: deque[Any] = deque()
        self._text = lru_cache(1024)(self._compiled)

    def rows(self, statement: Executable, **values: Any) -> list[Row]:
        """What a question finds. A list is the value of an `in_` of an expanding parameter."""
        found: list[Row] = self._run(statement, values, _fetched)
        return found

    def run(self, statement: Executable, **values: Any) -> None:
        """Write, and have it written when this returns."""
        self._run(statement, values, _nothing)

    def changed(self, statement: Executable, **values: Any) -> int:
        """The same; how many rows it has changed."""
        count: int = self._run(statement, values, _count)
        return count

    def _run(self, statement: Executable, values: dict[str, Any], told: Callable[[Any], Any]) -> Any:
        lengths = tuple([(name, len(value)) for name, value in values.items() if type(value) is list])
        text, places, constants = self._text(statement, lengths)
        values |= constants
        args: Any
        if isinstance(places, tuple):
            args = [values[name] if at is None else values[name][at] for name, at in places]
        else:
            args = printable(
                {key: values[name] if at is None else values[name][at] for key, (name, at) in places.items()}
            )
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connected()
        try:
            found = told(connection.execute(text, args))
        except BaseException:
            connection.close()
            raise
        self._idle.append(connection)
        return found

    def _connected(self) -> Any:
        fresh = self._engine.raw_connection()
        connection: Any = fresh.driver_connection
        fresh.detach()
        if self._engine.dialect.name == "sqlite":
            connection.isolation_level = None
        else:
            connection.autocommit = True
        return connection

    def _compiled(
        self, statement: Executable, lengths: Sequence[tuple[str, int]]
    ) -> tuple[str, tuple[Place, ...] | dict[str, Place], dict[str, Any]]:
        """The text for this database, where its parameters come from (in order, or by name), and those
        that the statement brings itself."""
        blanks: dict[str, Any] = {name: list(range(length)) for name, length in lengths}
        whole: Any = statement
        state = whole.compile(dialect=self._engine.dialect).construct_expanded_state(blanks)
        at: dict[str, Place] = {
            f"{name}_{number + 1}": (name, number) for name, length in lengths for number in range(length)
        }
        params = {n: value for n, value in state.parameters.items() if n not in blanks}
        constants = {n: value for n, value in params.items() if value is not None and n not in at}
        places: tuple[Place, ...] | dict[str, Place]
        if state.positiontup is None:
            places = {name: at.get(name, (name, None)) for name in params}
        else:
            places = tuple(at.get(name, (name, None)) for name in state.positiontup)
        return state.statement, places, constants

    def forget(self) -> None:
        """After a fork: the connections are the parent's, who closes them."""
        self._parents, self._idle = self._idle, deque()

    def close(self) -> None:
        while self._idle:
            self._idle.pop().close()
