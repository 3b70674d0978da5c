"""Query verbs: searches that are poorer than asked, or refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from sandbox.core.errors import SandboxProblem, bad_request
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.paths import TYPES
from sandbox.fhir.search.query import Query


class ForgetIncludes(Effect, stage=Stage.QUERY):
    """Answer the search but leave out every _include the client asked for."""

    do: Literal["forget_includes"]

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, includes=())


def _unknown(name: str) -> str:
    known = {param.name for kind in TYPES.values() for param in kind.params}
    return "" if name in known else f"no type here is searched by {name!r}, so it is refused before"


class IgnoreParam(Effect, stage=Stage.QUERY):
    """Search as if this parameter had not been sent, without saying so."""

    do: Literal["ignore_param"]
    param: str

    def idle(self) -> str:
        return _unknown(self.param)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, clauses=tuple(c for c in value.clauses if c.param.name != self.param))


class RejectParam(Effect, stage=Stage.QUERY):
    """Answer 400 when this parameter is sent."""

    do: Literal["reject_param"]
    param: str

    def idle(self) -> str:
        return _unknown(self.param)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        if any(c.param.name == self.param for c in value.clauses):
            bad_request(f"The search parameter {self.param} is not supported", self.param)
        return value


class RequireParam(Effect, stage=Stage.QUERY):
    """Answer 400 when none of these parameters is sent."""

    do: Literal["require_param"]
    params: list[str] = Field(min_length=1)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        if not any(c.param.name in self.params for c in value.clauses):
            bad_request(f"A search needs {' or '.join(self.params)}", self.params[0])
        return value


class RefuseSearch(Effect, stage=Stage.QUERY):
    """Refuse a search once it is understood: with `page: 2` in `when`, the second page of any."""

    do: Literal["refuse_search"]
    status: int = Field(default=410, ge=400, le=599)
    code: str = Field(default="expired", description="of the OperationOutcome")
    text: str = "This search has expired: begin again"

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        problem = SandboxProblem(self.text, code=self.code)
        problem.status = self.status
        raise problem


class CapCount(Effect, stage=Stage.QUERY):
    """Never show more than `most` entries a page, whatever `_count` asks."""

    do: Literal["cap_count"]
    most: int = Field(ge=1)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, count=min(value.count, self.most))


class FixCount(Effect, stage=Stage.QUERY):
    """Show pages of this size, whatever `_count` asks."""

    do: Literal["fix_count"]
    count: int = Field(ge=1, le=10_000)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, count=self.count)
