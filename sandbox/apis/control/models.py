"""The bodies and answers of the control API: pydantic models that publish the shapes and parse bodies."""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self, TypeVar

from flask import request
from pydantic import BaseModel, ConfigDict, Field, StrictBool, ValidationError, model_validator

from sandbox.core.errors import bad_request
from sandbox.faults.listing import Cost
from sandbox.faults.search import MatchReason


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    version: str
    problems: list[str] = Field([], description="what the payer cannot read or write right now")


class ControlBody(BaseModel):
    """A body of a call, without unknown names. The error message shows `example`."""

    model_config = ConfigDict(extra="forbid")
    example: ClassVar[str]


class ClockMove(ControlBody):
    """Either `advance` or `set`."""

    example = '{"advance": "P90D"} or {"set": "2027-01-01T00:00:00Z"}'

    advance: str | None = Field(None, description="an ISO 8601 duration, such as P90D, PT5M or -P1D")
    set: str | None = Field(None, description="a date and time with time zone, such as 2027-01-01T00:00:00Z")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.advance is None) == (self.set is None):
            raise ValueError("use either advance or set")
        return self


class ClockState(BaseModel):
    now: str
    ahead_seconds: float = Field(description="seconds by which the clock is ahead of the machine's")


class Entry(BaseModel):
    """A request and its response. Fields that do not apply are left out; there may be further fields."""

    model_config = ConfigDict(extra="allow")

    number: int
    at: str
    request: str
    method: str
    path: str
    status: int
    ms: float
    scenario: str = ""
    effects: list[str] = Field(description="`<scenario>:<verb>` of every effect that fired")
    because: list[str] = Field([], description="effects that fired when the token was issued")
    member: str = ""
    client: str = ""
    params: list[str] = Field([], description="names of the request parameters")
    sent: dict[str, str] = Field({}, description="values of the parameters that are not secret")
    token: str = Field("", description="the beginning of the SHA-256 of the bearer token")
    query: str = Field("", description="the beginning of the SHA-256 of the query string")
    marks: dict[str, str] = Field(
        {}, description="the same for state, code, refresh_token, _page and other secret parameters"
    )
    issued: dict[str, str] = Field({}, description="the same for the tokens and codes in the response")
    next: str = Field("", description="the same for the token of the next page, if there is one")
    state_length: int = Field(0, description="length of the state parameter in characters")
    accept: str = Field("", description="the Accept header")
    agent: str = Field("", description="the User-Agent header")
    in_address: list[str] = Field([], description="names of secrets in the URL")
    error: str = ""
    message: str = Field("", alias="said", description="the error message of the response")
    cause: str = Field("", description="for a refused request: the id of the cause")
    why: str = Field("", description="why the request was refused, in one sentence")
    repair: str = Field("", description="how to fix it")


class Journal(BaseModel):
    entries: list[Entry]
    last: int = Field(description="the number to pass as `after` for later entries")


class Session(BaseModel):
    payers: list[str] = Field(description="selections, each an address below /s/")


class Judged(BaseModel):
    id: str
    title: str
    result: Literal["pass", "fail", "not exercised"]
    reason: str
    evidence: list[dict[str, Any]] = Field(description="number, request, at, method, path, status")
    fix: str = Field("", description="for a failure: how to fix it")
    cites: list[str] = Field([], description="the standards that require it")


class ReportCard(BaseModel):
    source: str
    client: str
    exchanges: int
    passed: int
    failed: int
    not_exercised: int
    left_out: dict[str, int] = Field(
        {}, description="number of exchanges that the app did not make, by who made them"
    )
    rows: list[Judged]


class Reset(BaseModel):
    reset: str


class ScenarioParameter(BaseModel):
    kind: str
    default: str | float
    range: str
    help: str


class Listed(BaseModel):
    id: str
    title: str
    area: str
    keywords: list[str]
    parameters: dict[str, ScenarioParameter]
    expect: Any
    cost: Cost
    why: list[MatchReason] = Field([], description="with `q`: where each word was found")
    unmatched: list[str] = Field([], description="with `q`: words that were not found")


class Scenarios(BaseModel):
    in_force: list[str]
    switched: str = Field("", description="the selection that was switched on for this payer")
    selection: str
    scenarios: list[Listed]
    suggestions: list[str] = Field([], description="with `q`: words like those that match nothing")


