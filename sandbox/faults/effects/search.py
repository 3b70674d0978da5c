"""Query verbs: searches that ignore what the client asked for, or refuse it."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from sandbox.core.errors import SandboxProblem, bad_request
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.query import Query


class ForgetIncludes(Effect, stage=Stage.QUERY):
    """Ignore every _include of a search."""

    do: Literal["forget_includes"]

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, includes=())


def _unknown(name: str) -> str:
    params = {param.name for kind in TYPES.values() for param in kind.params}
    return "" if name in params else f"no resource type has a search parameter {name!r}"


class IgnoreParam(Effect, stage=Stage.QUERY):
    """Ignore this search parameter without an error."""

    do: Literal["ignore_param"]
    param: str

    def idle(self) -> str:
        return _unknown(self.param)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, clauses=tuple(c for c in value.clauses if c.param.name != self.param))


class RejectParam(Effect, stage=Stage.QUERY):
    """Return 400 for a search with this parameter."""

    do: Literal["reject_param"]
    param: str

    def idle(self) -> str:
        return _unknown(self.param)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        if any(c.param.name == self.param for c in value.clauses):
            bad_request(f"The search parameter {self.param} is not supported", self.param)
        return value


class RequireParam(Effect, stage=Stage.QUERY):
    """Return 400 for a search with none of these parameters."""

    do: Literal["require_param"]
    params: list[str] = Field(min_length=1)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        if not any(c.param.name in self.params for c in value.clauses):
            bad_request(f"A search needs {' or '.join(self.params)}", self.params[0])
        return value


class RefuseSearch(Effect, stage=Stage.QUERY):
    """Refuse a valid search; with `page: 2` in `when`, refuse the second page of every search."""

    do: Literal["refuse_search"]
    status: int = Field(default=410, ge=400, le=599)
    code: str = Field(default="expired", description="code of the OperationOutcome")
    text: str = "This search has expired: begin again"

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        problem = SandboxProblem(self.text, code=self.code)
        problem.status = self.status
        raise problem


class CapCount(Effect, stage=Stage.QUERY):
    """Return at most `most` entries per page, whatever `_count` says."""

    do: Literal["cap_count"]
    most: int = Field(ge=1)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, count=min(value.count, self.most))


class FixCount(Effect, stage=Stage.QUERY):
    """Return pages of this size, whatever `_count` says."""

    do: Literal["fix_count"]
    count: int = Field(ge=1, le=10_000)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, count=self.count)
