"""Two workers, two hundred callers at once, one secret: exactly one of them is served."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from support.running import served
from support.smart_app import SmartApp

pytestmark = pytest.mark.slow

CALLERS = 200


@pytest.fixture(scope="module")
def two_workers(env: dict[str, str]) -> Iterator[str]:
    with served("--workers", "2", env=env) as origin:
        yield origin


def all_at_once(url: str, form: dict[str, str]) -> list[httpx.Response]:
    """The same form from every caller, each on a connection of its own that is open before the start."""

    async def race() -> list[httpx.Response]:
        start = asyncio.Event()
        limits = httpx.Limits(max_connections=CALLERS)

        async def caller(http: httpx.AsyncClient) -> httpx.Response:
            await start.wait()
            return await http.post(url, data=form)

        async with httpx.AsyncClient(limits=limits, timeout=600, verify=False) as http:
            callers = [asyncio.create_task(caller(http)) for _ in range(CALLERS)]
            await asyncio.sleep(0)
            start.set()
            return await asyncio.gather(*callers)

    return asyncio.run(race())


def only_winner(answers: list[httpx.Response]) -> dict[str, str]:
    won = [answer for answer in answers if answer.status_code == 200]
    lost = [answer for answer in answers if answer.status_code != 200]
    assert len(won) == 1
    assert {(answer.status_code, answer.json()["error"]) for answer in lost} == {(400, "invalid_grant")}
    token: dict[str, str] = won[0].json()
    return token


def test_of_two_hundred_exchanges_of_one_code_one_succeeds(two_workers: str) -> None:
    with SmartApp(f"{two_workers}/s/baseline~codes") as app:
        code = app.agree("maria")["code"]
        form = {"grant_type": "authorization_code", "code": code, "client_id": app.client_id}
        form |= {"redirect_uri": app.redirect_uri, "code_verifier": app.verifier or ""}
        app.tokens = only_winner(all_at_once(f"{app.base}/auth/token", form))
        # The others are a replay (RFC 6749 §4.1.2): what the code gave is worth nothing any more.
        assert app.get("Patient").status_code == 401
        assert app.refresh().status_code == 400


def test_of_two_hundred_uses_of_one_refresh_token_one_succeeds(two_workers: str) -> None:
    with SmartApp(f"{two_workers}/s/baseline~refreshes") as app:
        app.connect("maria")
        form = {"grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]}
        form |= {"client_id": app.client_id}
        app.tokens = only_winner(all_at_once(f"{app.base}/auth/token", form))
        assert app.get("Patient").status_code == 401
        assert app.refresh().status_code == 400
