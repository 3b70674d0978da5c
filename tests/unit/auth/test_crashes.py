"""A crash between any two statements of an exchange: the old code or token is good, or the new ones are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from unit.auth.auth_desk import App

from sandbox.store.driver import Driver
from sandbox.store.secret import digest


class Crash(BaseException):
    """The process is gone."""


def crashing(monkeypatch: pytest.MonkeyPatch, at: int, *, after: bool) -> Callable[[], int]:
    """Crash at the `at`-th statement of a transaction, before or `after` it ran. Returns how many ran."""
    execute, ran = Driver._execute, [0]

    def run(self: Driver, connection: Any, sql: str, args: Any = ()) -> Any:
        ran[0] += 1
        if ran[0] == at and not after:
            raise Crash
        done = execute(self, connection, sql, args)
        if ran[0] == at and after:
            raise Crash
        return done

    monkeypatch.setattr(Driver, "_execute", run)
    return lambda: ran[0]


STATEMENTS = 5  # begin, take, access token, refresh token, commit


def redeeming(app: App) -> Callable[[], tuple[int, dict[str, Any]]]:
    return partial(app.exchange, app.code())


def refreshing(app: App) -> Callable[[], tuple[int, dict[str, Any]]]:
    return partial(app.refresh, app.sign_in()["refresh_token"])


@pytest.mark.parametrize("prepare", [redeeming, refreshing], ids=lambda prepare: prepare.__name__)
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, STATEMENTS + 1))
def test_a_crash_burns_no_code_and_ends_no_family(
    app: App, monkeypatch: pytest.MonkeyPatch, number: int, after: bool, prepare: Any
) -> None:
    request = prepare(app)
    with monkeypatch.context() as patch:
        crashing(patch, number, after=after)
        with pytest.raises(Crash):
            request()
    committed = number == STATEMENTS and after
    status, body = request()
    assert status == (400 if committed else 200), body


def test_an_exchange_has_so_many_statements(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    token = app.sign_in()["refresh_token"]
    ran = crashing(monkeypatch, 0, after=False)
    assert app.refresh(token)[0] == 200
    assert ran() == STATEMENTS


def test_who_is_late_writes_nothing(app: App) -> None:
    token = app.sign_in()["refresh_token"]
    stored = app.desk.ledger.token(token)
    assert stored is not None
    assert app.desk.ledger.replace_token(stored.hash, 1, ()) is True
    late = replace(stored, hash=digest("late"), replaced=None)
    assert app.desk.ledger.replace_token(stored.hash, 2, [late]) is False
    assert app.desk.ledger.token("late") is None
