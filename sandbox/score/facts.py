"""The facts document: a payer's claims about itself, and the instruments it lends a grader.

It is strangers' text (served at `<fhir base>/.well-known/payer-facts`, or written by hand for an
endpoint that has none), so pydantic reads it. Unknown keys are ignored: other payers may say more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem
from sandbox.score.guard import origin

PATH = "/.well-known/payer-facts"


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Member(_Read):
    """A test account. `role` is eligible, ineligible, not-opted-in or lapsed-<days>."""

    username: str
    password: str
    role: str = "eligible"
    line: str | None = None
    coverage_end: str | None = None


class Claims(_Read):
    """What the payer tells the world. A claim that is not made is absent, not null."""

    status: str | None = None
    sandbox: bool | None = None
    offered_lines: tuple[str, ...] | None = None
    mandated_lines: tuple[str, ...] | None = None
    supported_lines: tuple[str, ...] | None = None
    refresh_max_days: int | None = None
    inactive_access_days: int | None = None
    portal_opt_in: bool | None = None
    developer_portal: str | None = None
    developer_email: str | None = None


class Instruments(_Read):
    """What lets a grader work: an app, accounts, a clock, a payer of its own. Any may be missing."""

    client_id: str | None = None
    client_secret: str | None = None
    redirect_uri: str | None = None
    authorization_endpoint: str | None = None
    token_endpoint: str | None = None
    members: tuple[Member, ...] = ()
    clock: str | None = None
    fresh_payer: str | None = None

    def of_role(self, role: str) -> tuple[Member, ...]:
        return tuple(m for m in self.members if m.role == role)

    def origins(self) -> frozenset[str]:
        """The URLs named here: a facts *file* vouches for their origins, a served document does not."""
        named = (self.authorization_endpoint, self.token_endpoint, self.clock, self.fresh_payer)
        return frozenset(url for url in named if url and origin(url))


class Facts(_Read):
    """Claims and instruments."""

    claims: Claims = Claims()
    instruments: Instruments = Instruments()

    def claimed(self) -> dict[str, Any]:
        """Only the claims that are made, as plain JSON types."""
        return self.claims.model_dump(mode="json", exclude_unset=True)


NO_FACTS = Facts()


def parse(data: Any, name: str) -> Facts:
    """A facts document. Raises FileProblem naming `name` and the first thing wrong with it."""
    try:
        return Facts.model_validate(data)
    except ValidationError as problem:
        first = problem.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the document"
        raise FileProblem(f"{name}: {where}: {first['msg']}") from None


def read(path: Path) -> Facts:
    """The facts in a JSON file (or YAML, for people). Raises FileProblem."""
    reader = files.read_yaml if path.suffix in (".yaml", ".yml") else files.read_json
    return parse(reader(path), str(path))
