"""Tokens are issued by a plan (the TOKEN gate); a bearer token becomes the access that it allows.

Sources: RFC 6749 §5.1, RFC 6750 §3, SMART App Launch 2.2.0 "Access token response".
Tokens are opaque; the ledger keeps their SHA-256.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal, NoReturn

from sandbox.auth.context import AuthContext
from sandbox.auth.household import is_locked
from sandbox.auth.scopes import Scope, launches_patient, limit, reads_user, resource_scopes, split, subset
from sandbox.auth.tokens.id_token import sign, subject
from sandbox.core.errors import BadRequest, Forbidden, Unauthorized, forbidden
from sandbox.core.gates import Stage
from sandbox.fhir.search.clause import AnyOf
from sandbox.store.ledger.repositories.grants import Grant, Token
from sandbox.store.secret import digest, new_secret

DAY = 86_400_000
ON_ITS_WAY = 600_000
SYSTEM_SECONDS = 300
"""Longest life of a backend service's token (SMART "Backend Services": `expires_in`)."""


@dataclass(frozen=True)
class TokenPlan:
    """A token before it is issued: the value of the TOKEN gate.

    `lifetime` is the real one, `announced` what `expires_in` says (both seconds). `uses` limits its requests;
    `refresh_lifetime` (seconds) ends the refresh token before the policy does; `extras` go into the response.
    `is_jwt` makes the access token a signed JWT (RFC 9068); a random one has at least `length` characters.
    """

    lifetime: int
    announced: int
    scope: str
    refresh: bool
    uses: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)
    refresh_lifetime: int | None = None
    is_jwt: bool = False
    length: int = 0

    def within(self, limit: TokenPlan) -> TokenPlan:
        """Return this plan without anything that `limit` does not give."""
        return replace(
            self,
            lifetime=min(self.lifetime, limit.lifetime),
            scope=" ".join(text for text in split(self.scope) if subset(text, limit.scope)),
            refresh=self.refresh and limit.refresh,
            uses=_least(self.uses, limit.uses),
            refresh_lifetime=_least(self.refresh_lifetime, limit.refresh_lifetime),
        )


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


@dataclass(frozen=True)
class Access:
    """What a bearer token allows: this patient, these scopes, on behalf of this client. `patient`
    None is a backend service, which reaches every member; its `username` is empty. `fhir_user` is the
    resource that the scope fhirUser lets the app read (empty: none)."""

    patient: str | None
    username: str
    client: str
    scopes: tuple[str, ...]
    fhir_user: str = ""

    def is_user(self, kind: str, id: str) -> bool:
        """Whether this is who signed in, whom `openid fhirUser` lets the app read (SMART "Scopes for
        requesting identity data")."""
        return bool(self.fhir_user) and self.fhir_user == f"{kind}/{id}"

    @cached_property
    def _held(self) -> list[Scope]:
        return resource_scopes(self.scopes)

    def require(self, kind: str, action: str) -> None:
        """403 with the scope that would do, unless the token may read ("r") or search ("s")."""
        if not any(scope.covers(kind, action) for scope in self._held):
            scope = f"{'system' if self.patient is None else 'patient'}/{kind}.{action}"
            forbidden(f"The access token does not have the scope {scope}.", scope=scope)

    def readable(self, kinds: Sequence[str]) -> frozenset[str]:
        """Return the types that a search or `$everything` may show, within their `limits`."""
        reached = {scope.type for scope in self._held if not scope.actions.isdisjoint("rs")}
        return frozenset(kinds if "*" in reached else reached.intersection(kinds))

    @cached_property
    def granular(self) -> bool:
        return any(scope.clauses for scope in self._held)

    def limit(self, kind: str, action: str) -> AnyOf:
        """Return what a resource of this type must meet for "r" (read) or "s" (search); empty: nothing."""
        return limit(self._held, kind, action) if self.granular else ()

    def limits(self, kinds: Sequence[str]) -> dict[str, AnyOf]:
        """Return the limits of those types of which a search or `$everything` may show only a part."""
        if not self.granular:
            return {}
        return {kind: part for kind in kinds if (part := limit(self._held, kind, "rs"))}


class Late(Exception):
    """Another call was faster with the same code or refresh token."""


