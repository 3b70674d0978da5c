"""Read the fleet file: the endpoints to grade. Plans under 500 lives are left out."""

from __future__ import annotations

import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sandbox.core import files
from sandbox.core.errors import FileProblem, describe_first


class Endpoint(BaseModel):
    """One payer's endpoint. `id` names its result file; `facts` is a file beside the fleet's."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    payer: str
    url: str
    vendor: str = "(no vendor named)"
    id: str = Field("", max_length=100)
    lives: int | None = Field(None, ge=0, description="Members covered; unknown is not left out")
    facts: str = ""
    traffic: str = ""


class Fleet(BaseModel):
    """The endpoints, and the size from which a plan counts."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = "State of the payers"
    min_lives: int = Field(500, ge=0)
    note: str = ""
    endpoints: list[Endpoint] = Field(min_length=1)

    @model_validator(mode="after")
    def _ids(self) -> Fleet:
        ids = [named(endpoint) for endpoint in self.endpoints]
        twice = sorted({name for name in ids if ids.count(name) > 1})[:1] if len(set(ids)) < len(ids) else []
        if twice:
            raise ValueError(f"two endpoints are called {twice[0]}: give them an id")
        return self

    @property
    def counted(self) -> list[Endpoint]:
        return [e for e in self.endpoints if e.lives is None or e.lives >= self.min_lives]

    @property
    def left_out(self) -> int:
        return len(self.endpoints) - len(self.counted)


def named(endpoint: Endpoint) -> str:
    """Return the endpoint's id, safe as a file name."""
    return re.sub(r"[^a-z0-9]+", "-", (endpoint.id or endpoint.payer).lower()).strip("-") or "payer"


def read(path: Path) -> Fleet:
    """Read a fleet file (YAML or JSON). Raises FileProblem that names the first error."""
    data = files.read_json(path) if path.suffix == ".json" else files.read_yaml(path)
    try:
        return Fleet.model_validate(data)
    except ValidationError as problem:
        raise FileProblem(f"{path}: {describe_first(problem, 'the fleet')}") from None
