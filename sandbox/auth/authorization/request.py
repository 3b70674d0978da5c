"""An authorization request: as it arrives, and as it is once every check is passed.

Names and values are text; bytes that are no UTF-8 are surrogates (PEP 383), so that `state` can go
back byte for byte.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

LONGEST = 8192
"""Characters of one parameter."""
Parameters = Mapping[str, Sequence[str]]
"""Every value of each name."""

MOST = 100
"""Parameters of one request."""
REPEATABLE = ("resource", "audience")
"""Parameters that may be there more than once (RFC 8707 §2, RFC 8693 §2.1)."""


@dataclass(frozen=True)
class AuthorizationRequest:
    """A request that passed every check.

    `scope` is what may be granted; `prompt` and `max_age` (seconds since the sign-in) are those of OpenID
    Connect; `subject` is the `sub` of the only member who may sign in (None: any member).
    """

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
        if state is not None:
            state = unquote(state, errors="surrogateescape")
        lists = {"scope": tuple(data["scope"]), "prompt": tuple(data.get("prompt", ()))}
        return cls(**{**data, **lists, "state": state})


def parameters(raw: bytes) -> dict[str, list[str]]:
    """Return every value of each name in a query or form. Raises ValueError for too many of them.

    A parameter without a value counts as omitted (RFC 6749 §3.1).
    """
    pairs = parse_qsl(
        raw.decode("utf-8", "surrogateescape"),
        keep_blank_values=True,
        errors="surrogateescape",
        max_num_fields=MOST,
    )
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return with_values(values)


def with_values(parameters: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the parameters that have a value: the others count as omitted (RFC 6749 §3.1, §3.2)."""
    kept = {name: [value for value in values if value] for name, values in parameters.items()}
    return {name: values for name, values in kept.items() if values}
