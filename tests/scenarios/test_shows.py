"""What each scenario says a client sees: its `shows`, step by step, over HTTP."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp, hidden

from sandbox.faults.catalog import load
from sandbox.faults.scenario import Show, Then
from sandbox.settings import root

SCENARIOS = load(root() / "scenarios").by_id
FIRST_MEMBER = "maria"
TOLERANCE = 0.15


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_shows_what_it_says(make_app: MakeApp, name: str) -> None:
    client = make_app(name)
    for step in SCENARIOS[name].shows:
        seen = act(client, step)
        for _ in range(step.times - 1):
            seen = act(client, step)
        check(client, seen, step.then)


def act(client: SmartApp, step: Show) -> Any:
    """Take a step. Returns the answer, or the callback's parameters of a sign-in that failed."""
    if step.sign_in:
        client.tokens = {}
        back = client.agree(step.sign_in)
        if "code" not in back:
            return back
        answer = client.redeem(back["code"])
        client.tokens = answer.json() if answer.status_code == 200 else {}
        return answer
    if step.opt_in:
        return opt_in(client, step.opt_in)
    if step.advance:
        return client.control("clock", {"advance": step.advance})
    if not client.tokens:
        client.connect(FIRST_MEMBER)
    if step.refresh:
        return [client.refresh() for _ in range(step.refresh)][-1]
    return client.get(str(step.get).format(patient=client.patient))


def opt_in(client: SmartApp, username: str) -> httpx.Response:
    form = {"username": username, "password": f"{username}-pass"}
    form |= hidden(client.browser.get(f"{client.base}/portal"))
    client.browser.post(f"{client.base}/portal/login", data=form)
    page = client.browser.get(f"{client.base}/portal")
    return client.browser.post(f"{client.base}/portal/opt-in", data=hidden(page))


def check(client: SmartApp, seen: Any, then: Then) -> None:
    answer = seen if isinstance(seen, httpx.Response) else None
    callback = seen if isinstance(seen, dict) else {}
    body = answer.json() if answer is not None and "json" in answer.headers.get("content-type", "") else {}
    if then.status is not None:
        assert answer is not None
        assert answer.status_code == then.status, answer.text[:300]
    if then.connected is not None:
        assert bool(client.tokens) is then.connected
    if then.issue:
        assert body["issue"][0]["code"] == then.issue
    if then.error:
        assert (callback or body)["error"] == then.error
    if then.says:
        assert then.says in str(callback or (answer and answer.text))
    for name, value in then.header.items():
        assert answer is not None
        assert value in answer.headers.get(name, ""), name
    if then.every:
        check_references(client, body, then.every, then.unresolvable)


def check_references(client: SmartApp, bundle: dict[str, Any], path: str, share: float | None) -> None:
    """The share of the references at a path, over all entries, that cannot be read."""
    found = values(bundle, path.split("."))
    assert found, f"no entry has {path}"
    if share is not None:
        lost = {reference for reference in set(found) if client.get(reference).status_code != 200}
        assert abs(sum(reference in lost for reference in found) / len(found) - share) <= TOLERANCE, lost


def values(node: Any, steps: list[str]) -> list[Any]:
    """Everything at a path, lists walked through."""
    if isinstance(node, list):
        return [value for each in node for value in values(each, steps)]
    if not steps:
        return [node]
    return values(node[steps[0]], steps[1:]) if isinstance(node, dict) and steps[0] in node else []
