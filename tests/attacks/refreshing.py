"""Refresh tokens: replayed, raced, stretched."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from attacks.breach import Scene, attack, held, refused

from sandbox.auth import grants

AT_ONCE = 12

_find = grants.find_refresh_token


@attack("refresh replay", {"sandbox.store.ledger.database.TenantLedger.replace_token": lambda *_: True})
def replaying_a_refresh_token(scene: Scene) -> None:
    app = scene.make().connect("maria")
    stolen = app.tokens["refresh_token"]
    assert app.refresh().status_code == 200
    held(refused(app.refresh(refresh_token=stolen)), "tokens for a refresh token that was replaced")


@attack("refresh replay", {"sandbox.auth.grants._end_family": lambda desk, token: None})
def going_on_after_a_replay(scene: Scene) -> None:
    """Who of the two is the thief cannot be told: the whole family ends."""
    app = scene.make().connect("maria")
    stolen = app.tokens["refresh_token"]
    assert app.refresh().status_code == 200
    assert refused(app.refresh(refresh_token=stolen))
    held(app.get("Patient").status_code == 401, "data with a token of the family")
    held(refused(app.refresh()), "tokens for the newest refresh token of the family")


def _for_any_client(desk: Any, secret: str, client: Any) -> Any:
    token = desk.ledger.token(secret, "refresh")
    return _find(desk, secret, replace(client, client_id=token.client) if token else client)


@attack("refresh replay", {"sandbox.auth.grants.find_refresh_token": _for_any_client})
def refreshing_as_another_client(scene: Scene) -> None:
    app = scene.make().connect("maria")
    thief = scene.web()
    thief.tokens = dict(app.tokens)
    held(refused(thief.refresh()), "tokens for another client's refresh token")
    assert app.refresh().status_code == 200


def _check_then_act() -> dict[str, Any]:
    """Two statements where there should be one: both of two callers see that nobody was faster."""
    both_have_looked = threading.Barrier(2)

    def replace_token(self: Any, hash: str, at: int, tokens: Any = ()) -> bool:
        both_have_looked.wait(10)  # an even number of callers, so everybody has company
        return True

    return {"sandbox.store.ledger.database.TenantLedger.replace_token": replace_token}


@attack("refresh race", _check_then_act)
def racing_for_a_refresh(scene: Scene) -> None:
    app = scene.make().connect("maria")
    form = {"grant_type": "refresh_token", "refresh_token": app.tokens["refresh_token"]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: app.token(form), range(AT_ONCE)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    held(len(won) == 1, "several tokens for one refresh token")
    app.tokens |= won[0]
    held(app.get("Patient").status_code == 401, "a family that outlives its reuse")


@attack("scope escalation", {"sandbox.auth.grants.check_refresh_scope": lambda *_: None})
def refreshing_to_a_larger_scope(scene: Scene) -> None:
    app = scene.make(scope="launch/patient offline_access patient/Patient.rs").connect("maria")
    assert app.get("Coverage").status_code == 403
    for larger in ("patient/*.rs", "patient/Patient.rs patient/Coverage.rs", "patient/Coverage.read",
                   "user/Coverage.rs", "system/*.rs"):  # fmt: skip
        held(refused(app.refresh(scope=larger)), f"a token for {larger}")
    held(app.get("Coverage").status_code == 403, "data beyond the consent")


@attack("scope escalation", {"sandbox.auth.grants.check_refresh_scope": lambda *_: None})
def taking_back_what_the_member_left_out(scene: Scene) -> None:
    """What was dropped at consent does not come back at refresh."""
    app = scene.make()
    page = app.choose(app.log_in("maria"))
    code = app.decide(page, {"decision": "share", "data": ["claims"], "offline": "yes"})["code"]
    app.tokens = app.redeem(code).json()
    assert app.get("Observation").status_code == 403
    held(refused(app.refresh(scope=app.scope)), "the whole scope at refresh")
    held(app.get("Observation").status_code == 403, "what the member did not share")


@attack("eligibility that ended", {"sandbox.auth.grants.find_lost_eligibility": lambda desk, grant: None})
def refreshing_for_a_member_who_opted_out(scene: Scene) -> None:
    app = scene.make().connect("maria")
    app.control("members/maria", {"opted_out": True})
    held(refused(app.refresh()), "tokens for a member who shares no more")


@attack("eligibility that ended", {"sandbox.auth.tokens.access_token.is_locked": lambda desk, grant: False})
def reading_for_a_locked_member(scene: Scene) -> None:
    app = scene.make().connect("maria")
    app.control("members/maria", {"locked": True})
    held(app.get("Coverage").status_code == 401, "data of a member whose account is locked")
