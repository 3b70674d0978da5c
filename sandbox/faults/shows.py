"""What a scenario shows: steps that a client takes, and what it sees. The catalogue test runs them."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator


class _ShowModel(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Then(_ShowModel):
    """What a step of `shows` must see; every key that is there must hold.

    `issue` is the OperationOutcome's code, `error` the OAuth error (in JSON or on the callback),
    `says` a text in the error description or page, `header` header names with the text they contain.
    `every` names an element of the answer (a dotted path, lists walked through), and `unresolvable`
    the share of the references found there that cannot be read (within 0.15). `holds` are paths with
    the value that is found there, `like` paths with a form that every value there has, `absent` paths
    where nothing is found. `took` is by the payer's clock. `broken` says how the answer fails before it
    can be understood.
    """

    status: int | None = None
    issue: str | None = None
    error: str | None = None
    says: str | None = None
    header: dict[str, str] = {}
    without: list[str] = Field([], description="headers that are not there")
    every: str | None = None
    unresolvable: float | None = Field(None, ge=0, le=1)
    connected: bool | None = Field(None, description="whether a sign-in ended with a token")
    state: Literal["kept", "altered", "dropped"] | None = Field(
        None, description="what became of the state that a sign-in sent"
    )
    holds: dict[str, JsonValue] = {}
    like: dict[str, str] = Field({}, description="paths with a regular expression for every value there")
    absent: list[str] = []
    claims: dict[str, JsonValue] = Field({}, description="of the id_token in the answer")
    unclaimed: list[str] = Field([], description="claims that the id_token does not have")
    took: float | None = Field(None, description="at least so many seconds")
    entries: int | None = Field(None, ge=0, description="entries of the Bundle")
    pages: int | None = Field(None, ge=1, description="pages until there is no next, or it was seen before")
    broken: Literal["connection", "json", "encoding"] | None = None


class Show(_ShowModel):
    """One step that a client takes. Exactly one of get, fetch, follow, sign_in, authorize,
    refresh, replay, advance, opt_in, service.

    `get` is a path below the FHIR base, read with the token; `fetch` one below the payer's own prefix,
    without it; {patient} stands for the member's id, {ago[90]} for the date so many days ago by the
    payer's clock. `follow` reads a link of the last Bundle. `authorize` opens the authorization page with
    parameters changed (null leaves one out; {fhir} stands for the FHIR base). `times` repeats a step, and
    `then` speaks of the last.
    A step runs with the token of the latest sign-in (the first eligible member's, when there was none).
    """

    get: str | None = None
    fetch: str | None = None
    follow: str | None = Field(None, description="a link of the last Bundle, as in next")
    sign_in: str | None = Field(None, description="a member's username")
    password: str | None = Field(None, description="of sign_in, where it is another than the usual one")
    replay: Literal[True] | None = Field(None, description="redeem the code of the last sign-in again")
    authorize: dict[str, str | None] | None = None
    refresh: int | None = Field(None, ge=1, description="refresh this many times")
    advance: str | None = Field(None, description="move the clock: an ISO 8601 duration")
    service: str | None = Field(
        None,
        description="a backend service gets a token by an assertion with this aud; {auth} is the payer's",
    )
    opt_in: str | None = Field(None, description="a member who switches sharing on in the portal")
    send: dict[str, str] = Field({}, description="request headers of get and fetch")
    times: int = Field(1, ge=1)
    then: Then = Then()

    @model_validator(mode="after")
    def _one_action(self) -> Show:
        actions = {
            "get": self.get,
            "fetch": self.fetch,
            "follow": self.follow,
            "sign_in": self.sign_in,
            "authorize": self.authorize,
            "refresh": self.refresh,
            "advance": self.advance,
            "opt_in": self.opt_in,
            "replay": self.replay,
            "service": self.service,
        }
        if sum(action is not None for action in actions.values()) != 1:
            raise ValueError(
                "a step has exactly one of get, sign_in, refresh, advance, opt_in, fetch, follow, authorize,"
                " replay, service"
            )
        if self.password is not None and self.sign_in is None:
            raise ValueError("password goes with sign_in")
        return self
