"""Gates: the seven points of a request where an accident may happen.

The server calls `gates.run(stage, value, facts)` and gets the value back, changed or not. It never
learns that scenarios exist: the null object `OPEN` lets everything through. `faults` binds the other
kind. *Deciding* gates change what is true; *telling* gates change what is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Stage(Enum):
    """Where a gate stands, in the order a request meets them."""

    REQUEST = "before anything: None, or a Reply that answers at once"
    AUTHORIZE = "after consent: the Decision that becomes a code or an error"
    TOKEN = "when a token is minted: the TokenPlan"
    QUERY = "before a search runs: the Query"
    RESOURCE = "when a resource is shown: its dictionary"
    BUNDLE = "when a page of results is shown: the Page"
    RESPONSE = "last: the Reply on its way out"

    @property
    def decides(self) -> bool:
        """Whether the gate changes what is true, and not only what is said."""
        return self in (Stage.AUTHORIZE, Stage.TOKEN)


@dataclass(frozen=True)
class Facts:
    """What a rule may ask about the request in hand. Absent things are None or empty.

    `path` is below the payer's prefix ("/fhir/Patient"); `caller` tells callers apart without naming
    them (a digest of the bearer token, or the address).
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
    preflight: bool = False
    """Whether a browser asks on its own account: only rules that name OPTIONS mean it."""


@dataclass(frozen=True)
class Reply:
    """An HTTP answer: status, headers, body (bytes, or chunks that are sent as they come)."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | Iterable[bytes] = b""

    def header(self, name: str) -> str | None:
        """The first value of a header, by any spelling of its name."""
        return next((v for k, v in self.headers if k.lower() == name.lower()), None)

    def with_header(self, name: str, value: str) -> Reply:
        """The same reply with one header set (others of that name removed)."""
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
    """What handlers hold. `armed` is asked before costly preparation (parsing stored bytes)."""

    def armed(self, stage: Stage) -> bool: ...

    def run(self, stage: Stage, value: T, facts: Facts) -> T: ...

    def fired(self) -> tuple[str, ...]:
        """Names of the effects that changed something in this request, in order."""
        ...


class _Open:
    """No accidents."""

    def armed(self, stage: Stage) -> bool:
        return False

    def run(self, stage: Stage, value: T, facts: Facts) -> T:
        return value

    def fired(self) -> tuple[str, ...]:
        return ()


OPEN: Gates = _Open()


def unchanged(before: Any, after: Any) -> bool:
    """Whether an effect left its value alone (identity first: most do)."""
    return before is after or bool(before == after)
