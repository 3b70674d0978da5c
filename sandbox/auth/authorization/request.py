"""An authorization request: as it arrives, and as it is once every check is passed.

Names and values are text; bytes that are no UTF-8 are surrogates (PEP 383), so that `state` can go
back byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

LONGEST = 8192
"""Characters of one parameter."""
MOST = 100
"""Parameters of one request."""
REPEATABLE = ("resource", "audience")
"""Parameters that may be there more than once (RFC 8707 §2, RFC 8693 §2.1)."""


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that passed every check. `scope` holds what may be granted of what was asked, `prompt`
    OpenID Connect's wishes, `max_age` how many seconds ago the member may have signed in, `subject` the
    only member who may (their `sub`; None: anybody)."""

    client_id: str
    redirect_uri: str
    scope: tuple[str, ...]
    state: str | None
    challenge: str | None
    nonce: str | None
    prompt: tuple[str, ...] = ()
    max_age: int | None = None
    subject: str | None = None

    def to_json(self) -> dict[str, Any]:
        state = None if self.state is None else quote(self.state, safe="", errors="surrogateescape")
        return {**asdict(self), "state": state}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> AuthorizationRequest:
        state = data["state"]
        found = cls(**{**data, "scope": tuple(data["scope"]), "prompt": tuple(data.get("prompt", ()))})
        return found if state is None else replace(found, state=unquote(state, errors="surrogateescape"))


class CallbackError(Exception):
    """An error that the app is told of on its redirect URI (RFC 6749 §4.1.2.1)."""

    def __init__(self, redirect_uri: str, error: str, description: str, state: str | None):
        super().__init__(description)
        self.redirect_uri, self.error, self.description, self.state = redirect_uri, error, description, state


def parameters(raw: bytes) -> dict[str, list[str]]:
    """Every value of each name in a query or form. Raises ValueError for too many of them.

    A parameter without a value counts as omitted (RFC 6749 §3.1).
    """
    pairs = parse_qsl(
        raw.decode("utf-8", "surrogateescape"),
        keep_blank_values=True,
        errors="surrogateescape",
        max_num_fields=MOST,
    )
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        found.setdefault(name, []).append(value)
    return with_values(found)


def with_values(parameters: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The parameters that have a value: the others count as omitted (RFC 6749 §3.1, §3.2)."""
    kept = {name: [value for value in values if value] for name, values in parameters.items()}
    return {name: values for name, values in kept.items() if values}
