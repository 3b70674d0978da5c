"""Authorize and token verbs: what goes wrong while an app connects."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field

from sandbox.auth.decision import Decision
from sandbox.auth.tokens import TokenPlan
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World


class Deny(Effect, stage=Stage.AUTHORIZE):
    """Send the member back to the app with an error, whatever they decided."""

    do: Literal["deny"]
    error: str = "access_denied"
    description: str | None = None

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, error=self.error, description=self.description)


class DropState(Effect, stage=Stage.AUTHORIZE):
    """Forget to send `state` back."""

    do: Literal["drop_state"]

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, params={k: v for k, v in value.params.items() if k != "state"})


class NarrowScopes(Effect, stage=Stage.AUTHORIZE):
    """Grant fewer scopes than the member agreed to, without a word."""

    do: Literal["narrow_scopes"]
    drop: list[str]

    def __call__(self, value: Decision, facts: Facts, world: World) -> Decision:
        return replace(value, scope=tuple(s for s in value.scope if s not in self.drop))


class ExpireEarly(Effect, stage=Stage.TOKEN):
    """The access token dies before the `expires_in` it was announced with: after some seconds, after
    some requests, or at whichever comes first."""

    do: Literal["expire_early"]
    after_seconds: int | None = Field(default=None, ge=0)
    after_requests: int | None = Field(default=None, ge=0)

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        lifetime = value.lifetime if self.after_seconds is None else min(self.after_seconds, value.lifetime)
        limits = [uses for uses in (value.uses, self.after_requests) if uses is not None]
        return replace(value, lifetime=lifetime, uses=min(limits, default=None))


class OmitPatient(Effect, stage=Stage.TOKEN):
    """Leave the patient out of the token response."""

    do: Literal["omit_patient"]

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, extras={k: v for k, v in value.extras.items() if k != "patient"})


class WithholdRefresh(Effect, stage=Stage.TOKEN):
    """Issue no refresh token."""

    do: Literal["withhold_refresh"]

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, refresh=False)
