"""Who may not connect any more loses what they had connected, where the payer looks again."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from support.smart_app import MakeApp, SmartApp

LOSSES: dict[str, tuple[dict[str, bool], str]] = {
    "locked": ({"locked": True}, "account is locked"),
    "opted out": ({"opted_out": True}, "not switched on"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_a_refresh_is_refused_until_the_member_may_connect_again(maria: SmartApp, loss: str) -> None:
    body, words = LOSSES[loss]
    maria.control("members/maria", body)
    refused = maria.refresh()
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert words in refused.json()["error_description"]
    entry = maria.control("journal?path=/auth/token").json()["entries"][-1]
    assert "may not connect any more" in entry["why"]
    maria.control("members/maria", dict.fromkeys(body, False))
    assert maria.refresh().status_code == 200  # the token was not spent


@pytest.mark.parametrize("loss", LOSSES)
def test_a_code_is_not_redeemed_either(app: SmartApp, loss: str) -> None:
    code = app.agree("maria")["code"]
    app.control("members/maria", LOSSES[loss][0])
    refused = app.redeem(code)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_the_tokens_of_a_locked_member_rest(maria: SmartApp) -> None:
    token = {"token": maria.tokens["access_token"]}
    maria.control("members/maria", {"locked": True})
    refused = maria.get("Coverage")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert "The account of this member is locked" in refused.headers["www-authenticate"]
    assert "locked" in refused.json()["issue"][0]["details"]["text"]
    assert maria.control("journal?status=401").json()["entries"][-1]["token_state"] == "locked"
    assert maria.post("introspect", token).json() == {"active": False}
    maria.control("members/maria", {"locked": False})
    assert maria.get("Coverage").status_code == 200
    assert maria.post("introspect", token).json()["active"] is True


@pytest.mark.parametrize("locked", ["family", "twin-one"])
def test_a_lock_of_the_parent_or_of_the_child_stops_the_grant(app: SmartApp, locked: str) -> None:
    picker = app.follow(app.log_in("family"))
    child = app.control("members/twin-one").json()["may_share"][0]
    page = app.choose(picker, child)
    app.tokens = app.redeem(app.decide(page, {"decision": "allow"})["code"]).json()
    assert app.patient == child
    assert app.get("Coverage").status_code == 200
    app.control(f"members/{locked}", {"locked": True})
    assert app.get("Coverage").status_code == 401
    assert app.refresh().json()["error"] == "invalid_grant"


def test_a_lock_of_somebody_else_changes_nothing(maria: SmartApp) -> None:
    maria.control("members/walter", {"locked": True})
    assert maria.get("Coverage").status_code == 200
    assert maria.refresh().status_code == 200


def test_lapsed_members_go_on_where_the_payer_says_so(app: SmartApp) -> None:
    app.connect("lapsed-30")
    for _ in range(12):
        app.control("clock", {"advance": "P30D"})
        assert app.refresh().status_code == 200
        assert app.get(f"Patient/{app.patient}").status_code == 200


def test_a_payer_that_does_not_look_again(make_app: MakeApp) -> None:
    app = make_app("eligibility-not-rechecked").connect("maria")
    app.control("members/maria", {"locked": True, "opted_out": True})
    assert app.get("Coverage").status_code == 200
    assert app.refresh().status_code == 200
    assert app.agree("maria")["error"] == "access_denied"


def test_a_payer_that_refuses_data_lets_the_token_go_on(at: Callable[..., SmartApp]) -> None:
    app = at("refuses-the-token").connect("nina")
    assert app.refresh().status_code == 200
    assert app.get("Coverage").status_code == 403
