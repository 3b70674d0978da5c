"""Decides whether an error on the callback tells the app about eligibility (RFC 6749 §4.1.2.1).

A bare refusal does not, and neither does an error of the request or of the server. A code of the payer's own,
or words about eligibility, coverage, plan, membership or enrollment, let the app tell the member why.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

REFUSALS = frozenset((
    "access_denied", "account_selection_required", "consent_required", "interaction_required",
    "login_required", "unauthorized_client", "unmet_authentication_requirements",
))  # fmt: skip
"""Codes of OAuth and OpenID Connect that refuse without a reason."""
FAULTS = frozenset((
    "insufficient_scope", "invalid_authorization_details", "invalid_client", "invalid_grant",
    "invalid_redirect_uri", "invalid_request", "invalid_request_object", "invalid_request_uri",
    "invalid_scope", "invalid_target", "invalid_token", "registration_not_supported",
    "request_not_supported", "request_uri_not_supported", "server_error", "slow_down",
    "temporarily_unavailable", "unsupported_grant_type", "unsupported_response_type",
))  # fmt: skip
"""Codes of an error in the request or of the server."""

_GENERIC = re.compile(
    r"abort|allow|auth|bad|block|cancel|captcha|client|consent|declin|den(?:y|ied)|down|err|exception|expired"
    r"|fail|fault|forbid|internal|invalid|lock|login|maintenance|mfa|not[ _]?found|oops|otp|password|permi"
    r"|refus|reject|request|scope|server|session|signin|state|timeout|token|try|unavail|unexpected|unknown"
    r"|unspecified|unsupported",
    re.IGNORECASE,
)
"""Words in a payer's own codes that name a refusal or an error, not a reason."""
_WORDS = re.compile(
    r"elig|enrol|coverage|\b(?:not |un)covered|\bcover(?:s|ed)? (?:by|under)|membership|\b(?:un)?insured\b"
    r"|elegib|cobertura|asegurad|afiliad|inscri(?:to|ta|pci)|membres",
    re.IGNORECASE,
)
_MORE_WORDS = re.compile(
    r"\bplan(?:s|es)?\b|\bbenefits?\b"
    r"|\b(?:not|no longer|non|former|inactive|terminated|no)[ -]+(?:an? )?(?:active |current |valid )?"
    r"members?\b"
    r"|\bmember (?:\w+ ){0,3}(?:inactive|terminated|unknown|not (?:found|active|known|recognized))\b",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"declin|cancel|chose not|did not (?:agree|consent|authorize|approve)|den(?:y|ied) by|refused (?:to|by)",
    re.IGNORECASE,
)
_OUTAGE = re.compile(
    r"unavailab|time[sd]? ?out|\bdown\b|outage|maintenance|\bfail(?:ed|ure)?\b|unreachable|internal error",
    re.IGNORECASE,
)


def speaks_of_eligibility(error: str, description: str, uri: str = "") -> bool:
    """Return whether an error is about eligibility, by the words of code, description or `error_uri`."""
    texts = (_spaced(error), description, _spaced(_behind_the_host(uri)))
    if error in FAULTS:
        return any(_WORDS.search(text) and not _OUTAGE.search(text) for text in texts)
    return any(
        _WORDS.search(text) or (_MORE_WORDS.search(text) and not _DECLINED.search(text)) for text in texts
    )


def tells_more(error: str, description: str, uri: str = "") -> bool:
    """Return whether an error for an ineligible member tells more than that access is refused."""
    if speaks_of_eligibility(error, description, uri):
        return True
    standard = not error or error in REFUSALS or error in FAULTS
    return not standard and not _GENERIC.search(error)


def _behind_the_host(uri: str) -> str:
    """Return path, query and fragment of a URL: its host names the payer, not the reason."""
    try:
        parts = urlsplit(uri)
    except ValueError:
        return ""
    return unquote(f"{parts.path} {parts.query} {parts.fragment}")


def _spaced(text: str) -> str:
    """Return `memberNotEligible` and `member-not-eligible` as words."""
    return re.sub(r"[\W_]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text))
