"""One line of a traffic log: an exchange, or an event of an attempt or a sync. The documented format.

`traffic.schema.json` beside this file is its JSON Schema; docs/traffic.md explains it.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from sandbox.core import files

Step = Literal["everything", "individual", "pagination", "retry", "reference", "none"]

MOST_MS = 10**9
"""No answer takes eleven days."""
FIRST_YEAR, LAST_YEAR = 1900, 9000
"""Times that clocks can be wrong by, and calculated with."""


class TrafficRecord(BaseModel):
    """One record. Times without a zone are UTC. Fields that are not known are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore", title="Traffic record")

    ts: datetime = Field(description="When it happened, by the wall clock (RFC 3339)")
    vts: datetime | None = Field(None, description="When it happened by a virtual clock, if there is one")
    payer: str = Field("", description="Whose endpoint")
    mode: Literal["live", "test"] = Field("live", description="Only live records are scored")
    kind: Literal["authz_event", "token", "fhir", "discovery", "sync_event"]
    attempt_id: str = Field("", description="Which attempt to sign in it belongs to")
    sync_id: str = Field("", description="Which sync of a member's data it belongs to")
    extract_step: Step = Field("none", description="The purpose of a FHIR request")
    method: str = "GET"
    url: str = Field("", description="Address or path; secrets in it are never kept")
    rtype: str = Field("", description="Requested FHIR resource type")
    status: int = Field(0, ge=0, le=999, description="HTTP status; 0 without a complete response")
    latency_ms: float | None = Field(None, ge=0, le=MOST_MS)
    outcome: str | None = Field(
        None, description="authz_event: the state reached; sync_event: created, completed or failed"
    )
    error: str = Field("", description="authz_event: `error` of the callback")
    description: str = Field("", description="authz_event: `error_description` of the callback")
    error_uri: str = Field("", description="authz_event: `error_uri` of the callback")
    grant_type: Literal["authorization_code", "refresh_token", ""] = "authorization_code"
    line: str | None = Field(None, description="Line of business of the member, if known")
    coverage_end: date | None = Field(None, description="When the member's coverage ended, if it did")
    portal_account: bool | None = Field(None, description="false: the member never opened the portal")
    entries: int | None = Field(None, ge=0, description="Number of entries in the returned Bundle")
    types: tuple[str, ...] = Field((), description="Resource types in the response of $everything")
    complete: bool | None = Field(
        None, description="false: $everything lacked resources that the searches returned"
    )
    readable: bool = Field(True, description="false: a 200 without a readable FHIR resource")
    request_id: str = ""

    @model_validator(mode="before")
    @classmethod
    def _lenient(cls, value: Any) -> Any:
        """A null is a field that is not there; `LIVE` is `live`."""
        if not isinstance(value, dict):
            return value
        value = {name: field for name, field in value.items() if field is not None}
        if isinstance(value.get("mode"), str):
            value["mode"] = value["mode"].lower()
        return value

    @field_validator("ts", "vts")
    @classmethod
    def _zoned(cls, value: datetime | None) -> datetime | None:
        if value is not None and not FIRST_YEAR <= value.year <= LAST_YEAR:
            raise ValueError(f"the year {value.year}")
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value

    @property
    def when(self) -> datetime:
        """By the log's own clock: the virtual one where there is one."""
        return self.vts or self.ts


def schema() -> bytes:
    """The JSON Schema of one line, as published."""
    return files.json_schema(TrafficRecord.model_json_schema())
