"""The rules that the grader tries to break itself, with the accounts that a payer lends: each is a lock, and
one that gives way lets strangers at members' records."""

from __future__ import annotations

from sandbox.score.lint.rule import OAUTH, SMART, LintRule

BREACHES: dict[str, LintRule] = {
    "breach-other-member": LintRule(
        "critical",
        "a member's token opens the record of another member",
        f"{SMART}: patient-level scopes; 45 CFR 164.502",
        "Take the API offline and restrict every read, search and operation to the token's patient.",
    ),
    "breach-no-token": LintRule(
        "critical",
        "member data are given without an access token",
        "RFC 6750 3.1; 45 CFR 164.312(d)",
        "Take the API offline and refuse every request without a valid token with 401.",
    ),
    "breach-forged-token": LintRule(
        "critical",
        "a forged access token opens a member's record",
        "RFC 6750 5.2; RFC 8725 3.1, 3.2: the algorithm none",
        "Verify signature, issuer and audience of every token, or look it up; never accept alg none.",
    ),
    "breach-expired-token": LintRule(
        "critical",
        "an access token works after it has expired",
        f"{OAUTH} 4.2.2, 10.3; RFC 6750 5.2",
        "Refuse tokens with 401 once expires_in has passed.",
    ),
    "breach-any-password": LintRule(
        "critical",
        "a wrong password signs a member in",
        "45 CFR 164.312(d): person or entity authentication",
        "Verify the password before anything else.",
    ),
    "breach-verifier": LintRule(
        "critical",
        "a code is redeemed with a wrong PKCE verifier",
        "RFC 7636 4.6; RFC 9700 2.1.1",
        "Compare code_verifier with the request's code_challenge; refuse another with invalid_grant.",
    ),
    "breach-code-twice": LintRule(
        "critical",
        "an authorization code works twice",
        f"{OAUTH} 4.1.2, 10.5: the client MUST NOT use the code more than once",
        "Void a code at its first use; at a second one refuse, and revoke the tokens that it gave.",
    ),
    "breach-redirect-uri": LintRule(
        "critical",
        "a code is redeemed with another redirect_uri than it was issued for",
        f"{OAUTH} 4.1.3, 10.6",
        "Compare redirect_uri at the token endpoint with the one of the authorization request.",
    ),
    "breach-unregistered-redirect": LintRule(
        "critical",
        "a code is sent to a redirect_uri that the client has not registered",
        f"{OAUTH} 3.1.2.3, 10.6; RFC 9700 2.1",
        "Compare redirect_uri exactly with those registered (of a loopback address all but the port).",
    ),
}
"""Rule id → the rule, gravest first."""
