"""Query and bundle verbs: searches that are poorer than asked, pages that lie."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from sandbox.core.errors import bad_request
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.library import Page
from sandbox.fhir.query import Query


class ForgetIncludes(Effect, stage=Stage.QUERY):
    """Answer the search but leave out every _include the client asked for."""

    do: Literal["forget_includes"]

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, includes=())


class IgnoreParam(Effect, stage=Stage.QUERY):
    """Search as if this parameter had not been sent, without saying so."""

    do: Literal["ignore_param"]
    param: str

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, clauses=tuple(c for c in value.clauses if c.param.name != self.param))


class RejectParam(Effect, stage=Stage.QUERY):
    """Answer 400 when this parameter is sent."""

    do: Literal["reject_param"]
    param: str

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        if any(c.param.name == self.param for c in value.clauses):
            bad_request(f"The search parameter {self.param} is not supported", self.param)
        return value


class CapCount(Effect, stage=Stage.QUERY):
    """Never show more than `most` entries a page, whatever `_count` asks."""

    do: Literal["cap_count"]
    most: int = Field(ge=1)

    def __call__(self, value: Query, facts: Facts, world: World) -> Query:
        return replace(value, count=min(value.count, self.most))


class LieAboutTotal(Effect, stage=Stage.BUNDLE):
    """Report another `total` than there is."""

    do: Literal["lie_about_total"]
    total: int = Field(ge=0)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, total=self.total)


class DropNextLink(Effect, stage=Stage.BUNDLE):
    """Leave out the `next` link: the rest of the results cannot be reached."""

    do: Literal["drop_next_link"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, more=False)


class RepeatEntry(Effect, stage=Stage.BUNDLE):
    """Show the last entry of a page twice."""

    do: Literal["repeat_entry"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=(*value.matches, *value.matches[-1:]))
