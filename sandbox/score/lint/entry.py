"""Rules about callbacks and token responses. Tokens stay in memory and are never written."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import takewhile
from typing import Any

from sandbox.score.http.answers import word

LEAST_BITS = 128
SAME_HEAD = 0.75


def callback(params: Mapping[str, str], state: str, issuer: str) -> Iterator[tuple[str, str]]:
    """Check a callback. `issuer`: the one that promises `iss`; empty when none does."""
    if params.get("state", "") != state:
        what = "a different state was returned" if params.get("state") else "no state was returned"
        yield "state-echo", f"{what} with {'an error' if 'error' in params else 'the code'}"
    if issuer and params.get("iss") != issuer:
        yield "iss-echo", "iss is another issuer" if params.get("iss") else "iss is missing"


def token_response(body: Mapping[str, Any], headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Check a 200 of the token endpoint."""
    if "no-store" not in headers.get("cache-control", "").lower():
        yield "no-store", f"Cache-Control is {headers.get('cache-control') or 'missing'}"
    if word(body.get("token_type", "")).lower() != "bearer":
        yield "token-fields", f"token_type is {'missing' if 'token_type' not in body else 'not Bearer'}"
    if not isinstance(body.get("expires_in"), int):
        yield "token-fields", "expires_in is missing or not a number"


class Issued:
    """The tokens that were issued, in memory only.

    A renewal may return the access token that is still valid: that is not a second token.
    """

    def __init__(self) -> None:
        self.tokens: list[str] = []
        self._grants: dict[str, set[str]] = {}

    def note(self, body: Mapping[str, Any], renewed: str) -> None:
        """Add a token response. `renewed`: the refresh token that was exchanged for it."""
        tokens = (body.get(name) for name in ("access_token", "refresh_token"))
        access, refresh = (token if isinstance(token, str) else "" for token in tokens)
        of_grant = self._grants.get(renewed, set()) if renewed else set[str]()
        if access and access not in of_grant:
            self.tokens.append(access)
        of_grant.add(access)
        if refresh and refresh not in self.tokens:
            self.tokens.append(refresh)
        self._grants |= {token: of_grant for token in (renewed, refresh) if token}


def weak(tokens: list[str]) -> str:
    """Return why these opaque tokens are weak; empty when nothing shows it.

    The bound comes from alphabet, length and common prefix. Self-contained tokens (JWT) are skipped, since
    their signature protects them.
    """
    opaque = [token for token in tokens if token and token.count(".") != 2]
    if not opaque:
        return ""
    if len(set(opaque)) < len(opaque):
        return "the same token was issued twice"
    shortest = min(opaque, key=len)
    bits = len(shortest) * math.log2(_alphabet(opaque))
    if bits < LEAST_BITS:
        return f"a token of {len(shortest)} characters holds at most {bits:.0f} bits"
    if len(opaque) >= 5:
        pairs = zip(min(opaque), max(opaque), strict=False)
        head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
        if head >= SAME_HEAD * len(shortest):
            return f"tokens differ only in their last {len(shortest) - head} characters"
    return ""


def _alphabet(tokens: list[str]) -> int:
    used = set().union(*tokens)
    for size, alphabet in ((10, "0123456789"), (16, "0123456789abcdefABCDEF-")):
        if used <= set(alphabet):
            return size
    return 64
