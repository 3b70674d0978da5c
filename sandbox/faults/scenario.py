"""The format of a scenario file."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from functools import reduce
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    StringConstraints,
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
from sandbox.faults.parameters import Parameter, Parameters, Written, fill
from sandbox.faults.shows import Show
from sandbox.faults.verbs import VERBS
from sandbox.faults.window import Window

__all__ = ["VERBS", "Case", "Keyword", "Rule", "Scenario", "When"]

AnyEffect: Any = Annotated[reduce(operator.or_, VERBS.values()), Field(discriminator="do")]


class _ScenarioModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class When(_ScenarioModel):
    """When a rule applies; all keys must match.

    Paths are globs below the payer's prefix. `nth`, `every`, `first` and `after` count the requests that
    match the other keys, and `rate` selects a share of them by a hash, the same in every run. `status` is
    for response verbs, `share` (of the resources, by a hash of their id) for resource verbs. A browser's
    preflight matches only rules with `method: OPTIONS`.
    """

    path: str | None = None
    method: str | None = None
    resource: str | None = None
    param: str | None = Field(None, description="a query parameter: name, or name=value")
    lacks: str | None = Field(None, description="a query parameter that is absent")
    client: str | None = None
    member: str | None = None
    grant_type: str | None = None
    page: int | None = Field(None, ge=1)
    nth: int | None = Field(None, ge=1)
    every: int | None = Field(None, ge=1)
    first: int | None = Field(None, ge=1)
    after: int | None = Field(None, ge=0)
    rate: float | None = Field(None, gt=0, le=1)
    share: float | None = Field(None, gt=0, le=1, description="share of the resources, always the same ones")
    status: int | Literal["2xx", "3xx", "4xx", "5xx"] | None = Field(
        None, description="status of the response before verbs change it"
    )
    window: Window | None = None

    def matches(self, facts: Facts) -> bool:
        """Return whether the keys about the request match."""
        return (
            (self.method is not None or not facts.preflight)
            and (self.path is None or fnmatchcase(facts.path, self.path))
            and (self.method is None or facts.method == self.method.upper())
            and self._matches_param(facts)
            and (self.lacks is None or self.lacks not in facts.params)
            and all(
                getattr(self, name) is None or getattr(facts, name) == getattr(self, name)
                for name in ("resource", "client", "member", "grant_type", "page")
            )
        )

    def _matches_param(self, facts: Facts) -> bool:
        if self.param is None:
            return True
        name, _, value = self.param.partition("=")
        return name in facts.params and (not value or facts.params[name] == value)

    def matches_status(self, status: int) -> bool:
        """Return whether the status of a response matches."""
        return self.status in (None, status, f"{status // 100}xx")

    def is_open(self, now: datetime, ahead: timedelta) -> bool:
        """Return whether the payer's clock is in the window."""
        return self.window is None or self.window.is_open(now, ahead)

    @property
    def counts(self) -> bool:
        """Whether the rule counts requests."""
        return any(x is not None for x in (self.nth, self.every, self.first, self.after, self.rate))

    def is_due(self, number: int, share: float) -> bool:
        """Return whether the counting keys select the match with this number, from 1."""
        return (
            (self.nth is None or number == self.nth)
            and (self.every is None or number % self.every == 0)
            and (self.first is None or number <= self.first)
            and (self.after is None or number > self.after)
            and (self.rate is None or share < self.rate)
        )


class Rule(_ScenarioModel):
    """A fault: which verb applies, and when."""

    when: When = When()
    then: AnyEffect

    @model_validator(mode="after")
    def _fits_the_gate(self) -> Rule:
        for key, stage in (("status", Stage.RESPONSE), ("share", Stage.RESOURCE)):
            if getattr(self.when, key) is not None and self.then.stage is not stage:
                raise ValueError(f"when.{key} goes with {stage.name.lower()} verbs; {self.then.do} is none")
        return self


class Case(_ScenarioModel):
    """The expected score at one setting of the parameters."""

    settings: dict[str, Written] = Field(
        {}, alias="with", description="values of parameters; others have their default"
    )
    points: dict[str, float]


Expect = Annotated[
    Annotated[dict[str, float], Tag("expect:points")] | Annotated[list[Case], Tag("expect:cases")],
    Discriminator(lambda value: "expect:cases" if isinstance(value, list) else "expect:points"),
]


_Words = Annotated[
    str,
    StringConstraints(
        max_length=40, pattern=r"^[A-Za-z0-9_$][A-Za-z0-9_$.:/%&=+'-]*( [A-Za-z0-9_$.:/%&=+'-]+)*$"
    ),
]
Keyword = Annotated[
    _Words,
    # YAML reads 401 as a number.
    BeforeValidator(
        lambda value: str(value) if type(value) is int else value, json_schema_input_type=_Words | int
    ),
]
"""A word or short phrase by which developers search for a failure."""


