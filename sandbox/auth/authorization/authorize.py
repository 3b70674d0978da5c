"""The authorization request: checked in SMART's order of errors.

Sources: SMART App Launch 2.2.0 "Obtain authorization code", RFC 6749 §4.1.1–4.1.2.1, RFC 7636,
RFC 9700 §2.1, RFC 9101 and 9126 (request, request_uri), OpenID Connect Core §3.1.2 (prompt, max_age,
id_token_hint).
First the client and its redirect URI: those errors never redirect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sandbox.auth.authorization.request import LONGEST, AuthorizationRequest, CallbackError
from sandbox.auth.clients.client import Client
from sandbox.auth.context import Desk
from sandbox.auth.scopes import LASTING, asks_for_system, excess, narrow, split, subset
from sandbox.auth.tokens.id_token import find_subject
from sandbox.core.errors import bad_request
from sandbox.core.payer import PayerProfile
from sandbox.core.urls import same_url

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_SINGLE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "code_challenge",
    "code_challenge_method", "nonce", "prompt", "max_age", "response_mode", "launch", "request",
    "request_uri", "id_token_hint",
)  # fmt: skip
_PROMPTS = ("none", "login", "consent", "select_account")

_UNSUPPORTED = {
    "request": ("request_not_supported", "Signed request objects are not supported"),
    "request_uri": ("request_uri_not_supported", "request_uri is for requests pushed to this payer only"),
    "launch": ("invalid_request", "launch is for launches from an EHR: this payer has none"),
}
_SECONDS = re.compile(r"[0-9]{1,9}")


def check(args: Mapping[str, Sequence[str]], desk: Desk, *, pushed: bool = False) -> AuthorizationRequest:
    """The request in `args` (every value of each name); `pushed`: it came by PAR.

    Raises BadRequest for a client or redirect URI that cannot be trusted (shown as a page), and
    CallbackError for everything else.
    """
    one = {name: values[0] for name, values in args.items() if values}
    client, redirect_uri = _trusted(args, one, desk)
    state = one.get("state")
    if state is not None and len(state) > LONGEST:
        bad_request(f"state is longer than {LONGEST} characters", "state")

    if state is not None and len(state) < desk.payer.least_state:
        bad_request(f"state is shorter than {desk.payer.least_state} characters", "state")

    def refuse(error: str, description: str) -> CallbackError:
        return CallbackError(redirect_uri, error, description, state)

    for name in _SINGLE:
        if len(args.get(name, ())) > 1:
            raise refuse("invalid_request", f"{name} is there more than once")
        if name == "scope" and (problem := excess(one.get(name))):
            raise refuse("invalid_scope", problem)
        if name != "state" and not _readable(one.get(name, "")):
            raise refuse("invalid_request", f"{name} is too long, or not UTF-8")
    for name, (error, text) in _UNSUPPORTED.items():
        if name in one:
            raise refuse(error, text)
    if desk.payer.par == "required" and not pushed:
        raise refuse("invalid_request", "This payer takes pushed authorization requests only (RFC 9126)")
    if "response_type" not in one:
        raise refuse("invalid_request", "response_type is missing")
    if one["response_type"] != "code":
        raise refuse("unsupported_response_type", "response_type must be code")
    if one.get("response_mode", desk.payer.response_mode) != desk.payer.response_mode:
        raise refuse("invalid_request", "This response_mode is not supported")
    if not client.check_grant_type("authorization_code"):
        raise refuse("unauthorized_client", "This client may not use the authorization code grant")
    for flaw in (_pkce_problem(one, client), _aud_problem(args, desk), _openid_problem(one)):
        if flaw:
            raise refuse("invalid_request", flaw)
    if asks_for_system(one.get("scope")):
        raise refuse("invalid_scope", "system scopes are not for members to grant")
    scope = registered(narrow(one.get("scope"), desk.types()), client.scope)
    if not (desk.payer.refresh_max_days and client.check_grant_type("refresh_token")):
        scope = [text for text in scope if text not in LASTING]  # nobody is promised what cannot come
    if not scope:
        raise refuse("invalid_scope", "No scope that this payer can grant was asked for")
    if state is None and not client.pkce_optional:
        raise refuse("invalid_request", "state is missing: SMART apps send one")
    max_age, hint = one.get("max_age"), one.get("id_token_hint")
    subject = find_subject(desk, hint) if hint is not None else None
    if hint is not None and subject is None:
        raise refuse("invalid_request", "id_token_hint is not an id_token of this payer")
    return AuthorizationRequest(
        client.client_id,
        redirect_uri,
        tuple(scope),
        state,
        one.get("code_challenge"),
        one.get("nonce"),
        tuple(split(one.get("prompt"))),
        int(max_age) if max_age is not None else None,
        subject,
    )


def registered(asked: Sequence[str], ceiling: str | None) -> list[str]:
    """What of `asked` lies within the scopes a client registered (None: everything). Of a scope that
    asks for more, the registered parts of it are left."""
    if ceiling is None:
        return list(asked)
    parts = [
        [text] if subset(text, ceiling) else [mine for mine in split(ceiling) if subset(mine, text)]
        for text in asked
    ]
    return list(dict.fromkeys(text for part in parts for text in part))


def _readable(value: str) -> bool:
    """Whether a value is short enough, and the UTF-8 that can be stored and compared."""
    return len(value) <= LONGEST and value.isprintable()


def _trusted(args: Mapping[str, Sequence[str]], one: Mapping[str, str], desk: Desk) -> tuple[Client, str]:
    for name in ("client_id", "redirect_uri"):
        if not _readable(one.get(name, "")):
            bad_request(f"{name} is too long, or not UTF-8", name)
    if len(args.get("client_id", ())) != 1:
        bad_request("client_id is missing, or there more than once", "client_id")
    client = desk.clients.get(one["client_id"])
    if client is None:
        bad_request("The client application is not known to this payer", "client_id")
    if client.refusal:
        bad_request(client.refusal, "client_id")
    if len(args.get("redirect_uri", ())) != 1:
        bad_request("redirect_uri is missing, or there more than once", "redirect_uri")
    if not client.allows_redirect(one["redirect_uri"]):
        bad_request("This redirect_uri is not registered for the client", "redirect_uri")
    return client, one["redirect_uri"]


def _pkce_problem(one: Mapping[str, str], client: Client) -> str | None:
    challenge, method = one.get("code_challenge"), one.get("code_challenge_method")
    if challenge is None and method is None:
        return None if client.pkce_optional else "code_challenge is missing: PKCE with S256 is required"
    if challenge is None:
        return "code_challenge is missing"
    if method != "S256":
        return "code_challenge_method must be S256"
    if not _CHALLENGE.fullmatch(challenge):
        return "code_challenge is not 43 to 128 URL-safe characters"
    return None


def _aud_problem(args: Mapping[str, Sequence[str]], desk: Desk) -> str | None:
    """`aud` as this payer wants it; `resource` (RFC 8707) is the same by another name."""
    given = [value for name in ("aud", "resource") for value in args.get(name, ())]
    if desk.payer.aud == "ignored":
        return None
    if desk.payer.aud == "forbidden":
        return "aud is not a parameter of this payer" if given else None
    if given and all(_is_base(value, desk.fhir, desk.payer) for value in given):
        return None
    return f"aud must be the FHIR base {desk.fhir}"


def _is_base(value: str, fhir: str, payer: PayerProfile) -> bool:
    return same_url(value, fhir) or (payer.aud == "required" and same_url(value, f"{fhir}/"))


def _openid_problem(one: Mapping[str, str]) -> str | None:
    prompt = split(one.get("prompt"))
    if not set(prompt) <= set(_PROMPTS):
        return f"prompt is one or more of {', '.join(_PROMPTS)}"
    if "none" in prompt and len(prompt) > 1:
        return "prompt=none stands alone"
    if not _SECONDS.fullmatch(one.get("max_age", "0")):
        return "max_age is a number of seconds"
    return None
