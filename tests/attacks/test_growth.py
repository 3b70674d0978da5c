"""What anybody can make without end: rows of the ledger, and the waiting of others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

import httpx
import pytest
from attacks.breach import Scene, held, undefended
from sqlalchemy import func, select
from support.smart_app import SmartApp

from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.quota import QUOTAS, Quota, Quotas
from sandbox.store.ledger.repositories import journal
from sandbox.store.ledger.repositories.repository import META
from sandbox.store.ledger.retention import Sweeper
from sandbox.web.journal import entry as web_journal


def rows(scene: Scene, app: SmartApp, name: str) -> int:
    """Rows of this payer in a table of the ledger."""
    ledger, table = Ledger(scene.ledger), META.tables[name]
    query = select(func.count()).where(table.c.tenant == app.base.partition("/s/")[2])
    with ledger._engine.connect() as db:
        found = db.execute(query).scalar_one()
    ledger.close()
    return int(found)


_NEVER_SWEPT = undefended(Sweeper, sweep=lambda self: 0)


@pytest.mark.parametrize(
    "table",
    [
        pytest.param("pushed", id="pushed"),
    ],
)
@_NEVER_SWEPT
def test_filling_the_ledger(scene: Scene, table: str) -> None:
    """What was left lying about is gone when it is over by the payer's clock."""
    app = scene.make()
    for _ in range(3):
        httpx.post(f"{app.base}/auth/par", data=app.request())
        httpx.get(f"{app.base}/auth/authorize", params=app.request())
    assert rows(scene, app, table) >= 3
    app.control("clock", {"advance": "P1D"})
    held(rows(scene, app, table) == 0, f"rows of {table} that stay for ever")


_WHOLE = undefended(journal, web_journal, ENTRY=10**9, NAMES=10**9)


@_WHOLE
def test_filling_the_journal(scene: Scene) -> None:
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


_UNCOUNTED = undefended(Quotas, _counters=lambda self, kind, address, tenant: iter(()))


@pytest.mark.parametrize(
    ("path", "status"),
    [
        pytest.param("/auth/register", 201, id="registrations"),
        pytest.param("/auth/par", 201, id="pushed"),
        pytest.param("/auth/authorize", 303, id="sign-ins"),
    ],
)
@_UNCOUNTED
def test_flooding(scene: Scene, path: str, status: int) -> None:
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


@_UNCOUNTED
def test_guessing_in_many_sessions(scene: Scene) -> None:
    """A new session for every few tries, and a clock that is moved, give no more of them."""
    with narrow("login-failure", Quota("wrong passwords", address=5)):
        statuses = []
        for number in range(8):
            app = scene.make("baseline" if number % 2 else "code-works-twice")
            app.control("clock", {"advance": "PT1H"})
            statuses.append(app.log_in("maria", "guess").status_code)
        held(statuses[-1] == 429, "passwords to try in session after session")
