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
    borrow, ran = Driver._borrowed, [0]

    class Connection:
        """A connection that counts the statements of transactions, and crashes."""

        def __init__(self, inner: Any):
            self.inner, self.is_within = inner, False

        def execute(self, sql: str, args: Any = ()) -> Any:
            self.is_within = self.is_within or sql.startswith("BEGIN")
            ran[0] += self.is_within
            crashes = self.is_within and ran[0] == at
            self.is_within = self.is_within and sql not in ("COMMIT", "ROLLBACK")
            if crashes and not after:
                raise Crash
            done = self.inner.execute(sql, args)
            if crashes:
                raise Crash
            return done

        def close(self) -> None:
            self.inner.close()

    def borrowed(driver: Driver) -> Any:
        connection = borrow(driver)
        return connection if isinstance(connection, Connection) else Connection(connection)

    monkeypatch.setattr(Driver, "_borrowed", borrowed)
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
