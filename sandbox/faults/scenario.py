"""The scenario format: what a file in `scenarios/` may say. pydantic, because people write it."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import reduce
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    Tag,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Stage
from sandbox.core.payer import PayerProfile, changed
from sandbox.faults.parameters import Filled, Parameter, Parameters, Written, fill
from sandbox.faults.shows import Show
from sandbox.faults.verbs import VERBS
from sandbox.faults.window import Window

__all__ = ["VERBS", "Case", "Rule", "Scenario", "When"]

AnyEffect: Any = Annotated[reduce(operator.or_, VERBS.values()), Field(discriminator="do")]


class _ScenarioModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_ScenarioModel):
    """When a rule applies. Every key that is there must hold. Paths are globs below the payer's
    prefix. `nth every first after` count the requests that match the other keys; `rate` picks a
    share of them by a hash, so that two runs agree. `status` is for response verbs, `share` (of the
    resources, by a hash of their id) for resource verbs. A browser's preflight is meant only by rules with
    `method: OPTIONS`."""

    path: str | None = None
    method: str | None = None
    resource: str | None = None
    param: str | None = Field(None, description="a parameter's name, or name=value")
    lacks: str | None = Field(None, description="a parameter that is not there")
    client: str | None = None
    member: str | None = None
    grant_type: str | None = None
    page: int | None = Field(None, ge=1)
    nth: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)
    first: int | None = Field(None, ge=1)
    after: int | None = Field(None, ge=0)
    rate: float | None = Field(None, gt=0, le=1)
    share: float | None = Field(None, gt=0, le=1, description="of the resources, always the same ones")
    status: int | Literal["2xx", "3xx", "4xx", "5xx"] | None = Field(
        None, description="of the answer, before it is disturbed"
    )
    window: Window | None = None

    def matches(self, facts: Facts) -> bool:
        """Whether the keys about the request itself hold."""
        return (
            (self.method is not None or not facts.preflight)
            and (self.path is None or fnmatchcase(facts.path, self.path))
            and (self.method is None or facts.method == self.method.upper())
            and self._param(facts)
            and (self.lacks is None or self.lacks not in facts.params)
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

    def answered(self, status: int) -> bool:
        """Whether an answer's status is the one that was meant."""
        return self.status in (None, status, f"{status // 100}xx")

    def open(self, now: datetime, ahead: timedelta) -> bool:
        """Whether the tenant's clock is in the window."""
        return self.window is None or self.window.open(now, ahead)

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


class Rule(_ScenarioModel):
    """An accident: when → then."""

    when: When = When()
    then: AnyEffect

    @model_validator(mode="after")
    def _possible(self) -> Rule:
        for key, stage in (("status", Stage.RESPONSE), ("share", Stage.RESOURCE)):
            if getattr(self.when, key) is not None and self.then.stage is not stage:
                raise ValueError(f"when.{key} goes with {stage.name.lower()} verbs; {self.then.do} is none")
        return self


class Case(_ScenarioModel):
    """What the rubric says at one setting of the dials."""

    given: dict[str, Written] = Field({}, alias="with", description="values of parameters; others: default")
    points: dict[str, float]


def _shape(value: Any) -> str:
    return "expect:cases" if isinstance(value, list) else "expect:points"


Expect = Annotated[
    Annotated[dict[str, float], Tag("expect:points")] | Annotated[list[Case], Tag("expect:cases")],
    Discriminator(_shape),
]


