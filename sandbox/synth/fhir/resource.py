"""A finished resource: its bytes, and the values that are needed without parsing them."""

from __future__ import annotations

from typing import Any, NamedTuple

from sandbox.core.files import json_exact


class Resource(NamedTuple):
    """One version of a resource. `updated` is its `lastUpdated`; `claim` the kind of claim that an
    ExplanationOfBenefit tells of, of others empty."""

    type: str
    id: str
    updated: str
    claim: str
    body: bytes

    def parsed(self) -> dict[str, Any]:
        """What the bytes say, every decimal with its digits."""
        body: dict[str, Any] = json_exact(self.body)
        return body
