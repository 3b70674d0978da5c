"""The control API in one table, and the OpenAPI 3.1 document that is made of it.

Bodies and answers are pydantic models: they say the shapes here, and check what strangers send.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import models_json_schema

from sandbox.faults.one_shot import OneShot


class Health(BaseModel):
    status: Literal["ok", "degraded"]
    version: str
    problems: list[str] = Field([], description="what cannot be read or written right now")


class ClockMove(BaseModel):
    """One of the two."""

    model_config = ConfigDict(extra="forbid")

    advance: str | None = Field(None, description="an ISO 8601 duration, such as P90D, PT5M or -P1D")
    set: str | None = Field(None, description="an instant with its zone, such as 2027-01-01T00:00:00Z")


class ClockState(BaseModel):
    now: str
    ahead_seconds: float = Field(description="how far the clock is ahead of the machine's")


class Entry(BaseModel):
    """An exchange. What does not apply is left out; more fields may come."""

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
    because: list[str] = Field([], description="effects that fired when the token was made")
    member: str = ""
    client: str = ""
    params: list[str] = Field([], description="names of the parameters that were sent")
    sent: dict[str, str] = Field({}, description="values of those that carry no secret")
    token: str = Field("", description="the beginning of the SHA-256 of the bearer token")
    query: str = Field("", description="the same of the query string")
    marks: dict[str, str] = Field({}, description="the same of state, code, refresh_token, _page and such")
    issued: dict[str, str] = Field({}, description="the same of what the answer handed out")
    next: str = Field("", description="the same of the next page's token, where one was offered")
    state_length: int = Field(0, description="characters of the state that was sent")
    accept: str = Field("", description="the Accept header")
    agent: str = Field("", description="the User-Agent header")
    in_address: list[str] = Field([], description="names of secrets that stood in the address")
    error: str = ""
    said: str = ""
    why: str = Field("", description="for a refusal: its cause, in one sentence")
    repair: str = Field("", description="and what to do about it")


class Journal(BaseModel):
    entries: list[Entry]
    last: int = Field(description="ask for more with `after` set to this")


class Session(BaseModel):
    payers: list[str] = Field(description="selections, each below /s/")


class Judged(BaseModel):
    id: str
    title: str
    result: Literal["pass", "fail", "not exercised"]
    reason: str
    evidence: list[dict[str, Any]] = Field(description="number, request, at, method, path, status")
    fix: str = Field("", description="for a failure: what to do")
    cites: list[str] = Field([], description="and where it is written")


class ReportCard(BaseModel):
    source: str
    client: str
    exchanges: int
    passed: int
    failed: int
    not_exercised: int
    left_out: dict[str, int] = Field({}, description="exchanges that are not the app's, by who made them")
    rows: list[Judged]


class Reset(BaseModel):
    reset: str


class Dial(BaseModel):
    kind: str
    default: str | float
    range: str
    help: str


class Listed(BaseModel):
    id: str
    title: str
    area: str
    parameters: dict[str, Dial]
    expect: Any


class Scenarios(BaseModel):
    in_force: list[str]
    selection: str
    scenarios: list[Listed]


class ArmedAccident(BaseModel):
    number: int
    times: int
    left: int
    when: dict[str, Any]
    then: dict[str, Any]


class FailNext(BaseModel):
    armed: list[ArmedAccident]


class Usage(BaseModel):
    """The yearly report of 42 CFR 422.119(f): aggregated, nobody is named."""

    year: int
    level: str
    id: str
    unique_patients: int
    unique_patients_multiple: int
    apps: int
    due: str


class Standing(BaseModel):
    """What is decided about a member, and what follows."""

    username: str
    locked: bool
    approved: bool
    opted_out: bool
    refusal: str | None = Field(description="why no app may connect; null: one may")
    may_share: list[str] = Field(description="ids of the patients whose data the member may share")


class StandingChange(BaseModel):
    locked: bool | None = None
    approved: bool | None = None
    opted_out: bool | None = None


class App(BaseModel):
    """A client, in the words of RFC 7591; its own metadata besides."""

    model_config = ConfigDict(extra="allow")

    client_id: str
    client_name: str
    client_state: str
    registered: bool = Field(description="false: a client of the fixtures")
    old_secret_until: str | None = None


class Apps(BaseModel):
    clients: list[App]
    criteria: dict[str, str] = Field(description="why an app may be denied or suspended")


class AppChange(BaseModel):
    state: str | None = Field(None, description="approved, denied, suspended")
    criterion: str | None = None
    rotate_secret: str | None = Field(None, description="with-notice or at-once; comes alone")


class Keys(BaseModel):
    kid: str = Field(description="what signs from now on")
    published: list[str]


class Problem(BaseModel):
    error: str
    message: str


@dataclass(frozen=True)
class Operation:
    """A row: `answer` None is the OpenAPI document itself."""

    method: str
    path: str
    id: str
    says: str
    answer: type[BaseModel] | None
    body: type[BaseModel] | None = None
    query: Mapping[str, str] | None = None


_FILTERS = {
    "limit": "at most so many entries, 1 to 10000 (100)",
    "after": "entries after this number, oldest first",
    "wait": "with `after`: wait up to so many seconds (30 at most) until there is one",
    "status": "401, or a class such as 4xx",
    "method": "GET, POST",
    "path": "the beginning of the path below the prefix",
    "member": "a member's user name",
    "client": "a client id",
    "scenario": "the beginning of the selection",
    "effect": "a part of the name of an effect that fired",
    "request": "the X-Request-Id of an answer",
    "token": "the beginning of the SHA-256 of a bearer token, as entries have it",
    "since": "an instant with its zone",
    "refused": "true: only what was refused",
    "format": "ndjson: one entry a line (the same as Accept: application/x-ndjson)",
}

OPERATIONS = (
    Operation("get", "/health", "health", "Whether the payer runs. No key is needed.", Health),
    Operation("get", "/openapi.json", "openapi", "This document.", None),
    Operation("get", "/clock", "clock", "The payer's time.", ClockState),
    Operation("post", "/clock", "moveClock", "Move the clock of this payer.", ClockState, ClockMove),
    Operation("get", "/journal", "journal", "The exchanges, with what fired.", Journal, query=_FILTERS),
    Operation("get", "/sessions/{name}", "session", "The payers of a session that were used.", Session),
    Operation("get", "/review", "review", "How an app behaved; a page for a browser.", ReportCard,
              query={"client": "the app, where several used this payer"}),
    Operation("post", "/reset", "reset", "Forget tokens, opt-ins, counters, journal and clock.", Reset),
    Operation("get", "/scenarios", "scenarios", "The catalogue, and what is in force.", Scenarios),
    Operation("get", "/fail-next", "armed", "The accidents that were armed, and what is left.", FailNext),
    Operation("post", "/fail-next", "failNext", "Arm an accident that happens a number of times and is over.",
              FailNext, OneShot),
    Operation("delete", "/fail-next", "disarm", "Forget every armed accident.", FailNext),
    Operation("get", "/reports/patient-access-metrics", "usageReport",
              "The yearly usage report.", Usage, query={"year": "a calendar year (required)"}),
    Operation("get", "/members/{username}", "member", "What is decided about a member.", Standing),
    Operation("post", "/members/{username}", "decideMember", "Lock, approve or opt out a member.", Standing,
              StandingChange),
    Operation("get", "/clients", "clients", "The apps, and the criteria against them.", Apps),
    Operation("get", "/clients/{id}", "client", "One app.", App),
    Operation("post", "/clients/{id}", "decideClient", "Approve, deny or suspend an app; rotate its secret.",
              App, AppChange),
    Operation("post", "/keys/rotate", "rotateKeys", "Sign id_tokens with a new key.", Keys),
)  # fmt: skip

_IN_PATH = re.compile(r"\{(\w+)\}")
_REF = "#/components/schemas/{model}"


def document(base: str, version: str) -> dict[str, Any]:
    """The OpenAPI document of the control API at `base` (no slash at the end)."""
    models = [m for o in OPERATIONS for m in (o.answer, o.body) if m is not None] + [Problem]
    _, schemas = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REF
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "payer-sandbox control API",
            "version": version,
            "description": "For whoever runs the sandbox, not for apps. Each payer prefix has its own.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Sandbox-Key"}},
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.id,
        "summary": operation.says,
        "responses": {
            "200": {
                "description": "well",
                "content": {"application/json": {"schema": _schema(operation.answer)}},
            },
            "400": {"description": "cannot be understood", "content": _problem()},
            "403": {"description": "not on this machine, or without the key", "content": _problem()},
        },
    }
    if named := _IN_PATH.findall(operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named
        ]
        described["responses"]["404"] = {"description": "there is no such thing", "content": _problem()}
    if operation.query:
        described["parameters"] = [
            {
                "name": name,
                "in": "query",
                "description": says,
                "required": "(required)" in says,
                "schema": {"type": "string"},
            }
            for name, says in operation.query.items()
        ]
    if operation.body:
        content = {"application/json": {"schema": _schema(operation.body)}}
        described["requestBody"] = {"required": operation.body is ClockMove, "content": content}
    return described


def _schema(model: type[BaseModel] | None) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)} if model else {"type": "object"}


def _problem() -> dict[str, Any]:
    return {"application/json": {"schema": _schema(Problem)}}