def mint(
    context: AuthContext,
    grant: Grant,
    scope: str,
    grant_type: str,
    *,
    refresh: bool,
    exchange: Callable[[Sequence[Token]], bool] | None = None,
) -> dict[str, Any]:
    """Return the token response for a grant, and write its tokens to the ledger.

    `refresh`: whether the policy allows a refresh token (the grant must also have offline_access or
    online_access). `exchange` writes the tokens together with the end of what they are exchanged for
    (False: it had ended). Raises Late.
    """
    now = context.now()
    until = refresh_until(context, grant) if refresh else None
    seconds = _seconds(context, grant, now)
    plan = TokenPlan(
        lifetime=seconds,
        announced=seconds,
        scope=scope,
        refresh=until is not None and until > now,
        extras={"patient": grant.patient} if grant.patient and launches_patient(scope) else {},
    )
    facts = replace(context.facts, client=grant.client, member=grant.username or None, grant_type=grant_type)
    plan = context.gates.run(Stage.TOKEN, plan, facts)
    response: dict[str, Any] = {
        "access_token": (secret := _new_access_token(context, grant, plan)),
        "token_type": "Bearer",
        "expires_in": plan.announced,
        "scope": plan.scope,
        **plan.extras,
    }
    tokens = [_token(secret, grant, "access", plan, now, now + plan.lifetime * 1000)]
    if plan.refresh and until is not None:
        # It stands for all that was granted, even when this access token got less (RFC 6749 §6).
        lasting = replace(plan, uses=None, scope=grant.scope)
        if plan.refresh_lifetime is not None:
            until = min(until, now + plan.refresh_lifetime * 1000)
        response["refresh_token"] = secret = new_secret()
        tokens.append(_token(secret, grant, "refresh", lasting, now, until))
    if exchange is None:
        context.ledger.add_token(*tokens)
    elif not exchange(tokens):
        raise Late
    return response


def _new_access_token(context: AuthContext, grant: Grant, plan: TokenPlan) -> str:
    """Return an access token: random text, or a JWT of RFC 9068 that says what the token stands for.

    The payer itself looks only at the digest of the text, in either form.
    """
    if not plan.is_jwt:
        return new_secret(max(32, math.ceil(plan.length * 3 / 4)))
    now = context.now() // 1000
    claims = {
        "iss": context.issuer,
        "sub": subject(context, grant.username),
        "aud": context.fhir,
        "client_id": grant.client,
        "scope": plan.scope,
        "iat": now,
        "exp": now + plan.announced,
        "jti": new_secret(),
        **({"patient": grant.patient} if grant.patient else {}),
    }
    return sign(context, claims, "at+jwt")


def authorized_until(context: AuthContext, grant: Grant) -> int | None:
    """Return when the member's consent ends (ms); None: the payer never refreshes, so there is no end.

    On the last day that the payer promises it is still valid, with ten minutes for requests under way.
    """
    days = context.payer.refresh_max_days
    return grant.created + days * DAY + ON_ITS_WAY if days else None


def refresh_until(context: AuthContext, grant: Grant) -> int | None:
    """Return when the grant's refresh tokens end (ms); None: it has none. `offline_access` lasts as long as
    the consent, `online_access` as long as the member's session (SMART-034)."""
    until, held = authorized_until(context, grant), set(split(grant.scope))
    if until is None or not held & {"offline_access", "online_access"}:
        return None
    if "offline_access" in held:
        return until
    return min(until, grant.created + context.payer.session_seconds * 1000)


