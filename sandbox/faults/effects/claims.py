"""Verbs that change the claims of an id_token before it is signed, so that its signature verifies."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World

Claims = dict[str, Any]

_TIMES = ("iat", "exp", "nbf", "auth_time")
_DAY = 86_400


class DropClaim(Effect, stage=Stage.ID_TOKEN):
    """Leave a claim out of the id_token."""

    do: Literal["drop_claim"]
    claim: str

    def __call__(self, value: Claims, facts: Facts, world: World) -> Claims:
        return {name: held for name, held in value.items() if name != self.claim}


class MisstateClaim(Effect, stage=Stage.ID_TOKEN):
    """State a claim of the id_token wrongly: another party's `aud`, `iss`, `nonce` or `sub`, an `exp` one day
    ago, or an `iat` and `nbf` one day ahead. A claim that the id_token does not have stays absent."""

    do: Literal["misstate_claim"]
    claim: Literal["aud", "exp", "iat", "iss", "nonce", "sub"]

    def __call__(self, value: Claims, facts: Facts, world: World) -> Claims:
        if self.claim not in value:
            return value
        if self.claim == "exp":
            return {**value, "iat": value["iat"] - 2 * _DAY, "exp": value["iat"] - _DAY}
        if self.claim == "iat":
            ahead = value["iat"] + _DAY
            return {**value, "iat": ahead, "nbf": ahead, "exp": value["exp"] + _DAY}
        wrong = {
            "aud": "another-app",
            "iss": "https://identity.example",
            "nonce": "nonce-of-another-sign-in",
            "sub": "another-member",
        }
        return {**value, self.claim: wrong[self.claim]}


class ShiftTimes(Effect, stage=Stage.ID_TOKEN):
    """State the times of the id_token, and `nbf`, by a clock that is `seconds` ahead, or behind if
    negative."""

    do: Literal["shift_times"]
    seconds: int = Field(ge=-_DAY, le=_DAY)

    def idle(self) -> str:
        return "" if self.seconds else "0 seconds change nothing"

    def __call__(self, value: Claims, facts: Facts, world: World) -> Claims:
        times = {"nbf": value["iat"], **value}
        return {name: held + self.seconds if name in _TIMES else held for name, held in times.items()}


class RelativeFhirUser(Effect, stage=Stage.ID_TOKEN):
    """State `fhirUser` as a relative reference, such as Patient/123, instead of a URL."""

    do: Literal["relative_fhir_user"]

    def __call__(self, value: Claims, facts: Facts, world: World) -> Claims:
        if "fhirUser" not in value:
            return value
        return {**value, "fhirUser": "/".join(value["fhirUser"].split("/")[-2:])}
