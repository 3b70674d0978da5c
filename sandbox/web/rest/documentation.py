"""What the developer site says of FHIR APIs (42 CFR 422.119(d), REG-30).

Types and parameters come from the table of types, errors from the tree of errors; only words about them are
written here.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sandbox.fhir import dates
from sandbox.fhir.schema.model import Kind, Type
from sandbox.fhir.schema.types import KNOWN, SHARED

VALUES: dict[Kind, tuple[str, str]] = {
    "token": ("code, system|code, |code or system|", "any value that has this code"),
    "date": (
        "yyyy, yyyy-mm, yyyy-mm-dd or a dateTime, with a prefix: " + ", ".join(dates.PREFIXES),
        "dates are ranges: 2026-03 is the whole month",
    ),
    "reference": ("id, Type/id or the absolute URL of a resource here", "modifier :Type for a bare id"),
    "string": ("text", "the beginning, without case and accents; modifiers :exact and :contains"),
}
"""Kind of parameter → how a value is written, what it finds."""

RESULTS: dict[str, tuple[str, str]] = {
    "_count": ("whole number", "resources on a page; 0: only the total"),
    "_include": ("Type:parameter or Type:*", "resources that the found ones refer to come along"),
    "_include:iterate": ("Type:parameter", "the same, followed from what was included"),
    "_revinclude": ("Type:parameter", "resources that refer to the found ones come along"),
    "_revinclude:iterate": ("Type:parameter", "the same, followed from what was included"),
    "_sort": ("parameters, with commas", "the order; - before one for descending"),
    "_elements": ("elements, with commas", "of each resource only these, and what is mandatory"),
    "_total": ("none, estimate or accurate", "whether the Bundle tells the total"),
    "_summary": ("count or false", "count: only the total"),
    "_format": ("json", "wins over the header Accept"),
    "_pretty": ("true or false", "true: with line breaks"),
    "_page": ("text from a next link", "never made by an app: follow the link as it is"),
}
"""Parameters of every search."""

HISTORY: dict[str, tuple[str, str]] = {
    "_since": ("instant", "versions that came then or later"),
    "_format": ("json", "wins over the header Accept"),
    "_pretty": ("true or false", "true: with line breaks"),
}
"""Parameters of [type]/[id]/_history."""

ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        "400",
        "invalid, too-costly, not-supported",
        "A parameter or its value cannot be understood, there is more of it than a request may have, or"
        " there is no such operation. Correct the request.",
    ),
    ("401", "login, expired", "No token, or one that is expired, revoked or unknown. Refresh, or ask again."),
    ("403", "forbidden", "The token does not reach this. WWW-Authenticate names the scope that would."),
    ("404", "not-found, not-supported", "No such resource for this member, or no such type here."),
    ("405", "not-supported", "The method is not possible. The header Allow names those that are."),
    ("406", "not-supported", "Only application/fhir+json is served."),
    ("410", "expired", "The page is too old: search again. (deleted: the resource is gone.)"),
    ("413", "too-long", "The body or a search is too long: 64 kB for a body, a megabyte for a batch."),
    ("414", "too-long", "The address is too long: its query is at most 8,000 bytes."),
    ("415", "not-supported", "The body is in another format than application/fhir+json."),
    ("429", "throttled", "Too many requests. Wait as long as Retry-After says."),
    ("500", "exception", "The fault is ours. The answer carries a request id to tell us."),
    ("503", "transient", "Out of order for a while. Try again after Retry-After."),
)
"""Status, issue code of the OperationOutcome, meaning and what to do."""

OAUTH_ERRORS: tuple[tuple[str, str, str], ...] = (
    ("invalid_request", "authorize, token", "A parameter is missing, wrong or there twice."),
    ("invalid_client", "token", "The app did not authenticate, or is not approved (status 401)."),
    ("invalid_grant", "token", "The code or refresh token is unknown, used, expired or another app's."),
    ("unauthorized_client", "authorize, token", "The app is not registered for this grant."),
    ("unsupported_grant_type", "token", "There is no such grant here."),
    ("unsupported_response_type", "authorize", "Only response_type=code is served."),
    ("invalid_scope", "authorize, token", "No scope that can be granted, or more than before."),
    ("access_denied", "authorize", "The member declined, or may not connect; error_description says why."),
    ("login_required", "authorize", "prompt=none: nobody is signed in; or not whom id_token_hint names."),
    ("invalid_redirect_uri", "register", "A redirect URI may not be registered."),
    ("invalid_client_metadata", "register", "Another part of the registration; the description names it."),
)
"""Error, endpoint, meaning. JSON at token and register; parameters of the redirect at authorize."""


@dataclass(frozen=True)
class Described:
    """One resource type as the documentation shows it, with the profiles that the data claim."""

    row: Type
    shared: bool
    profiles: Sequence[str]

    @property
    def includes(self) -> list[str]:
        return [f"{self.row.name}:{p.name}" for p in self.row.params if p.kind == "reference"]


def described(types: Collection[str], profiles: Mapping[str, Sequence[str]]) -> list[Described]:
    """The types that a payer serves, in the table's order."""
    return [
        Described(row, name in SHARED, profiles.get(name) or row.profiles)
        for name, row in KNOWN.items()
        if name in types
    ]
