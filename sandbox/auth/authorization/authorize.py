"""An authorization request is checked in the order of errors that SMART sets.

Sources: SMART App Launch 2.2.0 "Obtain authorization code", RFC 6749 §4.1.1–4.1.2.1, RFC 7636,
RFC 9700 §2.1, RFC 9101 and 9126 (request, request_uri), OpenID Connect Core §3.1.2 (prompt, max_age,
id_token_hint).
First the client and its redirect URI: those errors never redirect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from sandbox.auth.authorization.request import LONGEST, AuthorizationRequest, Parameters
from sandbox.auth.clients.client import Client
from sandbox.auth.context import AuthContext
from sandbox.auth.errors import CallbackError
from sandbox.auth.scopes import LASTING, asks_for_system, excess, narrow, split, subset
from sandbox.auth.tokens.id_token import find_subject
from sandbox.core.errors import bad_request
from sandbox.core.members import Account
from sandbox.core.payer import PayerProfile
from sandbox.core.urls import same_url
from sandbox.store.ledger.repositories.grants import Grant

_CHALLENGE = re.compile(r"[A-Za-z0-9\-._~]{43,128}")
_SINGLE = (
    "response_type", "client_id", "redirect_uri", "scope", "state", "aud", "code_challenge",
    "code_challenge_method", "nonce", "prompt", "max_age", "response_mode", "launch", "request",
    "request_uri", "id_token_hint",
)  # fmt: skip
_PROMPTS = ("none", "login", "consent", "select_account")

_UNSUPPORTED = {
    "request": ("request_not_supported", "This payer does not support signed request objects."),
    "request_uri": ("request_uri_not_supported", "request_uri must be one that /auth/par returned."),
    "launch": ("invalid_request", "launch is for launches from an EHR. Leave it out: this payer has none."),
}
_SECONDS = re.compile(r"[0-9]{1,9}")


def check(args: Parameters, context: AuthContext, *, pushed: bool = False) -> AuthorizationRequest:
    """Return the request in `args` (every value of each name). `pushed`: it came by PAR.

    Raises BadRequest for a client or redirect URI that cannot be trusted (shown as a page), and
    CallbackError for everything else.
    """
    params = {name: values[0] for name, values in args.items() if values}
    client, redirect_uri = _trusted(args, params, context)
    state = params.get("state")
    if state is not None and len(state) > LONGEST:
        text = f"state has more than {LONGEST} characters."
        bad_request(text, "state", cause="authorization-request-invalid")
    if state is not None and len(state) < context.payer.least_state:
        text = f"state is shorter than {context.payer.least_state} characters. Send a longer random value."
        bad_request(text, "state", cause="state-missing")

    def refuse(error: str, text: str, *, cause: str = "authorization-request-invalid") -> CallbackError:
        return CallbackError(redirect_uri, error, text, state, cause=cause)

    for name in _SINGLE:
        if len(args.get(name, ())) > 1:
            raise refuse("invalid_request", f"{name} is there more than once. Send it once.")
        if name == "scope" and (problem := excess(params.get(name))):
            raise refuse("invalid_scope", f"{problem}.", cause="scope-not-grantable")
        if name != "state" and not _readable(params.get(name, "")):
            raise refuse("invalid_request", f"{name} is too long, or is not valid UTF-8.")
    for name, (error, text) in _UNSUPPORTED.items():
        if name in params:
            raise refuse(error, text)
    if context.payer.par == "required" and not pushed:
        text = "This payer requires pushed authorization requests (RFC 9126). Use /auth/par first."
        raise refuse("invalid_request", text, cause="pushed-request-required")
    if "response_type" not in params:
        text = "response_type is missing. Send response_type=code."
        raise refuse("invalid_request", text, cause="response-type-unsupported")
    if params["response_type"] != "code":
        text = "response_type must be code."
        raise refuse("unsupported_response_type", text, cause="response-type-unsupported")
    if params.get("response_mode", context.payer.response_mode) != context.payer.response_mode:
        raise refuse("invalid_request", f"response_mode must be {context.payer.response_mode}.")
    if not client.check_grant_type("authorization_code"):
        text = "This client is not registered for the authorization_code grant."
        raise refuse("unauthorized_client", text, cause="grant-type-unsupported")
    if flaw := _pkce_problem(params, client):
        raise refuse("invalid_request", flaw, cause="pkce-invalid")
    if context.payer.aud == "forbidden" and ("aud" in params or "resource" in params):
        text = "This payer does not accept aud. Leave it out."
        raise refuse("invalid_request", text, cause="aud-unsupported")
    if not _has_right_audience(args, context):
        raise refuse("invalid_request", f"aud must be the FHIR base {context.fhir}.", cause="aud-wrong")
    if flaw := _openid_problem(params):
        raise refuse("invalid_request", flaw)
    if asks_for_system(params.get("scope")):
        text = "Members cannot grant system scopes. Use the client_credentials grant."
        raise refuse("invalid_scope", text, cause="scope-not-grantable")
    scope = keep_registered(narrow(params.get("scope"), context.types()), client.scope)
    if not (context.payer.refresh_max_days and client.check_grant_type("refresh_token")):
        scope = [text for text in scope if text not in LASTING]  # the answer promises only what will come
    if not scope:
        text = "scope has no scope that this payer can grant to this client."
        raise refuse("invalid_scope", text, cause="scope-not-grantable")
    if state is None and not client.pkce_optional:
        text = "state is missing. SMART apps send a random value."
        raise refuse("invalid_request", text, cause="state-missing")
    max_age, hint = params.get("max_age"), params.get("id_token_hint")
    subject = find_subject(context, hint) if hint is not None else None
    if hint is not None and subject is None:
        raise refuse("invalid_request", "id_token_hint is not an id_token of this payer.")
    return AuthorizationRequest(
        client.client_id,
        redirect_uri,
        tuple(scope),
        state,
        params.get("code_challenge"),
        params.get("nonce"),
        tuple(split(params.get("prompt"))),
        int(max_age) if max_age is not None else None,
        subject,
    )


def keep_registered(scopes: Sequence[str], ceiling: str | None) -> list[str]:
    """Return the part of `scopes` within those that a client registered (`ceiling`; None: everything).

    Of a scope that reaches further, its registered parts are left.
    """
    if ceiling is None:
        return list(scopes)
    parts = [
        [text] if subset(text, ceiling) else [own for own in split(ceiling) if subset(own, text)]
        for text in scopes
    ]
    return list(dict.fromkeys(text for part in parts for text in part))


def _readable(value: str) -> bool:
    """Whether a value is short enough, and the UTF-8 that can be stored and compared."""
    return len(value) <= LONGEST and value.isprintable()


def _trusted(args: Parameters, params: Mapping[str, str], context: AuthContext) -> tuple[Client, str]:
    for name in ("client_id", "redirect_uri"):
        if not _readable(params.get(name, "")):
            text = f"{name} is too long, or is not valid UTF-8."
            bad_request(text, name, cause="authorization-request-invalid")
    if len(args.get("client_id", ())) != 1:
        bad_request("client_id must be sent once.", "client_id", cause="client-unknown")
    client = context.clients.get(params["client_id"])
    if client is None:
        text = "The client application is not known to this payer"
        bad_request(text, "client_id", cause="client-unknown")
    if client.refusal:
        bad_request(client.refusal, "client_id", cause="app-not-approved")
    if len(args.get("redirect_uri", ())) != 1:
        bad_request("redirect_uri must be sent once.", "redirect_uri", cause="redirect-uri-missing")
    if not client.allows_redirect(params["redirect_uri"]):
        text = "redirect_uri is not registered for this app. Register it exactly as it is sent."
        bad_request(text, "redirect_uri", cause="redirect-uri-unregistered")
    return client, params["redirect_uri"]


def _pkce_problem(params: Mapping[str, str], client: Client) -> str | None:
    challenge, method = params.get("code_challenge"), params.get("code_challenge_method")
    if challenge is None:
        is_optional = client.pkce_optional and method is None
        return None if is_optional else "code_challenge is missing. PKCE with S256 is required."
    if method != "S256":
        return "code_challenge_method must be S256."
    if not _CHALLENGE.fullmatch(challenge):
        return "code_challenge must have 43 to 128 URL-safe characters."
    return None


def _has_right_audience(args: Parameters, context: AuthContext) -> bool:
    """Whether `aud` names the FHIR base; `resource` (RFC 8707) is the same by another name."""
    if context.payer.aud in ("ignored", "forbidden"):
        return True
    values = [value for name in ("aud", "resource") for value in args.get(name, ())]
    return bool(values) and all(_is_base(value, context.fhir, context.payer) for value in values)


def _is_base(value: str, fhir: str, payer: PayerProfile) -> bool:
    return same_url(value, fhir) or (payer.aud == "required" and same_url(value, f"{fhir}/"))


def _openid_problem(params: Mapping[str, str]) -> str | None:
    prompt = split(params.get("prompt"))
    if not set(prompt) <= set(_PROMPTS):
        return f"prompt must be one or more of {', '.join(_PROMPTS)}."
    if "none" in prompt and len(prompt) > 1:
        return "prompt=none cannot be combined with other values."
    if not _SECONDS.fullmatch(params.get("max_age", "0")):
        return "max_age must be a number of seconds."
    return None


def find_earlier_grants(context: AuthContext, request: AuthorizationRequest, account: Account) -> list[Grant]:
    """Return earlier grants that cover this request: what `prompt=none` may be answered from.

    They are the member's to this client under the same scenarios, the latest of each patient, newest first.
    """
    selection = context.ledger.pin or context.ledger.terms
    since = context.now() - (context.payer.refresh_max_days or 0) * 86_400_000
    latest = {
        grant.patient: grant
        for grant in reversed(context.ledger.grants_of(account.username))
        if grant.client == request.client_id
        and grant.created > since
        and grant.refused is None
        and grant.selection == selection
        and subset(" ".join(request.scope), grant.scope)
    }
    return sorted(latest.values(), key=lambda grant: -grant.created)
