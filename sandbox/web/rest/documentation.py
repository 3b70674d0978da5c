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
    "string": ("text", "the start of the value, ignoring case and accents; modifiers :exact and :contains"),
}
"""Kind of parameter → how a value is written, what it finds."""

RESULTS: dict[str, tuple[str, str]] = {
    "_count": ("whole number", "resources per page; 0 returns only the total"),
    "_include": ("Type:parameter or Type:*", "also return resources that the matches refer to"),
    "_include:iterate": ("Type:parameter", "the same, also for included resources"),
    "_revinclude": ("Type:parameter", "also return resources that refer to the matches"),
    "_revinclude:iterate": ("Type:parameter", "the same, also for included resources"),
    "_sort": ("parameters, with commas", "sort order; - before a parameter for descending"),
    "_elements": ("elements, with commas", "return only these elements, and mandatory ones"),
    "_total": ("none, estimate or accurate", "how the Bundle reports the total"),
    "_summary": ("count or false", "count: return only the total"),
    "_format": ("json", "overrides the header Accept"),
    "_pretty": ("true or false", "true: format with line breaks"),
    "_page": ("text from a next link", "set by the server: follow the next link unchanged"),
}
"""Parameters of every search."""

HISTORY: dict[str, tuple[str, str]] = {
    "_since": ("instant", "versions from this time or later"),
    "_format": ("json", "overrides the header Accept"),
    "_pretty": ("true or false", "true: format with line breaks"),
}
"""Parameters of [type]/[id]/_history."""

ERRORS: tuple[tuple[str, str, str], ...] = (
    (
        "400",
        "invalid, too-costly, not-supported",
        "A parameter or its value is not valid or exceeds a limit, or the operation does not exist. Correct"
        " the request.",
    ),
    (
        "401",
        "login, expired",
        "No token, or one that is expired, revoked or unknown. Refresh it, or start a new authorization.",
    ),
    ("403", "forbidden", "The token does not give access. WWW-Authenticate names the scope that does."),
    ("404", "not-found, not-supported", "No such resource for this member, or no such type here."),
    ("405", "not-supported", "The method is not supported. The Allow header lists the methods."),
    ("406", "not-supported", "Only application/fhir+json is served."),
    ("410", "expired", "The page has expired: start the search again. (deleted: the resource was deleted.)"),
    ("413", "too-long", "The body or a search is too long: 64 kB for a body, a megabyte for a batch."),
    ("414", "too-long", "The address is too long: its query is at most 8,000 bytes."),
    ("415", "not-supported", "The body is in another format than application/fhir+json."),
    ("429", "throttled", "Too many requests. Wait as long as Retry-After says."),
    ("500", "exception", "The server failed. Report the request id in the response."),
    ("503", "transient", "Temporarily unavailable. Try again after Retry-After."),
)
"""Status, issue code of the OperationOutcome, meaning and what to do."""

OAUTH_ERRORS: tuple[tuple[str, str, str], ...] = (
    ("invalid_request", "authorize, token", "A parameter is missing, not valid or repeated."),
    ("invalid_client", "token", "The app did not authenticate, or is not approved (status 401)."),
    ("invalid_grant", "token", "The code or refresh token is unknown, used, expired or another app's."),
    ("unauthorized_client", "authorize, token", "The app is not registered for this grant."),
    ("unsupported_grant_type", "token", "This grant type is not supported."),
    ("unsupported_response_type", "authorize", "Only response_type=code is supported."),
    ("invalid_scope", "authorize, token", "The scope cannot be granted, or exceeds the original grant."),
    ("access_denied", "authorize", "The member declined or cannot connect; error_description says why."),
    (
        "login_required",
        "authorize",
        "prompt=none, but no member is signed in, or not the one in id_token_hint.",
    ),
    ("invalid_redirect_uri", "register", "A redirect URI cannot be registered."),
    (
        "invalid_client_metadata",
        "register",
        "Another part of the registration is not valid; error_description names it.",
    ),
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