class ScenarioSwitch(ControlBody):
    example = '{"selection": "rate-limited,limit=3.slow-responses"}, or "" for none'
    selection: str


class SwitchedScenarios(BaseModel):
    switched: str = Field(description="what is in force besides the scenarios of the address")


class ArmedFault(BaseModel):
    number: int
    times: int
    left: int
    when: dict[str, Any]
    then: dict[str, Any]


class FailNext(BaseModel):
    armed: list[ArmedFault]


class Usage(BaseModel):
    """The yearly report of 42 CFR 422.119(f): aggregated, without names."""

    year: int
    level: str
    id: str
    unique_patients: int
    unique_patients_multiple: int
    apps: int
    due: str


class Standing(BaseModel):
    """The decisions about a member, and their effect."""

    username: str
    locked: bool
    approved: bool
    opted_out: bool
    opted_in: bool = Field(description="whether sharing with apps is switched on")
    refusal: str | None = Field(description="why no app may connect; null if apps may")
    may_share: list[str] = Field(description="ids of the patients whose data the member may share")


class ListedAccount(BaseModel):
    username: str
    password: str
    name: str
    role: str = Field(description="what the member is for when a payer is graded")
    line: str = Field(description="the line of business of the latest coverage")
    purpose: str = Field(description="what to use the member for; empty for most")
    refusal: str | None = Field(description="why no app may connect; null if apps may")


class Members(BaseModel):
    members: list[ListedAccount] = Field(description="100 at most")
    total: int = Field(description="how many there are, also those that are not listed")


class SignIn(ControlBody):
    example = '{"member": "maria"}, with "scope" and "refresh" where wanted'
    member: str = Field(description="a user name, also `<member>@<scenario>`")
    scope: str = Field("", description="what the payer offers, where empty")
    refresh: int = Field(0, ge=0, le=20, description="how often the token is refreshed")


class Revocation(ControlBody):
    example = '{} for every app, or {"client": "sandbox-app"}'
    client: str | None = None


class Revoked(BaseModel):
    revoked: int = Field(description="how many grants ended")


class StandingChange(ControlBody):
    example = '{"locked": true}, {"approved": true} or {"opted_out": true}, or several at once'
    locked: StrictBool | None = None
    approved: StrictBool | None = None
    opted_out: StrictBool | None = None
    opted_in: StrictBool | None = Field(None, description="switch sharing on, as in the portal; false: off")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set or None in self.model_dump(exclude_unset=True).values():
            raise ValueError("use at least one, each true or false")
        return self


class App(BaseModel):
    """A client, with the field names and further metadata of RFC 7591."""

    model_config = ConfigDict(extra="allow")

    client_id: str
    client_name: str
    client_state: str
    registered: bool = Field(description="false for a client from the fixtures")
    old_secret_until: str | None = None


class Apps(BaseModel):
    clients: list[App]
    criteria: dict[str, str] = Field(description="criteria for denying or suspending an app")


class AppChange(ControlBody):
    example = '{"state": "...", "criterion": "..."} or {"rotate_secret": "with-notice" or "at-once"}'
    state: str | None = Field(None, description="approved, denied or suspended")
    criterion: str | None = None
    rotate_secret: str | None = Field(
        None, description="with-notice or at-once; cannot be combined with other fields"
    )

    @model_validator(mode="after")
    def _rotates_alone(self) -> Self:
        if self.rotate_secret is None:
            return self
        if self.rotate_secret not in ("with-notice", "at-once") or self.model_fields_set != {"rotate_secret"}:
            raise ValueError("rotate_secret must be with-notice or at-once, without other fields")
        return self


class Keys(BaseModel):
    kid: str = Field(description="the key that signs from now on")
    published: list[str]


class Problem(BaseModel):
    error: str
    message: str


Body = TypeVar("Body", bound=ControlBody)


def read_body(model: type[Body]) -> Body:
    """Parse the body of the request. Raises BadRequest with an example and the first problem."""
    try:
        return model.model_validate_json(request.get_data())
    except ValidationError as problem:
        error = problem.errors()[0]
        where = ".".join(map(str, error["loc"]))
        why = f" ({where}: {error['msg']})" if where else ""
        bad_request(f"The body must be {model.example}{why}")
