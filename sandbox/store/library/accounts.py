"""Who can sign in, asked of the library one at a time: however many there are, a process knows the latest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, ValuesView
from typing import Any

from sqlalchemy import Column, func, select

from sandbox.core.cache import ByteBoundedCache
from sandbox.core.files import json_value
from sandbox.core.members import Account
from sandbox.store.driver import Driver, bind
from sandbox.store.library.schema import ACCOUNT

LOGINS = 4 << 20
"""Bytes of accounts that a process remembers."""


class Accounts(Mapping[str, Account]):
    """Logins by a column of theirs, in the order they were generated; those without it are not there.
    Safe to share between threads."""

    def __init__(self, driver: Driver, name: Column[Any]):
        self._driver = driver
        self._known: ByteBoundedCache[str, Account] = ByteBoundedCache(LOGINS, lambda name, account: 3000)
        named = name.is_not(None)
        self._one = select(ACCOUNT.c.body).where(name == bind("name")).order_by(ACCOUNT.c.number.desc())
        self._all = select(name, ACCOUNT.c.body).where(named).order_by(ACCOUNT.c.number)
        self._names = select(name).where(named).order_by(ACCOUNT.c.number)
        self._count = select(func.count()).where(named)

    def __getitem__(self, name: str) -> Account:
        account = self._known.get(name)
        if account is None:
            rows = self._driver.rows(self._one, name=name)
            if not rows:
                raise KeyError(name)
            account = self._known.keep(name, _account(rows[0][0]))
        return account

    def __iter__(self) -> Iterator[str]:
        return (name for (name,) in self._driver.rows(self._names))

    def __len__(self) -> int:
        return int(self._driver.rows(self._count)[0][0])

    def values(self) -> ValuesView[Account]:
        return _Values(self)

    def accounts(self) -> Iterator[Account]:
        return (_account(body) for _, body in self._driver.rows(self._all))


class _Values(ValuesView[Account]):
    """All of them by one question instead of one each."""

    _mapping: Accounts

    def __iter__(self) -> Iterator[Account]:
        return self._mapping.accounts()


def _account(body: bytes) -> Account:
    return Account.from_json(json_value(body))
