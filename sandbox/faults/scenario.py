"""The scenario format: what a file in `scenarios/` may say. pydantic, because people write it."""

from __future__ import annotations

import operator
from fnmatch import fnmatchcase
from functools import reduce
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    field_validator,
    model_validator,
)

from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts
from sandbox.core.payer import Payer, changed
from sandbox.faults.effects import arrival, resource, search, signin
from sandbox.faults.effects.base import Effect

VERBS: dict[str, type[Effect]] = {
    verb.model_fields["do"].annotation.__args__[0]: verb  # type: ignore[union-attr]
    for room in (arrival, signin, search, resource)
    for verb in vars(room).values()
    if isinstance(verb, type) and issubclass(verb, Effect) and verb is not Effect
}
"""Every verb by its name in YAML."""

AnyEffect: Any = Annotated[reduce(operator.or_, VERBS.values()), Field(discriminator="do")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_Strict):
    """When a rule applies. Every key that is there must hold. Paths are globs below the payer's
    prefix. `nth every first after` count the requests that match the other keys; `rate` picks a
    share of them by a hash, so that two runs agree."""

    path: str | None = None
    method: str | None = None
    resource: str | None = None
    param: str | None = Field(None, description="a parameter's name, or name=value")
    client: str | None = None
    member: str | None = None
    grant_type: str | None = None
    page: int | None = Field(None, ge=1)
    nth: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)
    first: int | None = Field(None, ge=1)
    after: int | None = Field(None, ge=0)
    rate: float | None = Field(None, gt=0, le=1)

    def matches(self, facts: Facts) -> bool:
        """Whether the keys about the request itself hold."""
        return (
            (self.path is None or fnmatchcase(facts.path, self.path))
            and (self.method is None or facts.method == self.method.upper())
            and self._param(facts)
            and all(
                getattr(self, name) is None or getattr(facts, name) == getattr(self, name)
                for name in ("resource", "client", "member", "grant_type", "page")
            )
        )

    def _param(self, facts: Facts) -> bool:
        if self.param is None:
            return True
        name, _, value = self.param.partition("=")
        return name in facts.params and (not value or facts.params[name] == value)

    @property
    def counts(self) -> bool:
        return any(x is not None for x in (self.nth, self.every, self.first, self.after, self.rate))

    def due(self, number: int, share: float) -> bool:
        """Whether the `number`-th match (from 1) is one the counting keys choose."""
        return (
            (self.nth is None or number == self.nth)
            and (self.every is None or number % self.every == 0)
            and (self.first is None or number <= self.first)
            and (self.after is None or number > self.after)
            and (self.rate is None or share < self.rate)
        )


class Rule(_Strict):
    """An accident: when → then."""

    when: When = When()
    then: AnyEffect


class Then(_Strict):
    """What a step of `shows` must see; every key that is there must hold.

    `issue` is the OperationOutcome's code, `error` the OAuth error (in JSON or on the callback),
    `says` a text in the error description or page, `header` header names with the text they contain.
    `every` names an element of the answer (a dotted path, lists walked through), and `unresolvable`
    the share of the references found there that cannot be read (within 0.15).
    """

    status: int | None = None
    issue: str | None = None
    error: str | None = None
    says: str | None = None
    header: dict[str, str] = {}
    every: str | None = None
    unresolvable: float | None = Field(None, ge=0, le=1)
    connected: bool | None = Field(None, description="whether a sign-in ended with a token")


class Show(_Strict):
    """One step that a client takes. Exactly one of get, sign_in, refresh, advance, opt_in.

    `get` is a path below the FHIR base; {patient} stands for the member's id. `times` repeats it,
    and `then` speaks of the last. A step runs with the token of the latest sign-in (the first
    eligible member's, when there was none).
    """

    get: str | None = None
    sign_in: str | None = Field(None, description="a member's username")
    refresh: int | None = Field(None, ge=1, description="refresh this many times")
    advance: str | None = Field(None, description="move the clock: an ISO 8601 duration")
    opt_in: str | None = Field(None, description="a member who switches sharing on in the portal")
    times: int = Field(1, ge=1)
    then: Then = Then()

    @model_validator(mode="after")
    def _one_action(self) -> Show:
        actions = [self.get, self.sign_in, self.refresh, self.advance, self.opt_in]
        if sum(action is not None for action in actions) != 1:
            raise ValueError("a step has exactly one of get, sign_in, refresh, advance, opt_in")
        return self


class Scenario(_Strict):
    """One file in `scenarios/`."""

    id: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", description="the file's name without .yaml")
    title: str = Field(max_length=80)
    story: str = Field(description="what happens, and how it hurts an app")
    area: Literal["registration", "sign-in", "token", "search", "data", "transport", "bulk"]
    cites: list[str] = []
    payer: dict[str, Any] = Field(default={}, description="changes of the payer's character")
    rules: list[Rule] = []
    expect: dict[str, float] = Field(
        description="points each touched metric earns; {} = the rubric cannot see it"
    )
    shows: list[Show] = Field(min_length=1)
    reproduce: str = Field(description="one line that shows it in a terminal")

    @field_validator("payer")
    @classmethod
    def _known_policies(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Unknown names and wrong types are told here, not when a request comes."""
        try:
            # Strict: YAML here has no "yes" and "no", and the value is used as it is written.
            TypeAdapter(Payer).validate_json(json_bytes(vars(changed(Payer(), value))), strict=True)
        except UsageError as problem:
            raise ValueError(str(problem)) from None
        except ValidationError as problem:
            told = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
            raise ValueError("; ".join(told)) from None
        return value
