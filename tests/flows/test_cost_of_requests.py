"""What a request costs the server, in function calls: at most in proportion to its parameters, at every
endpoint, and next to nothing when there are too many of them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest
from support import stores
from support.costs import calls, is_linear
from support.grants import hold_token
from werkzeug.test import Client

from sandbox.core import limits
from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.server.app import create_app
from sandbox.settings import Settings

ENDPOINTS = [
    "/fhir/Patient",
    "/fhir/Patient/_search",
    "/fhir/Patient/x",
    "/fhir/DocumentReference/$docref",
    "/fhir/metadata",
    "/fhir",
    "/auth/authorize",
    "/auth/token",
    "/auth/revoke",
    "/auth/introspect",
    "/auth/par",
    "/auth/login",
    "/portal/login",
    "/_sandbox/journal",
    "/nowhere",
]
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def client(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Straight to the app, in this thread, with a token of maria's."""
    ledger = stores.place(tmp_path_factory.mktemp("cost") / "ledger.db")
    app = create_app(replace(settings, ledger=str(ledger)), FrozenClock(SystemClock().now()))
    rooms = app.extensions["wiring"]
    hold_token(rooms.ledger.tenant(""), "t", rooms.accounts["maria"].patient, username="maria")
    return Client(app)


def cost(client: Any, method: str, path: str, number: int, turn: str = "") -> int:
    """Of a request with so many parameters. `turn` makes it one that nothing remembers."""
    sent = urlencode([(f"p{turn}{each}", "1") for each in range(number)])
    options: dict[str, Any] = {"query_string": sent} if method == "GET" else {"data": sent, "headers": FORM}
    headers = options.pop("headers", {}) | {"Authorization": "Bearer t"}
    return calls(lambda: client.open(path, method=method, headers=headers, **options))


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_it_grows_no_faster_than_the_parameters(client: Any, method: str, path: str) -> None:
    cost(client, method, path, 1, "warm")
    costs = [cost(client, method, path, n) for n in (12, 24, 48, 96)]
    assert is_linear(costs, 8), costs


@pytest.mark.parametrize("path", ENDPOINTS)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_too_many_cost_less_than_the_most_that_is_allowed(client: Any, method: str, path: str) -> None:
    ask = partial(cost, client, method, path)
    ask(1, "warm")
    most = ask(limits.PARAMETERS_MAX)
    for number in (limits.PARAMETERS_MAX + 1, 1000, 4000):
        assert ask(number) < 2 * most + 10 * number * (method == "GET"), number
