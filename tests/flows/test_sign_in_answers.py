"""Signing in by control call, plugin and command: each returns what the token endpoint answered."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest
from support.command import command

from sandbox.pytest_plugin import Payer
from sandbox.server.sign_in import SignInFailed

TOKEN = '{ "access_token":"abc",\n"token_type":"Bearer", "patient":"mbr-0001", "expires_in":"60"}'
SECRETS = ("access_token", "refresh_token", "id_token")


def sign_in_by_call(payer: Payer, **body: Any) -> httpx.Response:
    return httpx.post(f"{payer.url}/_sandbox/sign-in", json={"member": payer.member, **body})


def print_answer(payer: Payer, *words: str) -> tuple[int, str]:
    done = command("token", "--member", payer.member, "--json", "--url", payer.url, *words)
    return done.returncode, done.stdout


def without_secrets(body: bytes | str) -> list[tuple[str, Any]]:
    """The names and values of a token response in their order; of secrets only the type."""
    pairs: list[tuple[str, Any]] = json.loads(body, object_pairs_hook=list)
    return [(name, type(value).__name__ if name in SECRETS else value) for name, value in pairs]


@pytest.mark.parametrize(
    ("scenario", "absent", "values"),
    [
        ("patient-missing", {"patient"}, {"expires_in": 3600}),
        ("expires-in-as-text", set(), {"expires_in": "3600"}),
        ("scope-unsaid", {"scope"}, {"patient": "mbr-0001"}),
        ("expires-in-missing", {"expires_in"}, {}),
        ("id-token-missing", {"id_token"}, {}),
        ("refresh-token-withheld", {"refresh_token"}, {}),
    ],
)
def test_a_fault_of_the_token_response_is_in_every_answer(
    payer: Payer, scenario: str, absent: set[str], values: dict[str, Any]
) -> None:
    payer = payer.scenario(scenario)
    response = payer.sign_in()
    assert json.loads(response.body) == response
    assert not absent & set(response)
    assert response.items() >= values.items()
    call = sign_in_by_call(payer)
    assert (call.status_code, call.headers["Content-Type"]) == (200, response.answer.content_type)
    code, printed = print_answer(payer)
    assert code == 0
    assert without_secrets(response.body) == without_secrets(call.content) == without_secrets(printed)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", TOKEN),
        (200, "text/plain; charset=latin-1", TOKEN),
        (200, "application/json", f"\ufeff{TOKEN}"),
        (200, "", TOKEN),
    ],
    ids=["as-html", "as-text", "with-a-byte-order-mark", "without-a-type"],
)
def test_a_token_of_another_content_type_is_returned_byte_for_byte(
    payer: Payer, status: int, content_type: str, body: str
) -> None:
    reply = {"do": "reply_with", "status": status, "body": body} | (
        {"content_type": content_type} if content_type else {}
    )
    payer.fail_next(3, {"path": "/auth/token"}, reply)
    response = payer.sign_in()
    assert response == json.loads(body.removeprefix("\ufeff"))
    assert (response.answer.status, response.answer.content_type) == (status, content_type)
    assert response.body == body.encode()
    call = sign_in_by_call(payer)
    assert (call.status_code, call.headers.get("Content-Type", "")) == (status, content_type)
    assert call.content == body.encode()
    assert print_answer(payer) == (0, body)


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "text/html", "<h1>\u001b[2JSorry</h1>\r\n"),
        (200, "application/json", "[]"),
        (200, "application/json", '{"error": "invalid_grant"}'),
        (400, "application/json", '{"error":"invalid_grant","error_description":"no"}'),
        (503, "text/html; charset=utf-8", ""),
    ],
    ids=["a-page", "a-list", "an-error-with-200", "an-error", "an-empty-body"],
)
def test_an_answer_without_a_token_is_returned_byte_for_byte(
    payer: Payer, status: int, content_type: str, body: str
) -> None:
    reply = {"do": "reply_with", "status": status, "content_type": content_type, "body": body}
    payer.fail_next(3, {"path": "/auth/token"}, reply)
    with pytest.raises(SignInFailed, match="maria could not sign in: ") as caught:
        payer.sign_in()
    answer = caught.value.answer
    assert answer is not None
    assert (answer.status, answer.content_type, answer.body) == (status, content_type, body.encode())
    call = sign_in_by_call(payer)
    assert (call.status_code, call.headers["Content-Type"]) == (status, content_type)
    assert call.content == body.encode()
    assert print_answer(payer) == (2, body)


def test_a_refresh_returns_what_the_refresh_was_answered(payer: Payer) -> None:
    body = TOKEN.replace("abc", "renewed")
    reply = {"do": "reply_with", "status": 200, "content_type": "application/json", "body": body}
    payer.fail_next(3, {"path": "/auth/token", "grant_type": "refresh_token"}, reply)
    response = payer.sign_in(refresh=1)
    assert (response["access_token"], response.body) == ("renewed", body.encode())
    assert sign_in_by_call(payer, refresh=1).content == body.encode()
    assert print_answer(payer, "--refresh", "1") == (0, body)
    withheld = payer.scenario("refresh-token-withheld")
    with pytest.raises(SignInFailed, match="there is no refresh token") as caught:
        withheld.sign_in(refresh=1)
    assert caught.value.answer is not None
    assert "refresh_token" not in json.loads(caught.value.answer.body)
    assert "refresh_token" not in sign_in_by_call(withheld, refresh=1).json()


def test_a_sign_in_that_ends_before_the_token_endpoint_has_no_answer(payer: Payer) -> None:
    refused = payer.scenario("portal-opt-in-required")
    with pytest.raises(SignInFailed, match="access_denied") as caught:
        refused.sign_in("oscar")
    assert caught.value.answer is None
    call = sign_in_by_call(refused, member="oscar")
    assert call.status_code == 400
    assert "oscar could not sign in: access_denied" in call.json()["message"]
    payer.fail_next(1, {"path": "/auth/token"}, {"do": "drop_connection"})
    with pytest.raises(SignInFailed) as dropped:
        payer.sign_in()
    assert dropped.value.answer is None


def test_a_backend_services_answer_is_printed_as_sent(payer: Payer) -> None:
    done = command("token", "--system", "--json", "--url", payer.url)
    assert done.returncode == 0
    assert json.loads(done.stdout)["token_type"] == "Bearer"
    payer.fail_next(1, {"path": "/auth/token"}, {"do": "reply_with", "status": 500, "body": "<b>no</b>"})
    done = command("token", "--system", "--json", "--url", payer.url)
    assert (done.returncode, done.stdout) == (2, "<b>no</b>")
    assert "sandbox-backend got no token" in done.stderr
