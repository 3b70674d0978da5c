"""The rows of the report card, in the order of a session. docs/review.md contains this table."""

from __future__ import annotations

from sandbox.review.finding import ReviewRow
from sandbox.review.rows import reads, recovery, retries, sign_in, tokens

ROWS: tuple[ReviewRow, ...] = (
    ReviewRow(
        "discovery", "Reads the endpoints from the discovery document",
        "Read the endpoints from /.well-known/smart-configuration (or /metadata) of the FHIR base, because"
        " payers change them.",
        ("SMART App Launch 2.2.0, Conformance: .well-known/smart-configuration", "RFC 8414 §3"),
        sign_in.discovery,
    ),
    ReviewRow(
        "state", "Sends a new, unguessable state with each request",
        "Generate a random state of at least 122 bits for each authorization request"
        " (secrets.token_urlsafe(32)), and store it in the member's browser session.",
        ("SMART App Launch 2.2.0, Obtain authorization code", "RFC 6749 §10.12"),
        sign_in.state,
    ),
    ReviewRow(
        "state-checked", "Does not redeem a code if state differs",
        "First compare the state of the callback with the one that you sent, and discard the callback if they"
        " differ.",
        ("RFC 6749 §10.12", "RFC 9700 §4.7"),
        sign_in.state_checked,
    ),
    ReviewRow(
        "pkce", "Uses PKCE with S256 and a new challenge for each request",
        "Generate a code_verifier for each request. Send its SHA-256 as code_challenge with"
        " code_challenge_method=S256, and the verifier with the code.",
        ("SMART App Launch 2.2.0, Considerations for PKCE support", "RFC 7636 §4.2", "RFC 9700 §2.1.1"),
        sign_in.pkce,
    ),
    ReviewRow(
        "least-scopes", "Requests only the scopes that it uses",
        "Request the types that you read (patient/ExplanationOfBenefit.rs) instead of a wildcard. Members see"
        " the list, and may decline it.",
        ("SMART App Launch 2.2.0, Scopes and Launch Context", "RFC 9700 §2.3"),
        sign_in.scopes,
    ),
    ReviewRow(
        "code-once", "Redeems a code once",
        "Send a code once. If the response is lost or is invalid_grant, start a new authorization: redeeming"
        " a code twice may revoke the tokens that it returned first.",
        ("RFC 6749 §4.1.2", "RFC 9700 §4.5"),
        sign_in.code_once,
    ),
    ReviewRow(
        "refresh-once", "Refreshes once when the access token has expired",
        "On 401, refresh once for all requests together, and repeat the request with the new token. If that"
        " fails too, give up or start a new authorization.",
        ("RFC 6750 §3.1", "RFC 6749 §6"),
        tokens.refresh_once,
    ),
    ReviewRow(
        "new-token-kept", "Stores the new tokens and discards the old ones",
        "Store access_token and refresh_token of each refresh before you use them, under one lock. Keep the"
        " old refresh token only if the response has none.",
        ("RFC 6749 §6", "RFC 9700 §4.14.2"),
        tokens.new_token_kept,
    ),
    ReviewRow(
        "secrets-in-urls", "Keeps tokens and secrets out of URLs",
        "Send access tokens in the header Authorization, and other secrets in the body of a POST: URLs are"
        " stored in logs, browser histories and Referer headers.",
        ("RFC 6750 §2.3, §5.3", "RFC 6749 §2.3.1", "RFC 9700 §4.3.2"),
        tokens.not_in_addresses,
    ),
    ReviewRow(
        "stops-when-revoked", "Stops when consent is revoked or has expired",
        "On invalid_grant, delete the tokens, stop the background jobs of this member, and ask the member to"
        " connect again.",
        ("RFC 7009 §2", "RFC 6749 §5.2", "RFC 6750 §3.1"),
        tokens.stops_when_revoked,
    ),
    ReviewRow(
        "accept", "Sends an Accept header",
        "Send Accept: application/fhir+json with every data request: some payers return XML for */*.",
        ("FHIR R4, http.html#mime-type", "RFC 9110 §12.5.1"),
        reads.accept,
    ),
    ReviewRow(
        "follows-next", "Reads every page of a search",
        "Follow the next link unchanged until a page has none. Do not use total or _count to decide when to"
        " stop.",
        ("FHIR R4, http.html#paging",),
        reads.follows_next,
    ),
    ReviewRow(
        "everything-fallback", "Searches each type if $everything is not supported",
        "If $everything is refused, search each type that /metadata lists and that the token's scope covers.",
        ("FHIR R4, patient-operation-everything.html", "FHIR R4, CapabilityStatement.rest.operation"),
        reads.everything_fallback,
    ),
    ReviewRow(
        "references", "Resolves each reference once, and does not retry broken ones",
        "Use _include, or read each distinct reference once and cache it. If one returns 403, 404 or 410,"
        " show its display text and continue.",
        ("FHIR R4, references.html#literal", "CARIN Blue Button 2.0.0, CapabilityStatement: referencePolicy"),
        reads.references,
    ),
    ReviewRow(
        "retry-after", "Waits for Retry-After, then retries",
        "On 429 or 503, delay every request to this payer until Retry-After (seconds, or a date) has passed,"
        " then repeat the request.",
        ("RFC 9110 §10.2.3", "RFC 6585 §4"),
        retries.retry_after,
    ),
    ReviewRow(
        "pace", "Limits its request rate",
        "Retry a failure once or twice with increasing pauses, limit the number of parallel requests, and"
        " cache what you read.",
        ("RFC 6585 §4", "RFC 9110 §9.2.2"),
        retries.pace,
    ),
)  # fmt: skip


def table() -> str:
    """Render the rows as a Markdown table."""
    lines = ["| row | what the app does | how to fix it | sources |\n|---|---|---|---|\n"]
    lines += [f"| `{r.id}` | {r.title} | {r.fix} | {'; '.join(r.cites)} |\n" for r in ROWS]
    lines.append(
        f"| `{recovery.ID}:<scenario>` | {recovery.TITLE} | {recovery.FIX} | depends on the refusal |\n"
    )
    return "".join(lines)