class Scenario(_ScenarioModel):
    """A scenario file. In `payer` and `rules`, `$name` is replaced by a parameter's value."""

    id: str = Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", description="the file's name without .yaml")
    title: str = Field(max_length=80, description="what goes wrong, as a short phrase or sentence")
    story: str = Field(description="what the payer does, what the app sees, and why real payers do it")
    keywords: list[Keyword] = Field(
        default=[],
        max_length=16,
        description="error codes, HTTP statuses, parameters, headers, terms of the specifications and"
        " developers' own words, to find it by; required of the scenarios that come with the sandbox",
    )
    area: Literal["registration", "sign-in", "token", "search", "data", "transport", "bulk"]
    cites: list[str] = []
    parameters: Parameters = Field(default={}, description="its parameters, by name")
    payer: dict[str, Any] = Field(default={}, description="policies of the payer's profile that it changes")
    rules: list[Rule] = []
    expect: Expect = Field(
        description="points of each metric that it affects; {} if the rubric does not measure it; a list of"
        " cases for several settings of the parameters"
    )
    shows: list[Show] = Field(min_length=1)
    reproduce: str = Field(description="a command that reproduces it")

    _source: Any = PrivateAttr(None)
    _settings: dict[str, str] = PrivateAttr(default_factory=dict)

    @model_validator(mode="wrap")
    @classmethod
    def _fill_in_parameters(
        cls, data: Any, build: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Replace parameters before validation: by the values of the context, or the defaults."""
        if not isinstance(data, dict):
            return build(data)
        try:
            parameters = _PARAMETERS.validate_python(data.get("parameters", {}))
        except ValidationError:
            return build(data)  # reports what is wrong with them
        values = info.context or {name: p.to_value(p.default_text) for name, p in parameters.items()}
        filled = {key: fill(data[key], values, key) for key in ("payer", "rules") if key in data}
        scenario = build(data | filled)
        scenario._source = data
        return scenario

    @model_validator(mode="after")
    def _has_valid_cases(self) -> Scenario:
        for case in self.cases:
            self.normalize({name: str(value) for name, value in case.settings.items()})
        return self

    @field_validator("payer")
    @classmethod
    def _is_profile(cls, value: dict[str, Any]) -> dict[str, Any]:
        """Report unknown policies and wrong types when the file is read."""
        try:
            # Strict: YAML here has no "yes" and "no", and the value is used as it is written.
            _PROFILE.validate_json(json_bytes(vars(changed(PayerProfile(), value))), strict=True)
        except UsageError as problem:
            raise ValueError(str(problem)) from None
        except ValidationError as problem:
            errors = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in problem.errors())
            raise ValueError("; ".join(errors)) from None
        return value

    @property
    def name(self) -> str:
        """The text that selects it: the id, and the parameters that differ from their default."""
        return self.id + "".join(f",{name}={value}" for name, value in self._settings.items())

    @property
    def settings(self) -> Mapping[str, str]:
        """The values of its parameters that differ from their default."""
        return self._settings

    @property
    def cases(self) -> list[Case]:
        """The expected score, for each setting in the file."""
        return self.expect if isinstance(self.expect, list) else [Case(points=self.expect)]

    def normalize(self, settings: Mapping[str, str]) -> dict[str, str]:
        """Return the values that differ from the defaults, in their normal form and the declared order.

        Raises ValueError with one line that lists the parameters and their ranges.
        """
        values = {}
        for name, text in settings.items():
            parameter = self.parameters.get(name)
            if parameter is None:
                ranges = (f"{key} ({p.range}, default {p.default})" for key, p in self.parameters.items())
                valid = (
                    f"its parameters are {'; '.join(ranges)}" if self.parameters else "it has no parameters"
                )
                raise ValueError(f"{self.id} has no parameter {name[:40]!r}: {valid}")
            try:
                values[name] = parameter.normalize(text)
            except ValueError as problem:
                reason = str(problem)
                reason = reason if reason.startswith("is ") else f"is {parameter.range} ({reason})"
                raise ValueError(f"{name} of {self.id} {reason}") from None
        return {
            name: values[name]
            for name, parameter in self.parameters.items()
            if name in values and values[name] != parameter.default_text
        }

    def with_settings(self, settings: Mapping[str, str]) -> Scenario:
        """Return the scenario with other values of its parameters. Raises ValueError in one line."""
        changes = self.normalize(settings)
        if not changes:
            return self
        values = {
            name: p.to_value(changes.get(name) or p.default_text) for name, p in self.parameters.items()
        }
        try:
            scenario = Scenario.model_validate(self._source, context=values)
        except ValidationError as problem:
            first = problem.errors()[0]
            where = ".".join(str(step) for step in first["loc"] if str(step) not in VERBS)
            raise ValueError(f"{self.id} cannot be set so: {where}: {first['msg']}") from None
        scenario._settings = changes
        return scenario


_PROFILE = TypeAdapter(PayerProfile)
_PARAMETERS: TypeAdapter[dict[str, Parameter]] = TypeAdapter(Parameters)
