"""Read a journal: its exchanges, from entries or from a file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value, read_text

SECRETS = frozenset(
    {"access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "code_verifier",
     "password"}
)  # fmt: skip
"""Parameters that have no place in an address."""


class JournalExchange(BaseModel):
    """One entry of a journal. `web/journal.py` describes the fields; an older journal may lack some."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    number: int
    at: AwareDatetime
    method: str
    path: str
    status: int
    request: str = ""
    ms: float = 0
    scenario: str = ""
    effects: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    params: frozenset[str] = frozenset()
    sent: Mapping[str, str] = {}
    marks: Mapping[str, str] = {}
    issued: Mapping[str, str] = {}
    client: str = ""
    member: str = ""
    token: str = ""
    token_state: str = ""
    query: str = ""
    next: str = ""
    accept: str = ""
    agent: str = ""
    in_address: frozenset[str] = frozenset()
    state_length: int = 0
    retry_after: str = ""
    error: str = ""
    repair: str = ""

    @property
    def exposed(self) -> list[str]:
        """Names of secrets in the address. An older journal records them for GET only."""
        named = self.params if self.method in ("GET", "HEAD") else frozenset()
        return sorted(self.in_address | (named & SECRETS))

    @cached_property
    def left(self) -> float:
        """When the response was sent, in seconds of the payer's clock."""
        return self.at.timestamp()

    @cached_property
    def arrived(self) -> float:
        """When the request arrived."""
        return self.left - self.ms / 1000

    @property
    def key(self) -> tuple[str, ...]:
        """Identifies a request: two requests with the same key differ in their access token at most."""
        secrets = (self.marks.get("code", ""), self.marks.get("refresh_token", ""))
        return (self.method, self.path, self.query, *secrets)

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """The parts of the path, padded with empty ones."""
        return (*self.path.split("/")[1:], "", "", "")

    @property
    def server(self) -> str:
        """`fhir` or `auth`. A Retry-After of one does not apply to the other."""
        return self.segments[0]

    @property
    def auth_endpoint(self) -> str:
        """`token`, `authorize`, `par`, …; empty outside the authorization server."""
        return self.segments[1] if self.server == "auth" else ""

    @property
    def is_discovery(self) -> bool:
        is_metadata = self.segments[:2] == ("fhir", "metadata")
        return is_metadata or (self.server in ("fhir", "auth") and self.segments[1] == ".well-known")

    @property
    def is_data(self) -> bool:
        """Whether members' data was asked for."""
        return self.server == "fhir" and self.path.count("/") > 1 and not self.is_discovery

    @property
    def is_refresh(self) -> bool:
        return self.auth_endpoint == "token" and self.sent.get("grant_type") == "refresh_token"

    @property
    def is_redemption(self) -> bool:
        return self.auth_endpoint == "token" and self.sent.get("grant_type") == "authorization_code"

    @property
    def is_request_to_authorize(self) -> bool:
        """Whether it carries the parameters of an authorization request (through a browser, or PAR)."""
        return self.auth_endpoint in ("authorize", "par") and "request_uri" not in self.params

    @property
    def is_call(self) -> bool:
        """Whether the app itself sent it, not a browser on a page."""
        return self.server == "fhir" or self.auth_endpoint in ("token", "par", "revoke", "introspect")

    @property
    def kind(self) -> str:
        """The resource type in the address; empty without one."""
        return self.segments[1] if self.is_data and self.segments[1][:1].isupper() else ""

    @property
    def is_read(self) -> bool:
        """Whether it reads one resource by its id."""
        return bool(self.kind) and self.path.count("/") == 3 and self.segments[2][:1] not in ("$", "_")

    @property
    def is_search(self) -> bool:
        return bool(self.kind) and (self.path.count("/") == 2 or self.segments[2] == "_search")

    @property
    def is_everything(self) -> bool:
        return self.path.endswith("/$everything")


def exchanges(entries: Iterable[Any], name: str = "the journal") -> tuple[JournalExchange, ...]:
    """Parse the entries of a journal. Raises FileProblem that names the first malformed entry."""
    journal = []
    for number, entry in enumerate(entries, 1):
        try:
            stated = {name: value for name, value in entry.items() if value is not None}
            journal.append(JournalExchange.model_validate({"number": number, **stated}))
        except (ValidationError, TypeError, AttributeError):
            raise FileProblem(f"{name}, entry {number}: not an entry of a journal") from None
    return tuple(journal)


def read(path: Path) -> tuple[JournalExchange, ...]:
    """Read a journal from a file: NDJSON (`journal --json`), or JSON of the control API."""
    text = read_text(path)
    try:
        document = json_value(text)
    except ValueError:
        document = _lines(text, str(path))
    if isinstance(document, dict):
        document = document.get("entries", [document])
    if not isinstance(document, list):
        raise FileProblem(f"{path}: not a journal")
    return exchanges(document, str(path))


def _lines(text: str, name: str) -> list[Any]:
    values = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                values.append(json_value(line))
            except ValueError:
                raise FileProblem(f"{name}, line {number}: not JSON") from None
    return values


def instant(text: str) -> float:
    """Convert an ISO 8601 instant to seconds."""
    return datetime.fromisoformat(text).timestamp()
