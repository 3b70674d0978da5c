"""What anybody can make without end: rows of the ledger, and the waiting of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import httpx
import pytest
from attacks.breach import Scene, attack, held
from sqlalchemy import func, select
from support.smart_app import SmartApp

from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.quota import QUOTAS, Quota
from sandbox.store.ledger.repositories.repository import META


def rows(scene: Scene, app: SmartApp, name: str) -> int:
    """Rows of this payer in a table of the ledger."""
    ledger, table = Ledger(scene.ledger), META.tables[name]
    query = select(func.count()).where(table.c.tenant == app.base.partition("/s/")[2])
    with ledger._engine.connect() as db:
        found = db.execute(query).scalar_one()
    ledger.close()
    return int(found)


_NEVER_SWEPT = {"sandbox.store.ledger.retention.Sweeper.sweep": lambda self: 0}


@attack("endless rows", _NEVER_SWEPT, "pushed", table="pushed")
def filling_the_ledger(scene: Scene, table: str) -> None:
    """What was left lying about is gone when it is over by the payer's clock."""
    app = scene.make()
    for _ in range(3):
        httpx.post(f"{app.base}/auth/par", data=app.request())
        httpx.get(f"{app.base}/auth/authorize", params=app.request())
    assert rows(scene, app, table) >= 3
    app.control("clock", {"advance": "P1D"})
    held(rows(scene, app, table) == 0, f"rows of {table} that stay for ever")


_WHOLE = {
    "sandbox.store.ledger.repositories.journal.ENTRY": 10**9,
    "sandbox.web.journal.NAMES": 10**9,
}


@attack("endless rows", _WHOLE, "journal")
def filling_the_journal(scene: Scene) -> None:
    app = scene.make()
    names = urlencode({f"parameter-{number:06}": "" for number in range(99)})
    asked = httpx.get(f"{app.base}/fhir/metadata?{names}")
    (entry,) = app.control(f"journal?request={asked.headers['x-request-id']}").json()["entries"]
    held(entry["params"][-1] == "and 69 more", "every name in the journal")


@contextmanager
def narrow(kind: str, quota: Quota) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(QUOTAS, kind, quota)  # type: ignore[misc]
        yield


_UNCOUNTED = {"sandbox.store.ledger.quota.Quotas._counters": lambda self, kind, address, tenant: iter(())}


@attack("floods of one caller", _UNCOUNTED, "registrations", path="/auth/register", status=201)
@attack("floods of one caller", _UNCOUNTED, "pushed", path="/auth/par", status=201)
@attack("floods of one caller", _UNCOUNTED, "sign-ins", path="/auth/authorize", status=303)
def flooding(scene: Scene, path: str, status: int) -> None:
    """One caller at one payer is stopped; the same caller in another session is not."""
    app, other = scene.make(), scene.make("code-works-twice")
    kind = {"/auth/register": "registration", "/auth/par": "pushed"}.get(path, "sign-in")

    def ask(at: SmartApp) -> httpx.Response:
        if kind == "registration":
            sent = {"redirect_uris": [at.redirect_uri], "token_endpoint_auth_method": "none"}
            return httpx.post(f"{at.base}{path}", json=sent)
        return httpx.post(f"{at.base}{path}", data=at.request())

    with narrow(kind, Quota("requests", 3, 10**9, 10**9)):
        answers = [ask(app) for _ in range(8)]
        assert answers[0].status_code == status
        held(answers[-1].status_code == 429, "as many as they like")
        assert int(answers[-1].headers["retry-after"]) <= 300
        assert ask(other).status_code == status


@attack("floods of one caller", _UNCOUNTED, "passwords")
def guessing_in_many_sessions(scene: Scene) -> None:
    """A new session for every few tries, and a clock that is moved, give no more of them."""
    with narrow("login-failure", Quota("wrong passwords", address=5)):
        statuses = []
        for number in range(8):
            app = scene.make("baseline" if number % 2 else "code-works-twice")
            app.control("clock", {"advance": "PT1H"})
            statuses.append(app.log_in("maria", "guess").status_code)
        held(statuses[-1] == 429, "passwords to try in session after session")
