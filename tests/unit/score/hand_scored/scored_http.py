"""A request as a hand-scored payer sees it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qs

import httpx


@dataclass(frozen=True)
class Call:
    """One request. `tenant` is the prefix of a payer of one's own, or empty; `found` are the groups of
    the route's pattern."""

    request: httpx.Request
    tenant: str
    found: tuple[str, ...] = ()

    @property
    def path(self) -> str:
        return self.request.url.path

    @cached_property
    def query(self) -> dict[str, str]:
        return dict(self.request.url.params)

    @cached_property
    def form(self) -> dict[str, str]:
        return {name: values[0] for name, values in parse_qs(self.request.content.decode()).items()}

    @property
    def bearer(self) -> str:
        return self.request.headers.get("authorization", "").removeprefix("Bearer ")


def redirect(to: str, cookie: str = "") -> httpx.Response:
    headers = {"location": to, **({"set-cookie": cookie} if cookie else {})}
    return httpx.Response(303, headers=headers)


def outcome(status: int, code: str = "processing", severity: str = "error") -> httpx.Response:
    """An OperationOutcome."""
    body = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}
    return httpx.Response(status, json=body)