def _seconds(context: AuthContext, grant: Grant, now: int) -> int:
    """Return the lifetime of an access token: the payer's, but never longer than the consent."""
    seconds = context.payer.access_token_seconds
    if not grant.username:
        return min(seconds, SYSTEM_SECONDS)
    until = authorized_until(context, grant)
    return seconds if until is None else max(0, min(seconds, (until - now) // 1000))


def _token(secret: str, grant: Grant, kind: str, plan: TokenPlan, now: int, expires: int) -> Token:
    return Token(
        digest(secret), kind, grant.id, grant.client, plan.scope, now, expires, plan.uses, None, None
    )


def find_valid_token(
    context: AuthContext, secret: str, kind: str | None = None
) -> tuple[Token, Grant] | None:
    """Return the token and its grant, if the token is valid and no account of the grant is locked."""
    pair = context.ledger.bearer(secret, kind)
    return pair if pair is not None and alive(context, *pair) and not is_locked(context, pair[1]) else None


def alive(context: AuthContext, token: Token, grant: Grant) -> bool:
    """Whether a token is current, unexpired and unrevoked, and so is its grant."""
    return not token.replaced and _current(context, token) and not grant.revoked


def find_live_grant(context: AuthContext, token: Token) -> Grant | None:
    """Return the grant of a token that is neither expired nor revoked, whether it was replaced or not."""
    if not _current(context, token):
        return None
    grant = context.ledger.grant(token.grant)
    return grant if grant is not None and not grant.revoked else None


def _current(context: AuthContext, token: Token) -> bool:
    return not token.revoked and token.expires > context.now() and token.uses != 0


TokenState = Literal["unknown", "refresh", "revoked", "grant-revoked", "expired", "used-up", "locked"]


class TokenRefused(Unauthorized):
    """A bearer token that is not accepted. `state` says why: the answer does not (RFC 6750 §3.1)."""

    def __init__(self, text: str, state: TokenState | None):
        challenge = f'Bearer realm="fhir", error="invalid_token", error_description="{text}"'
        cause = f"token-{state}" if state else "token-refused"
        super().__init__(text, cause=cause, code="expired", headers={"WWW-Authenticate": challenge})
        self.state = state


def access(context: AuthContext, authorization: str | None) -> Access:
    """Return what the Authorization header allows.

    Raises Unauthorized with the challenge of RFC 6750 §3.1 (without an error code when no token was sent),
    and Forbidden when the payer refuses this member's data.
    """
    if not authorization:
        _refuse_missing("An access token is required. Send it in the Authorization header.")
    scheme, _, secret = authorization.partition(" ")
    if "," in authorization:  # WSGI joins a header that was sent twice; no token has a comma
        one_way_only()
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        _refuse_missing("The Authorization header must be: Bearer, a space, the access token.")
    pair = context.ledger.bearer(secret, "access")
    if pair is not None and alive(context, *pair):
        token, grant = pair
        if is_locked(context, grant):
            raise TokenRefused("The account of this member is locked", "locked")
        if token.uses is None or context.ledger.use_token(token.hash):
            return reach(token, grant)
    raise TokenRefused("The access token is expired, revoked or unknown", token_state(context, secret))


def token_state(context: AuthContext, secret: str) -> TokenState | None:
    """Return why a bearer token is not accepted; None where nothing is wrong with it any more."""
    token = context.ledger.token(secret)
    if token is None:
        return "unknown"
    grant = context.ledger.grant(token.grant)
    states: tuple[tuple[TokenState, bool], ...] = (
        ("refresh", token.kind == "refresh"),
        ("revoked", token.revoked is not None),
        ("grant-revoked", grant is None or grant.revoked is not None),
        ("expired", token.expires <= context.now()),
        ("used-up", token.uses == 0),
    )
    return next((state for state, is_so in states if is_so), None)


def reach(token: Token, grant: Grant) -> Access:
    """Return what a valid token allows. Raises Forbidden when the payer refuses this member's data."""
    if grant.refused:
        raise Forbidden(grant.refused, cause="data-refused")
    # Only a backend service's grant names nobody; a member's grant without a patient reaches nothing.
    patient = grant.patient if grant.username else None
    scopes = tuple(split(token.scope))
    fhir_user = grant.fhir_user if reads_user(scopes) else ""
    return Access(patient, grant.username, grant.client, scopes, fhir_user)


def one_way_only() -> NoReturn:
    """Raise a 400 for a token sent otherwise than once in the Authorization header (RFC 6750 §3.1, §5.3)."""
    text = "The access token is sent once, in the Authorization header"
    challenge = f'Bearer realm="fhir", error="invalid_request", error_description="{text}"'
    raise BadRequest(text, cause="token-misplaced", headers={"WWW-Authenticate": challenge})


def _refuse_missing(text: str) -> NoReturn:
    raise Unauthorized(text, cause="token-missing", headers={"WWW-Authenticate": 'Bearer realm="fhir"'})
