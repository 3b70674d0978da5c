"""Authorize verbs: what goes wrong when a member has signed in and consented."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal
from urllib.parse import quote

from pydantic import Field

from sandbox.auth.authorization.decision import Decision
from sandbox.auth.scopes import USER
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.schema.types import TYPES


class Deny(Effect, stage=Stage.AUTHORIZE):
    """Return the member to the app with an error, whatever they decided."""

    do: Literal["deny"]
    error: str = "access_denied"
    description: str | None = None

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, error=self.error, description=self.description)


class DropState(Effect, stage=Stage.AUTHORIZE):
    """Do not return `state`."""

    do: Literal["drop_state"]

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, params={k: v for k, v in value.params.items() if k != "state"})


class NarrowScopes(Effect, stage=Stage.AUTHORIZE):
    """Grant all scopes that the member agreed to except these."""

    do: Literal["narrow_scopes"]
    drop: list[str]

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, scope=tuple(s for s in value.scope if s not in self.drop))


class KeepScopes(Effect, stage=Stage.AUTHORIZE):
    """Grant only these of the scopes that the member agreed to."""

    do: Literal["keep_scopes"]
    keep: list[str]

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, scope=tuple(s for s in value.scope if s in self.keep))


class NarrowTypes(Effect, stage=Stage.AUTHORIZE):
    """Grant access to fewer resource types than the member agreed to: to none in `drop` and, if `keep` is
    set, only to those in it. A wildcard scope becomes one scope per remaining type. fhirUser, which reads
    the member's own record, is removed with Patient."""

    do: Literal["narrow_types"]
    drop: list[str] = Field(default_factory=list)
    keep: list[str] | None = None

    def idle(self) -> str:
        if unknown := sorted({*self.drop, *(self.keep or ())} - set(TYPES)):
            return f"there is no resource type {unknown[0]!r} here"
        return "" if self.drop or self.keep is not None else "needs drop or keep"

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        left = [kind for kind in self.keep or TYPES if kind not in self.drop]
        scope: list[str] = []
        for text in value.scope:
            context, slash, access = text.partition("/")
            kind, _, actions = access.partition(".")
            if not slash or context not in ("patient", "user"):
                scope += [text] if text != USER or "Patient" in left else []
            elif kind == "*":
                scope += [f"{context}/{name}.{actions}" for name in left]
            elif kind in left:
                scope.append(text)
        return replace(value, scope=tuple(dict.fromkeys(scope)))


class AlterState(Effect, stage=Stage.AUTHORIZE):
    """Return a changed `state`."""

    do: Literal["alter_state"]
    how: Literal["truncate", "encode_twice", "lower_case", "replace"] = "truncate"

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        state = value.params.get("state")
        if state is None:
            return value
        altered = {
            "truncate": state[: len(state) // 2],
            "encode_twice": quote(state + "=", safe=""),
            "lower_case": state.lower(),
            "replace": "undefined",
        }[self.how]
        return replace(value, params={**value.params, "state": altered})


class AddCallbackParam(Effect, stage=Stage.AUTHORIZE):
    """Add a parameter to the callback, such as `error` besides the code, or a wrong `iss`."""

    do: Literal["add_callback_param"]
    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    value: str

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, params={**value.params, self.name: self.value})


class DropCallbackParam(Effect, stage=Stage.AUTHORIZE):
    """Leave a parameter out of the callback."""

    do: Literal["drop_callback_param"]
    name: str

    def idle(self) -> str:
        sent = ("code", "state", "iss", "error", "error_description", "error_uri")
        return "" if self.name in sent else f"{self.name} is never sent; {', '.join(sent)} may be"

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, params={k: v for k, v in value.params.items() if k != self.name})


class WrongPatient(Effect, stage=Stage.AUTHORIZE):
    """Grant access to another patient's record instead of the member's own."""

    do: Literal["wrong_patient"]
    patient: str = Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, patient=self.patient)


class RefuseData(Effect, stage=Stage.AUTHORIZE):
    """Issue a valid token, then return 403 for every data request."""

    do: Literal["refuse_data"]
    text: str = "Data access is not available for this member"

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, refused=self.text)
