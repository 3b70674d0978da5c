"""The rows of the report card, in the order of a session. docs/review.md contains this table."""

from __future__ import annotations

from sandbox.review.finding import ReviewRow
from sandbox.review.rows import reads, recovery, retries, sign_in, tokens

ROWS: tuple[ReviewRow, ...] = (
    ReviewRow(
        "discovery", "Reads where to go before it goes there",
        "Read /.well-known/smart-configuration (or /metadata) of the FHIR base and take the addresses from"
        " it: payers move them.",
        ("SMART App Launch 2.2.0, Conformance: .well-known/smart-configuration", "RFC 8414 §3"),
        sign_in.discovery,
    ),
    ReviewRow(
        "state", "Sends a state that cannot be guessed, another each time",
        "Make a new random state of 122 bits or more for each request to authorize"
        " (secrets.token_urlsafe(32)), and keep it with the member's browser.",
        ("SMART App Launch 2.2.0, Obtain authorization code", "RFC 6749 §10.12"),
        sign_in.state,
    ),
    ReviewRow(
        "state-checked", "Leaves a code alone whose state is not the one it sent",
        "Compare the state of the callback with the one that was sent before anything else, and drop the"
        " callback when they differ.",
        ("RFC 6749 §10.12", "RFC 9700 §4.7"),
        sign_in.state_checked,
    ),
    ReviewRow(
        "pkce", "Uses PKCE with S256, another challenge each time",
        "Make a new code_verifier for each request, send its SHA-256 as code_challenge with"
        " code_challenge_method=S256, and the verifier with the code.",
        ("SMART App Launch 2.2.0, Considerations for PKCE support", "RFC 7636 §4.2", "RFC 9700 §2.1.1"),
        sign_in.pkce,
    ),
    ReviewRow(
        "least-scopes", "Asks for the scopes it uses, and no more",
        "Name the types that are read (patient/ExplanationOfBenefit.rs) instead of a wildcard, and leave out"
        " what is not: members see the list, and may refuse it.",
        ("SMART App Launch 2.2.0, Scopes and Launch Context", "RFC 9700 §2.3"),
        sign_in.scopes,
    ),
    ReviewRow(
        "code-once", "Redeems a code once",
        "Send a code once. When its answer is lost or says invalid_grant, send the member through /authorize"
        " again: a code that comes twice may end what the first one opened.",
        ("RFC 6749 §4.1.2", "RFC 9700 §4.5"),
        sign_in.code_once,
    ),
    ReviewRow(
        "refresh-once", "Answers a dead access token with one refresh",
        "On 401 refresh once, for all requests together, and send the request again with the new token. When"
        " that is refused too, let it go or send the member through /authorize.",
        ("RFC 6750 §3.1", "RFC 6749 §6"),
        tokens.refresh_once,
    ),
    ReviewRow(
        "new-token-kept", "Keeps the new tokens, and throws the old ones away",
        "Store access_token and refresh_token of each refresh before they are used, under one lock. Keep the"
        " old refresh token only when the answer brings none.",
        ("RFC 6749 §6", "RFC 9700 §4.14.2"),
        tokens.new_token_kept,
    ),
    ReviewRow(
        "secrets-in-urls", "Keeps tokens and secrets out of addresses",
        "Send access tokens in the header Authorization, and everything else that is secret in the body of a"
        " POST: addresses stand in logs, histories and Referer headers.",
        ("RFC 6750 §2.3, §5.3", "RFC 6749 §2.3.1", "RFC 9700 §4.3.2"),
        tokens.not_in_addresses,
    ),
    ReviewRow(
        "stops-when-revoked", "Stops when the member's yes is over",
        "On invalid_grant forget the tokens, stop the background jobs of this member and tell them that they"
        " can connect again.",
        ("RFC 7009 §2", "RFC 6749 §5.2", "RFC 6750 §3.1"),
        tokens.stops_when_revoked,
    ),
    ReviewRow(
        "accept", "Says which form it wants",
        "Send Accept: application/fhir+json with every request for data: some payers answer XML to */*.",
        ("FHIR R4, http.html#mime-type", "RFC 9110 §12.5.1"),
        reads.accept,
    ),
    ReviewRow(
        "follows-next", "Reads each search to its last page",
        "Follow the link with relation next as it is, until a page has none. total and _count do not say when"
        " to stop.",
        ("FHIR R4, http.html#paging",),
        reads.follows_next,
    ),
    ReviewRow(
        "everything-fallback", "Searches for each type where $everything is missing",
        "When $everything is refused, search for each type that /metadata lists and the scope of the token"
        " opens.",
        ("FHIR R4, patient-operation-everything.html", "FHIR R4, CapabilityStatement.rest.operation"),
        reads.everything_fallback,
    ),
    ReviewRow(
        "references", "Resolves references: each once, and a dead one no more",
        "Ask for them with _include, or read each distinct one once and keep it. One that answers 404, 403 or"
        " 410 is dead: show the display text and go on.",
        ("FHIR R4, references.html#literal", "CARIN Blue Button 2.0.0, CapabilityStatement: referencePolicy"),
        reads.references,
    ),
    ReviewRow(
        "retry-after", "Waits as long as it is told, and comes back",
        "On 429 or 503 let every request to this payer wait until Retry-After (seconds, or a date) is over,"
        " then send the same request again.",
        ("RFC 9110 §10.2.3", "RFC 6585 §4"),
        retries.retry_after,
    ),
    ReviewRow(
        "pace", "Does not hammer",
        "Repeat a failure once or twice, with pauses that grow; keep at most a handful of requests under way;"
        " keep what was read instead of asking again.",
        ("RFC 6585 §4", "RFC 9110 §9.2.2"),
        retries.pace,
    ),
)  # fmt: skip


def table() -> str:
    """Render the rows as a Markdown table."""
    lines = ["| row | what is asked of the app | when it fails | where it is written |\n|---|---|---|---|\n"]
    lines += [f"| `{r.id}` | {r.title} | {r.fix} | {'; '.join(r.cites)} |\n" for r in ROWS]
    lines.append(
        f"| `{recovery.ID}:<scenario>` | {recovery.TITLE} | {recovery.FIX} | by the status of the refusal |\n"
    )
    return "".join(lines)