class Scenario(_ScenarioModel):
    """One file in `scenarios/`. In `payer` and `rules`, `$name` stands for a parameter's value."""

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="the file's name without .yaml")
    title: str = Field(max_length=80)
    story: str = Field(description="what happens, and how it hurts an app")
    area: Literal["registration", "sign-in", "token", "search", "data", "transport", "bulk"]
    cites: list[str] = []
    parameters: Parameters = Field(default={}, description="its dials, by name")
    payer: dict[str, Any] = Field(default={}, description="changes of the payer's character")
    rules: list[Rule] = []
    expect: Expect = Field(
        description="points each touched metric earns; {} = the rubric cannot see it; a list of cases"
        " says it for several settings of the dials"
    )
    shows: list[Show] = Field(min_length=1)
    reproduce: str = Field(description="one line that shows it in a terminal")

    _source: Any = PrivateAttr(None)
    _given: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _with_dials(
        cls, data: Any, build: ModelWrapValidatorHandler[Scenario], info: ValidationInfo
    ) -> Scenario:
        """The dials are turned before anything else is read: to the values of the context, or to the
        defaults."""
        if not isinstance(data, dict):
            return build(data)
        try:
            dials = _DIALS.validate_python(data.get("parameters", {}))
        except ValidationError:
            return build(data)  # which tells what is wrong with them
        defaults = {name: dial.filled(dial.read(str(dial.default))) for name, dial in dials.items()}
        scenario = build(_filled(data, info.context or defaults))
        scenario._source = data
        return scenario

    @model_validator(mode="after")
    def _known_cases(self) -> Scenario:
        for case in self.cases:
            self.canonical({name: str(value) for name, value in case.given.items()})
        return self

    @field_validator("payer")
    @classmethod
    def _known_policies(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Unknown names and wrong types are told here, not when a request comes."""
        try:
            # Strict: YAML here has no "yes" and "no", and the value is used as it is written.
            _PROFILE.validate_json(json_bytes(vars(changed(PayerProfile(), value))), strict=True)
        except UsageError as problem:
            raise ValueError(str(problem)) from None
        except ValidationError as problem:
            told = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
            raise ValueError("; ".join(told)) from None
        return value

    @property
    def name(self) -> str:
        """How it is selected: the id, and the dials that are not at their default."""
        return self.id + "".join(f",{name}={value}" for name, value in self._given.items())

    @property
    def cases(self) -> list[Case]:
        """What the rubric says, at each setting that the file speaks of."""
        return self.expect if isinstance(self.expect, list) else [Case(points=self.expect)]

    @property
    def dials(self) -> str:
        """Its parameters in one line: "seconds (a number from 0.1 to 120, default 5)"."""
        told = (f"{name} ({dial.range}, default {dial.default})" for name, dial in self.parameters.items())
        return "; ".join(told)

    def canonical(self, given: Mapping[str, str]) -> dict[str, str]:
        """The values that differ from the defaults, spelled in the one way, in the declared order.
        Raises ValueError with one line that names the parameters and their ranges."""
        read = {}
        for name, text in given.items():
            dial = self.parameters.get(name)
            if dial is None:
                known = f"its parameters are {self.dials}" if self.parameters else "it has no parameters"
                raise ValueError(f"{self.id} has no parameter {name[:40]!r}: {known}")
            try:
                read[name] = dial.read(text)
            except ValueError as problem:
                told = str(problem)
                told = told if told.startswith("is ") else f"is {dial.range} ({told})"
                raise ValueError(f"{name} of {self.id} {told}") from None
        return {
            name: read[name]
            for name, dial in self.parameters.items()
            if name in read and read[name] != dial.read(str(dial.default))
        }

    def dialled(self, given: Mapping[str, str]) -> Scenario:
        """The same scenario at another setting of its dials. Raises ValueError in one line."""
        chosen = self.canonical(given)
        if not chosen:
            return self
        values = {
            name: dial.filled(chosen.get(name) or dial.read(str(dial.default)))
            for name, dial in self.parameters.items()
        }
        try:
            made = Scenario.model_validate(self._source, context=values)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(step) for step in first["loc"] if str(step) not in VERBS)
            raise ValueError(f"{self.id} cannot be set so: {where}: {first['msg']}") from None
        made._given = chosen
        return made


_PROFILE = TypeAdapter(PayerProfile)
_DIALS: TypeAdapter[dict[str, Parameter]] = TypeAdapter(Parameters)


def _filled(data: Mapping[str, Any], values: Mapping[str, Filled]) -> dict[str, Any]:
    return {key: fill(each, values, key) if key in ("payer", "rules") else each for key, each in data.items()}
