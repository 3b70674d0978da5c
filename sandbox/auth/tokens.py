"""Tokens: a plan becomes a token (the TOKEN gate), and a bearer token becomes access.

Sources: RFC 6749 §5.1, RFC 6750 §3, SMART App Launch 2.2.0 "Access token response".
Tokens are opaque; the ledger keeps their SHA-256.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn

from sandbox.auth.desk import Desk
from sandbox.auth.scopes import allows, launches_patient, split
from sandbox.core.errors import Forbidden, Unauthorized, forbidden
from sandbox.core.gates import Stage
from sandbox.store.ledger import Grant, Token, digest, new_secret

DAY = 86_400_000


@dataclass(frozen=True)
class TokenPlan:
    """A token before it is minted. `lifetime` is what is true, `announced` what `expires_in` says
    (both seconds); `uses` limits the requests it is good for; `extras` go into the response."""

    lifetime: int
    announced: int
    scope: str
    refresh: bool
    uses: int | None = None
    extras: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Access:
    """What a bearer token allows: this patient, these scopes, on behalf of this client."""

    patient: str
    username: str
    client: str
    scopes: tuple[str, ...]

    def require(self, kind: str, action: str) -> None:
        """403 with the scope that would do, unless the token may read ("r") or search ("s")."""
        if not allows(self.scopes, kind, action):
            forbidden(f"This needs the scope patient/{kind}.{action}", scope=f"patient/{kind}.{action}")

    def readable(self, kinds: list[str]) -> frozenset[str]:
        """Those types that a search or `$everything` may show."""
        return frozenset(
            kind for kind in kinds if allows(self.scopes, kind, "r") or allows(self.scopes, kind, "s")
        )


def mint(desk: Desk, grant: Grant, scope: str, grant_type: str, *, refresh: bool) -> dict[str, Any]:
    """The token response for a grant, written to the ledger. `refresh`: whether a refresh token is
    due by policy (the grant must also hold offline_access or online_access)."""
    wanted = refresh and desk.payer.refresh_max_days is not None
    seconds = desk.payer.access_token_seconds
    plan = TokenPlan(
        lifetime=seconds,
        announced=seconds,
        scope=scope,
        refresh=wanted and bool({"offline_access", "online_access"} & set(split(grant.scope))),
        extras={"patient": grant.patient} if launches_patient(scope) else {},
    )
    facts = replace(desk.facts, client=grant.client, member=grant.username, grant_type=grant_type)
    plan = desk.gates.run(Stage.TOKEN, plan, facts)
    now = desk.now()
    response: dict[str, Any] = {
        "access_token": _issue(desk, grant, "access", plan, now, now + plan.lifetime * 1000),
        "token_type": "Bearer",
        "expires_in": plan.announced,
        "scope": plan.scope,
        **plan.extras,
    }
    if plan.refresh:
        until = grant.created + (desk.payer.refresh_max_days or 0) * DAY
        response["refresh_token"] = _issue(desk, grant, "refresh", replace(plan, uses=None), now, until)
    return response


def _issue(desk: Desk, grant: Grant, kind: str, plan: TokenPlan, now: int, expires: int) -> str:
    secret = new_secret()
    desk.ledger.add_token(
        Token(digest(secret), kind, grant.id, grant.client, plan.scope, now, expires, plan.uses, None, None)
    )
    return secret


def living(desk: Desk, secret: str, kind: str | None = None) -> tuple[Token, Grant] | None:
    """The token and its grant, if it is known, current, unexpired and unrevoked; else None."""
    token = desk.ledger.token(secret, kind)
    if token is None or token.revoked or token.replaced or token.expires <= desk.now() or token.uses == 0:
        return None
    grant = desk.ledger.grant(token.grant)
    return (token, grant) if grant is not None and not grant.revoked else None


def access(desk: Desk, authorization: str | None) -> Access:
    """What the Authorization header allows. Raises Unauthorized with the challenge of RFC 6750 §3.1
    (no error code when no token was sent), Forbidden when the payer refuses this member's data."""
    if not authorization:
        _challenge("A bearer token is required", None)
    scheme, _, secret = authorization.partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        _challenge("The Authorization header must be: Bearer, a space, the token", None)
    found = living(desk, secret.strip(), "access")
    if found is None:
        _challenge("The access token is expired, revoked or unknown", "invalid_token")
    token, grant = found
    if token.uses is not None and not desk.ledger.use_token(token.hash):
        _challenge("The access token is expired, revoked or unknown", "invalid_token")
    if grant.refused:
        raise Forbidden(grant.refused)
    return Access(grant.patient, grant.username, grant.client, tuple(split(token.scope)))


def _challenge(text: str, error: str | None) -> NoReturn:
    told = f', error="{error}", error_description="{text}"' if error else ""
    code = "expired" if error else "login"
    raise Unauthorized(text, code=code, headers={"WWW-Authenticate": f'Bearer realm="fhir"{told}'})
