"""Token verbs: tokens that expire early, lack scopes or come with a wrong token response."""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from pydantic import Field, JsonValue

from sandbox.auth.tokens.access_token import TokenPlan
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World


class ExpireEarly(Effect, stage=Stage.TOKEN):
    """Let the access token expire before its `expires_in`: after some seconds or some requests, whichever
    comes first."""

    do: Literal["expire_early"]
    after_seconds: int | None = Field(default=None, ge=0)
    after_requests: int | None = Field(default=None, ge=0)

    def idle(self) -> str:
        neither = self.after_seconds is None and self.after_requests is None
        return "needs after_seconds or after_requests" if neither else ""

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        lifetime = value.lifetime if self.after_seconds is None else min(self.after_seconds, value.lifetime)
        limits = [uses for uses in (value.uses, self.after_requests) if uses is not None]
        return replace(value, lifetime=lifetime, uses=min(limits, default=None))


class OmitPatient(Effect, stage=Stage.TOKEN):
    """Leave `patient` out of the token response."""

    do: Literal["omit_patient"]

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, extras={k: v for k, v in value.extras.items() if k != "patient"})


class RestylePatient(Effect, stage=Stage.TOKEN):
    """Return `patient` in the token response as a `reference` (Patient/123) or a `url`, instead of an id."""

    do: Literal["restyle_patient"]
    style: Literal["reference", "url"] = "reference"

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        if "patient" not in value.extras:
            return value
        base = f"{world.fhir}/" if self.style == "url" else ""
        return replace(value, extras={**value.extras, "patient": f"{base}Patient/{value.extras['patient']}"})


class ShapeToken(Effect, stage=Stage.TOKEN):
    """Issue an access token of another shape: a signed JWT (RFC 9068) with the claim `patient`, or a random
    one of `length` characters."""

    do: Literal["shape_token"]
    shape: Literal["jwt", "random"] = "random"
    length: int = Field(default=4_000, ge=43, le=8_000)

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, is_jwt=self.shape == "jwt", length=self.length)


class WithholdRefresh(Effect, stage=Stage.TOKEN):
    """Issue no refresh token."""

    do: Literal["withhold_refresh"]

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, refresh=False)


class Announce(Effect, stage=Stage.TOKEN):
    """Return this `expires_in` instead of the real lifetime."""

    do: Literal["announce"]
    seconds: int = Field(ge=0)

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, announced=self.seconds)


class NarrowToken(Effect, stage=Stage.TOKEN):
    """Issue a token with fewer scopes than were granted."""

    do: Literal["narrow_token"]
    drop: list[str] = Field(min_length=1)

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, scope=" ".join(s for s in value.scope.split() if s not in self.drop))


class SetTokenField(Effect, stage=Stage.TOKEN):
    """Set a field of the token response, such as the patient of the launch context."""

    do: Literal["set_token_field"]
    name: str = Field(pattern=r"^[A-Za-z0-9_]+$")
    value: JsonValue

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        return replace(value, extras={**value.extras, self.name: self.value})


class ForgetTokens(Effect, stage=Stage.TOKEN):
    """Invalidate every earlier token once the payer's clock has been moved ahead by `ahead` seconds."""

    do: Literal["forget_tokens"]
    ahead: int = Field(ge=1)

    def __call__(self, value: TokenPlan, facts: Facts, world: World) -> TokenPlan:
        left = self.ahead - int(world.ahead.total_seconds())
        if left <= 0:
            return value
        refresh = left if value.refresh_lifetime is None else min(left, value.refresh_lifetime)
        return replace(value, lifetime=min(left, value.lifetime), refresh_lifetime=refresh)
