"""An exchange of the journal as the reviewer reads it, and journals from files."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, ValidationError

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_value, read_text

DISCOVERY = ("/fhir/metadata", "/fhir/.well-known/", "/auth/.well-known/")
_TOKEN = "/auth/token"
SECRETS = frozenset(
    {"access_token", "refresh_token", "id_token", "client_secret", "client_assertion", "code_verifier",
     "password"}
)  # fmt: skip
"""Parameters that have no place in an address."""


class JournalExchange(BaseModel):
    """One entry; web/journal.py says what the fields hold. An older journal may lack some."""

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
        """Secrets by name that stood in the address: an older journal tells of GET only."""
        named = self.params if self.method in ("GET", "HEAD") else frozenset()
        return sorted(self.in_address | (named & SECRETS))

    @cached_property
    def left(self) -> float:
        """When the answer left, in seconds of the payer's clock."""
        return self.at.timestamp()

    @cached_property
    def arrived(self) -> float:
        """When the request came."""
        return self.left - self.ms / 1000

    @property
    def key(self) -> tuple[str, ...]:
        """What makes a request the same as another, whatever token it carries."""
        secrets = (self.marks.get("code", ""), self.marks.get("refresh_token", ""))
        return (self.method, self.path, self.query, *secrets)

    @property
    def is_discovery(self) -> bool:
        return self.path.startswith(DISCOVERY)

    @property
    def is_data(self) -> bool:
        """Whether members' data was asked for."""
        return self.path.startswith("/fhir/") and not self.is_discovery

    @property
    def is_refresh(self) -> bool:
        return self.path == _TOKEN and self.sent.get("grant_type") == "refresh_token"

    @property
    def is_redemption(self) -> bool:
        return self.path == _TOKEN and self.sent.get("grant_type") == "authorization_code"

    @property
    def is_request_to_authorize(self) -> bool:
        """With its parameters in it, sent by way of the browser or ahead (PAR)."""
        return self.path in ("/auth/authorize", "/auth/par") and "request_uri" not in self.params

    @property
    def is_call(self) -> bool:
        """Whether the app itself made it, and not a browser on a page."""
        return self.path.startswith(("/fhir", "/auth/token", "/auth/par", "/auth/revoke", "/auth/introspect"))

    @property
    def kind(self) -> str:
        """The resource type in the address, or nothing."""
        parts = self.path.split("/")
        return parts[2] if self.is_data and len(parts) > 2 and parts[2][:1].isupper() else ""

    @property
    def is_read(self) -> bool:
        """A read of one resource by its id."""
        parts = self.path.split("/")
        return bool(self.kind) and len(parts) == 4 and parts[3][:1] not in ("$", "_")

    @property
    def is_search(self) -> bool:
        parts = self.path.split("/")
        return bool(self.kind) and (len(parts) == 3 or parts[3] == "_search")

    @property
    def is_everything(self) -> bool:
        return self.path.endswith("/$everything")


def exchanges(entries: Iterable[Any], name: str = "the journal") -> tuple[JournalExchange, ...]:
    """A journal's entries, in order. Raises FileProblem that names the entry which is none."""
    journal = []
    for number, entry in enumerate(entries, 1):
        try:
            journal.append(JournalExchange.model_validate({"number": number, **_known(entry)}))
        except (ValidationError, TypeError, AttributeError):
            raise FileProblem(f"{name}, entry {number}: not an entry of a journal") from None
    return tuple(journal)


def _known(entry: Any) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


def read(path: Path) -> tuple[JournalExchange, ...]:
    """The journal in a file: NDJSON (`journal --json`), or JSON as the control API gives it."""
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
    """An ISO 8601 instant in seconds."""
    return datetime.fromisoformat(text).timestamp()
