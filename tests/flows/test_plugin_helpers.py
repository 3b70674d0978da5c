"""What a test changes at its payer: scenarios, members, apps, keys, and a second payer."""

from __future__ import annotations

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.core.errors import UsageError
from sandbox.pytest_plugin import Payer

CALLBACK = "https://app.example/callback"


def read_status(payer: Payer, headers: dict[str, str]) -> int:
    return httpx.get(f"{payer.fhir}/Patient", headers=headers).status_code


def test_a_switched_scenario_is_in_force_for_the_token_and_address_that_the_app_has(payer: Payer) -> None:
    headers = payer.sign_in().headers

    def read_type() -> str:
        return httpx.get(f"{payer.fhir}/ExplanationOfBenefit", headers=headers).headers["Content-Type"]

    assert "json" in read_type()
    payer.switch("maintenance-page")
    assert read_type() == "text/html; charset=utf-8"
    payer.switch("")
    assert "json" in read_type()
    with pytest.raises(UsageError, match="Nearest: rate-limited"):
        payer.switch("rate-limitd")


def test_a_revoked_grant_ends_the_apps_access(payer: Payer) -> None:
    response, other = payer.sign_in(), payer.sign_in("walter")
    assert payer.revoke(client="another-app") == 0
    assert read_status(payer, response.headers) == 200
    assert payer.revoke(client="sandbox-app") == 1
    assert payer.revoke() == 0
    assert read_status(payer, response.headers) == 401
    assert read_status(payer, other.headers) == 200
    assert payer.revoke("walter") == 1
    assert read_status(payer, other.headers) == 401
    with pytest.raises(UsageError, match="No member has this user name"):
        payer.revoke("no body")


def test_a_locked_member_cannot_sign_in_until_unlocked(payer: Payer) -> None:
    assert payer.members.lock().locked
    assert payer.members.status().refusal == "locked"
    with pytest.raises(UsageError, match="locked"):
        payer.token()
    assert not payer.members.unlock().locked
    assert payer.members.status("walter").may_share
    assert payer.token()


@pytest.mark.payer("portal-opt-in-required", member="oscar")
def test_a_member_opts_in_and_out(payer: Payer) -> None:
    assert payer.members.status().refusal == "not-opted-in"
    status = payer.members.opt_in()
    assert (status.opted_in, status.opted_out, status.refusal) == (True, False, None)
    assert payer.token()
    status = payer.members.opt_out()
    assert (status.opted_in, status.opted_out, status.refusal) == (False, True, "not-opted-in")
    assert payer.members.opt_in().opted_in
    assert payer.members.status("maria").opted_in


def test_a_payer_that_approves_connections_is_told_to(payer: Payer) -> None:
    assert payer.members.approve().approved


def test_an_app_is_registered_suspended_and_approved_again(payer: Payer) -> None:
    registration = payer.clients.register("Mine", CALLBACK, contacts=["mailto:dev@app.example"])
    id = registration["client_id"]
    assert payer.journal.entries() == [], "the registration is the test's"
    assert payer.clients.get(id)["client_name"] == "Mine"
    assert id in {app["client_id"] for app in payer.clients.all()}
    with SmartApp(payer.url, id, CALLBACK, registration["client_secret"]) as app:
        app.connect("maria")
        assert payer.clients.suspend(id)["client_state"] == "suspended"
        assert app.get("Patient").status_code == 401
        assert app.authorize().status_code == 400
        assert payer.clients.approve(id)["client_state"] == "approved"
        app.connect("maria")
        assert app.get("Patient").status_code == 200
        assert payer.clients.deny(id, "malware")["client_state"] == "denied"
    with pytest.raises(UsageError, match="criterion must be one of"):
        payer.clients.suspend(id, "looks-bad")
    with pytest.raises(UsageError, match=r"Mine was not registered: 400 .*redirect_uri"):
        payer.clients.register("Mine")


def test_the_old_secret_ends_at_once_or_with_notice(payer: Payer) -> None:
    registration = payer.clients.register("Mine", CALLBACK)
    id, first = registration["client_id"], registration["client_secret"]

    def redeem(secret: str) -> int:
        with SmartApp(payer.url, id, CALLBACK, secret) as app:
            return app.redeem(app.agree("maria")["code"]).status_code

    second = payer.clients.rotate_secret(id)
    assert (redeem(first), redeem(second)) == (200, 200)
    third = payer.clients.rotate_secret(id, at_once=True)
    assert (redeem(first), redeem(second), redeem(third)) == (401, 401, 200)


def test_id_tokens_are_signed_with_the_new_key(payer: Payer) -> None:
    kid = payer.keys.rotate()
    published = [key["kid"] for key in httpx.get(f"{payer.auth}/jwks").json()["keys"]]
    assert kid in published
    assert len(published) == 2


def test_another_payer_shares_nothing(payer: Payer) -> None:
    other = payer.another("the new plan", "baseline", member="walter")
    token = other.sign_in()
    assert read_status(payer, token.headers) == 401
    assert read_status(other, token.headers) == 200
    other.clock.advance("P90D")
    assert (other.clock.now() - payer.clock.now()).days >= 89
    payer.members.lock("walter")
    assert not other.members.status().locked
    assert len(other.journal.entries()) == 1
    assert len(payer.journal.entries()) == 1
    assert payer.another("the new plan").session == other.session
    assert payer.another("an old plan").session != other.session
    assert str(other.journal).startswith("The payer's journal (the new plan, baseline):\n")
    with pytest.raises(pytest.fail.Exception, match="Nearest: rate-limited"):
        payer.another("typo", "rate-limitd")
