"""The payer profile: every policy that a payer decides and the rubric asks about.

Scenarios may replace fields (`payer:` in the YAML). What the payer *claims* of itself is always
computed from the baseline profile: a scenario changes what is true, and not what is claimed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from difflib import get_close_matches
from typing import Any, Literal

from sandbox.core.errors import UsageError
from sandbox.core.members import LINES

IneligibleAnswer = Literal["callback", "page", "refused-token"]
Rotation = Literal["none", "rotate", "rotate-with-grace", "reuse-revokes-family"]
Everything = Literal["paged", "single", "none"]
Portal = Literal["portal", "email", "none"]
Minors = Literal["allowed", "guardian-only"]
Aud = Literal["required", "slash-strict", "forbidden", "ignored"]
Par = Literal["supported", "required", "off"]
ResponseMode = Literal["query", "fragment"]
Registration = Literal["open", "approval", "closed"]
AssertionAudience = Literal["token-endpoint", "either", "issuer"]
TokenParameters = Literal["form", "json", "query"]
Certificate = Literal["valid", "expired", "incomplete-chain", "wrong-host"]


@dataclass(frozen=True)
class PayerProfile:
    """A payer's policies. The defaults are the baseline: a payer that scores 100."""

    # who it is
    name: str = "Juniper Health Plan"
    website: str = "https://juniper-health.example"
    brand_color: str = "#0f5c56"  # white text must be legible on it
    status: Literal["live", "implementing", "not-available"] = "live"
    sandbox: bool = True
    test_accounts: bool = True  # whether the login page of a sandbox lists the accounts to try
    developer_portal: Portal = "portal"
    developer_email: str = "api@juniper-health.example"

    # which apps
    registration: Registration = "open"  # open: approved at once; approval: somebody decides
    client_secret_basic: bool = True  # whether apps may send their secret by HTTP Basic
    client_secret_post: bool = False  # whether apps may send their secret in the form
    empty_basic: bool = False  # whether any public app may send its id by HTTP Basic, without a password
    assertion_audience: AssertionAudience = "token-endpoint"  # what `aud` of a client assertion must be
    secret_grace_days: int = 30  # how long an old secret goes on after a rotation with notice

    # who may connect
    offered_lines: tuple[str, ...] = LINES
    mandated_lines: tuple[str, ...] = ("medicare-advantage", "medicaid", "chip", "qhp")
    supported_lines: tuple[str, ...] = LINES
    portal_opt_in: bool = False
    inactive_access_days: int | None = None  # None: for ever; 0: only while covered
    ineligible_answer: IneligibleAnswer = "callback"
    waiting_days: int = 0  # days after the first coverage began, until a member may connect
    minors: Minors = "allowed"  # guardian-only: a minor may not connect, who acts for them may
    adult_age: int = 18  # years; below it a subscriber acts for their dependants
    dependents_offered: bool = True  # whether a subscriber may choose a minor dependant to share
    connection_approval: bool = False  # whether the payer approves of every member who connects
    recheck_eligibility: bool = True  # whether who may not connect any more loses what they had connected
    separate_credentials: tuple[str, ...] = ()  # lines whose members need another password than the portal's

    # how they are asked
    aud: Aud = "required"
    least_state: int = 0  # characters that `state` must have
    par: Par = "supported"
    response_mode: ResponseMode = "query"
    callback_iss: bool = True  # whether the callback names the issuer (RFC 9207)
    session_seconds: int = 3600  # how long a member stays signed in; online_access ends with it
    login_failures: int = 10  # wrong passwords for one user name, until it has to wait
    login_failures_per_address: int = 50
    login_window_seconds: int = 300

    # tokens
    code_seconds: int = 60
    code_once: bool = True  # whether an authorization code works only once
    access_token_seconds: int = 3600
    refresh_max_days: int | None = 365  # None: no refresh token at all
    refresh_rotation: Rotation = "reuse-revokes-family"
    refresh_grace_seconds: int = 60  # rotate-with-grace: how long the old refresh token still answers
    token_parameters: TokenParameters = "form"  # where the token endpoint reads its parameters

    # what it answers
    foreign_read: Literal["not-found", "forbidden"] = "not-found"  # another member's resource
    foreign_search: Literal["forbidden", "empty"] = "forbidden"  # a search for another member
    cors: bool = True  # whether browser apps of other origins are let in
    certificate: Certificate = "valid"  # of `serve --tls`; only that of the server's own scenario counts

    # data
    withheld_types: tuple[str, ...] = ()  # resource types this payer does not serve
    everything: Everything = "paged"
    page_size: int = 50
    page_size_max: int = 500
    page_token_seconds: int = 1800  # how long the links of a page lead on


BASELINE = PayerProfile()


CENTURY = 36_525
RANGES: Mapping[str, tuple[int, int]] = {
    "inactive_access_days": (0, CENTURY),
    "least_state": (0, 1_024),
    "code_seconds": (1, 86_400),
    "access_token_seconds": (1, 365 * 86_400),
    "refresh_max_days": (0, CENTURY),
    "page_size": (1, 10_000),
    "page_size_max": (1, 10_000),
}
"""The least and most of policies that are numbers. A policy that is not listed is a free choice."""


POLICIES = frozenset(policy.name for policy in fields(PayerProfile))


MANNERS = frozenset(
    {
        "name", "website", "brand_color", "status", "sandbox", "test_accounts", "developer_portal",
        "developer_email", "cors", "everything", "page_size", "page_size_max", "page_token_seconds",
    }
)  # fmt: skip
"""Policies that apply to every request. The others are terms of a grant that was made under them."""


def with_terms(payer: PayerProfile, granted: PayerProfile) -> PayerProfile:
    """Return the payer for a grant that was made under another profile of it.

    The terms are those of the grant, and types that either profile withholds are not served.
    """
    terms = {name: getattr(granted, name) for name in POLICIES - MANNERS}
    withheld = tuple(dict.fromkeys((*granted.withheld_types, *payer.withheld_types)))
    return replace(payer, **terms | {"withheld_types": withheld})


def changed(payer: PayerProfile, changes: dict[str, Any]) -> PayerProfile:
    """Return the payer with some policies replaced.

    Raises UsageError naming an unknown policy or a value out of its range.
    """
    if not changes:
        return payer
    for name, value in changes.items():
        if name not in POLICIES:
            near = get_close_matches(name, POLICIES, n=1)
            hint = f" (did you mean {near[0]}?)" if near else ""
            raise UsageError(f"no policy {name!r} of a payer{hint}; use one of {', '.join(sorted(POLICIES))}")
        if name in RANGES and isinstance(value, (int, float)):
            least, most = RANGES[name]
            if not least <= value <= most:
                raise UsageError(f"{name} is {least} to {most}, not {value}")
    tidy: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in changes.items()}
    return replace(payer, **tidy)
