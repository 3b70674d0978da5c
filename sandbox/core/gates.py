"""Gates: the nine points of a request where a fault may apply.

The server calls `gates.run(stage, value, facts)` and gets the value back, changed or not. It does not know
scenarios: the gates `OPEN` change nothing, and `faults` makes those that do. *Deciding* gates change what the
payer grants; *telling* gates change only what it returns.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Stage(Enum):
    """The point of a request where a verb applies, in the order in which a request passes them."""

    REQUEST = "before the request is processed"
    AUTHORIZE = "after consent, before the code or error is returned"
    ID_TOKEN = "before an id_token is signed"
    TOKEN = "when a token is issued"
    READ = "before a resource is read by its id"
    QUERY = "before a search runs"
    RESOURCE = "when a resource is returned"
    BUNDLE = "when a page of results is returned"
    RESPONSE = "before the response is sent"

    @property
    def decides(self) -> bool:
        """Whether the gate changes what is granted, and not only what is returned."""
        return self in (Stage.AUTHORIZE, Stage.TOKEN)


@dataclass(frozen=True)
class Facts:
    """What a rule can match of a request. What is absent is None or empty.

    `path` is below the payer's prefix ("/fhir/Patient"). `caller` is a digest of the bearer token or address,
    which distinguishes callers without naming them; `agent` is the User-Agent header.
    """

    method: str = ""
    path: str = ""
    resource: str | None = None
    params: Mapping[str, str] = field(default_factory=dict)
    client: str | None = None
    member: str | None = None
    grant_type: str | None = None
    page: int | None = None
    caller: str = ""
    agent: str = ""
    preflight: bool = False
    """Whether a browser sent it before a call to another origin; only rules for OPTIONS match it."""


@dataclass(frozen=True)
class Reply:
    """An HTTP response: status, headers, body (bytes, or chunks that are sent one by one)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[bytes] = b""

    def header(self, name: str) -> str | None:
        """Return the first value of a header; its name is case-insensitive."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> Reply:
        """Return the reply with one header set, and others of that name removed."""
        return Reply(self.status, (*self.without_header(name).headers, (name, value)), self.body)

    def without_header(self, name: str) -> Reply:
        kept = tuple((k, v) for k, v in self.headers if k.lower() != name.lower())
        return Reply(self.status, kept, self.body)

    def chunks(self) -> Iterator[bytes]:
        if isinstance(self.body, bytes):
            yield self.body
        else:
            yield from self.body


class Gates(Protocol):
    """The gates of one request. `armed` tells whether costly preparation is needed."""

    def armed(self, stage: Stage) -> bool: ...

    def run(self, stage: Stage, value: T, facts: Facts) -> T: ...

    def fired(self) -> tuple[str, ...]:
        """Return the names of the effects that changed something in this request, in order."""
        ...


class _Open:
    """Gates without rules."""

    def armed(self, stage: Stage) -> bool:
        return False

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        return value

    def fired(self) -> tuple[str, ...]:
        return ()


OPEN: Gates = _Open()


def unchanged(before: Any, after: Any) -> bool:
    """Return whether an effect left its value unchanged. Most return the same object."""
    return before is after or bool(before == after)
