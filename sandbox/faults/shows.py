"""`shows`: the steps of a client, and what it sees. The catalog test runs them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

ACTIONS = (
    "get", "sign_in", "refresh", "advance", "opt_in", "fetch", "follow", "authorize", "replay", "service",
)  # fmt: skip


class _ShowModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Then(_ShowModel):
    """What the client sees after a step; all keys must match.

    `issue` is the OperationOutcome code, `error` the OAuth error (in JSON or on the callback), `says` a text
    in the error description or page, `header` maps header names to a text that they contain. `every` names an
    element of the response (a dotted path that may lead through lists), and `unresolvable` the share of the
    references there that cannot be read (within 0.15). `holds` maps paths to a value there, `like` to a
    regular expression for every value there; at the paths in `absent` there is nothing. `took` is by the
    payer's clock. `broken` says how the response fails before it can be parsed.
    """

    status: int | None = None
    issue: str | None = None
    error: str | None = None
    says: str | None = None
    header: dict[str, str] = {}
    without: list[str] = Field([], description="headers that the response does not have")
    every: str | None = None
    unresolvable: float | None = Field(None, ge=0, le=1)
    connected: bool | None = Field(None, description="whether the sign-in ended with a token")
    state: Literal["kept", "altered", "dropped"] | None = Field(
        None, description="whether the callback returned the state that was sent"
    )
    holds: dict[str, JsonValue] = {}
    like: dict[str, str] = Field({}, description="paths with a regular expression for every value there")
    absent: list[str] = []
    claims: dict[str, JsonValue] = Field({}, description="claims of the id_token in the response")
    unclaimed: list[str] = Field([], description="claims that the id_token does not have")
    signed: bool | None = Field(None, description="whether the id_token verifies with the published keys")
    took: float | None = Field(None, description="minimum duration in seconds")
    entries: int | None = Field(None, ge=0, description="number of entries in the Bundle")
    pages: int | None = Field(None, ge=1, description="number of pages until there is no new next link")
    broken: Literal["connection", "json", "encoding"] | None = None


class Show(_ShowModel):
    """One step of a client: exactly one of get, fetch, follow, sign_in, authorize, refresh, replay, advance,
    opt_in, service.

    `get` is a path below the FHIR base, read with the token; `fetch` one below the payer's prefix, read
    without it. {patient} is the member's id, {ago[90]} the date 90 days ago by the payer's clock. `follow`
    reads a link of the last Bundle. `authorize` opens the authorization page with changed parameters (null
    removes one; {fhir} is the FHIR base). `times` repeats a step, and `then` applies to the last time. A step
    uses the token of the latest sign-in, or of the first eligible member if there was none.
    """

    get: str | None = None
    fetch: str | None = None
    follow: str | None = Field(None, description="a link relation of the last Bundle, such as next")
    sign_in: str | None = Field(None, description="a member's user name")
    password: str | None = Field(None, description="the password for sign_in, if it is not the usual one")
    replay: Literal[True] | None = Field(None, description="redeem the code of the last sign-in again")
    authorize: dict[str, str | None] | None = None
    refresh: int | None = Field(None, ge=1, description="refresh this many times")
    advance: str | None = Field(None, description="move the clock by an ISO 8601 duration")
    service: str | None = Field(
        None,
        description="get a backend service's token by an assertion with this aud; {auth} is the issuer",
    )
    opt_in: str | None = Field(None, description="a member who turns on sharing in the portal")
    answers: int = Field(0, ge=0, description="pages that sign_in fills in between login and consent")
    send: dict[str, str] = Field({}, description="request headers of get and fetch")
    method: Literal["GET", "POST", "OPTIONS"] = Field("GET", description="the HTTP method of fetch")
    times: int = Field(1, ge=1)
    then: Then = Then()

    @model_validator(mode="after")
    def _has_one_action(self) -> Show:
        if sum(getattr(self, action) is not None for action in ACTIONS) != 1:
            raise ValueError(f"a step has exactly one of {', '.join(ACTIONS)}")
        if self.password is not None and self.sign_in is None:
            raise ValueError("password goes with sign_in")
        if self.answers and self.sign_in is None:
            raise ValueError("answers goes with sign_in")
        if self.method != "GET" and self.fetch is None:
            raise ValueError("method goes with fetch")
        return self
