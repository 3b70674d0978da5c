"""The rules that cost no points: level, title, source and fix. SARIF shows the ids."""

from __future__ import annotations

from typing import NamedTuple

from sandbox.score.findings import Level

SMART = "SMART App Launch 2.2"
OAUTH = "RFC 6749"
R4 = "FHIR R4"
CARIN = "CARIN Blue Button 2.0.0"
CHECKED = "docs/trust.md: instruments are checked"


class LintRule(NamedTuple):
    """`cite` names the document that requires it, `fix` is addressed to the payer."""

    level: Level
    title: str
    cite: str
    fix: str


RULES: dict[str, LintRule] = {
    # What the grader tries to break itself, with the accounts that a payer lends: a lock that gives way
    "breach-other-member": LintRule("critical", "a member's token opens the record of another member",
        f"{SMART}: patient-level scopes; 45 CFR 164.502",
        "Take the API offline and restrict every read, search and operation to the token's patient."),
    "breach-no-token": LintRule("critical", "member data are given without an access token",
        "RFC 6750 3.1; 45 CFR 164.312(d)",
        "Take the API offline and refuse every request without a valid token with 401."),
    "breach-forged-token": LintRule("critical", "a forged access token opens a member's record",
        "RFC 6750 5.2; RFC 8725 3.1, 3.2: the algorithm none",
        "Verify signature, issuer and audience of every token, or look it up; never accept alg none."),
    "breach-expired-token": LintRule("critical", "an access token works after it has expired",
        f"{OAUTH} 4.2.2, 10.3; RFC 6750 5.2", "Refuse tokens with 401 once expires_in has passed."),
    "breach-any-password": LintRule("critical", "a wrong password signs a member in",
        "45 CFR 164.312(d): person or entity authentication", "Verify the password before anything else."),
    "breach-verifier": LintRule("critical", "a code is redeemed with a wrong PKCE verifier",
        "RFC 7636 4.6; RFC 9700 2.1.1",
        "Compare code_verifier with the request's code_challenge; refuse another with invalid_grant."),
    "breach-code-twice": LintRule("critical", "an authorization code works twice",
        f"{OAUTH} 4.1.2, 10.5: the client MUST NOT use the code more than once",
        "Void a code at its first use; at a second one refuse, and revoke the tokens that it gave."),
    "breach-redirect-uri": LintRule("critical",
        "a code is redeemed with another redirect_uri than it was issued for", f"{OAUTH} 4.1.3, 10.6",
        "Compare redirect_uri at the token endpoint with the one of the authorization request."),
    "breach-unregistered-redirect": LintRule("critical",
        "a code is sent to a redirect_uri that the client has not registered",
        f"{OAUTH} 3.1.2.3, 10.6; RFC 9700 2.1",
        "Compare redirect_uri exactly with those registered (of a loopback address all but the port)."),
    # How far a score can be believed: what is lent, who is served, and what the records are
    "instrument-clock": LintRule("error", "the clock that is lent does not move, or cannot be checked",
        CHECKED, "Let the clock tell its time on GET, and let tokens age by it."),
    "instrument-fresh-payer": LintRule("error",
        "the fresh payer that is lent answers unlike the payer under test", CHECKED,
        "Lend a session of the same server, with the same members and the same policies."),
    "instrument-lapsed-member": LintRule("error",
        "a member who is lent as lapsed is covered, or lapsed later than is said", CHECKED,
        "Lend accounts whose coverage ended as their role and coverage_end say."),
    "same-patient": LintRule("error", "different members get one and the same patient",
        "SMART App Launch 2.2: launch context", "Name in each token response the patient who signed in."),
    "same-records": LintRule("error", "different members have the same records",
        "docs/trust.md: emptiness and sameness", "Serve each member their own records."),
    "empty-records": LintRule("error", "searches answer 200 and hold nothing about a member with coverage",
        "docs/trust.md: emptiness and sameness",
        "Load the members' records, or answer with an error while they are not there."),
    "served-by-name": LintRule("error", "the answer depends on the User-Agent",
        "RFC 9110 10.1.5; docs/trust.md: a second look",
        "Serve every authorized app alike, whatever name it gives."),
    "references-logical": LintRule("warning", "most references carry an identifier and no address",
        f"{R4} 2.3.0: logical references",
        "Point at a resource of this server as Type/id, so that apps can read it."),
    # Documents, tokens, Bundles and claims
    "facts-document": LintRule("warning", "the facts document holds something that cannot be used",
        "docs/facts.md", "Correct the key or value that is named; the rest of the document is used."),
    "smart-required-fields": LintRule("error", "smart-configuration lacks a required field",
        f"{SMART}, Conformance: metadata", "Add the field; apps that check conformance stop without it."),
    "pkce-s256": LintRule("error", "PKCE with S256 is not advertised",
        f"{SMART}: code_challenge_methods_supported SHALL include S256",
        'Support PKCE and say so: "code_challenge_methods_supported": ["S256"].'),
    "pkce-plain": LintRule("error", "PKCE with plain is advertised",
        f"{SMART}: code_challenge_methods_supported SHALL NOT include plain",
        "Take plain out of code_challenge_methods_supported and refuse it."),
    "plain-http": LintRule("error", "an endpoint is advertised over plain http",
        f"{OAUTH} 3.1.2.1, 3.2: TLS is required",
        "Serve and advertise authorization and token endpoints over https."),
    "state-echo": LintRule("error", "the callback does not return the state it was given",
        f"{OAUTH} 4.1.2: state is REQUIRED if it was in the request",
        "Return state unchanged with every code and every error."),
    "iss-echo": LintRule("error", "the callback lacks the issuer it promises, or names another",
        "RFC 9207 2: iss when authorization_response_iss_parameter_supported",
        "Add iss to every authorization response, equal to the metadata's issuer."),
    "no-store": LintRule("error", "a token response may be cached",
        f"{OAUTH} 5.1: Cache-Control: no-store is required",
        "Send Cache-Control: no-store with every token response."),
    "token-entropy": LintRule("error", "tokens can be guessed or repeat",
        f"{OAUTH} 10.10: at most 2^-128 to guess, should be 2^-160",
        "Make tokens from at least 128 random bits, a new one each time."),
    "token-fields": LintRule("warning", "a token response lacks something an app needs",
        f"{OAUTH} 5.1; {SMART}: launch context",
        "Send token_type, expires_in, scope and patient with every token."),
    "token-patient": LintRule("error", "a token response does not name its patient by id",
        f"{SMART}: launch context parameters, patient",
        "Send patient with the id of the Patient resource: no URL and no reference."),
    "carin-search": LintRule("error", "metadata does not offer a search that CARIN Blue Button requires",
        f"{CARIN}: server CapabilityStatement, SHALL",
        "Support the parameter for ExplanationOfBenefit and list it in metadata."),
    "capability-content": LintRule("warning", "metadata does not describe a FHIR R4 server with claims",
        f"{R4} 5.2; {CARIN}", "Say fhirVersion 4.0.1, rest.mode server, and every type that is served."),
    "eob-profile": LintRule("warning",
        "claims do not name a CARIN Blue Button profile or lack what it requires",
        f"{CARIN}: C4BB ExplanationOfBenefit",
        "Fill the element and name the profile with its version in meta.profile."),
    "eob-money": LintRule("error", "the totals of claims are not the sums of their lines",
        f"{CARIN}: total by adjudication category",
        "Compute each total from the lines' amounts of the same category."),
    "error-body": LintRule("warning", "an error of the FHIR API is not an OperationOutcome",
        f"{R4} 3.1.0.4.1", "Answer every error under the FHIR base with an OperationOutcome."),
    "error-challenge": LintRule("warning", "a 401 does not say how to authenticate",
        "RFC 6750 3: WWW-Authenticate", 'Send WWW-Authenticate: Bearer with error="invalid_token".'),
    "phi-in-errors": LintRule("error", "an error message holds data about a member",
        "45 CFR 164.502(b); OWASP Error Handling",
        "Keep names, dates of birth and identifiers out of error texts."),
    "internals-in-errors": LintRule("warning", "an error message shows the inside of the server",
        "CWE-209; OWASP Error Handling", "Log stack traces and queries; do not send them."),
    "other-patient": LintRule("error", "a member's token showed a record about somebody else",
        "SMART App Launch 2.2: patient-level scopes; 45 CFR 164.502",
        "Stop: restrict every patient scope to the compartment of the token's patient."),
    "bundle-self": LintRule("warning", "a search result has no self link",
        f"{R4} 3.1.1.1: self link SHALL be there",
        "Return the self link with the parameters that were used."),
    "bundle-full-url": LintRule("warning", "entries of a search result have no fullUrl, or one twice",
        f"{R4} 2.36.3: bdl-7 and fullUrl", "Give every entry the absolute address of its resource."),
    "bundle-total": LintRule("warning", "total is not the number of matches",
        f"{R4} 3.1.1.1: total is the number of matching resources",
        "Count what matches, over all pages, or leave total out."),
    "bundle-duplicate": LintRule("warning", "the same resource comes twice in one search",
        f"{R4} 3.1.1.4: paging", "Page over a stable order, so that nothing repeats or is lost."),
    "bundle-links": LintRule("warning", "next links lead nowhere, in circles or to another server",
        f"{R4} 3.1.1.4: paging", "Let next lead to the next page on the same base, until there is none."),
    "bundle-unreadable": LintRule("error", "a 200 does not carry a readable FHIR resource",
        f"{R4} 3.1.0.1.6", "Send whole resources, as application/fhir+json."),
    "reference-rot": LintRule("warning", "references are broken as written", f"{R4} 2.3.0",
        "Point at a resource of this server as Type/id, or at one that is contained."),
}  # fmt: skip
"""Rule id → the rule, in the order in which findings are shown."""
