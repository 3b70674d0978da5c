"""The rules about how far a score can be believed: what is lent, who is served, and what the records are."""

from __future__ import annotations

from sandbox.score.lint.rule import R4, LintRule

TRUST: dict[str, LintRule] = {
    "instrument-clock": LintRule(
        "error",
        "the clock that is lent does not move, or cannot be checked",
        "docs/trust.md: instruments are checked",
        "Let the clock tell its time on GET, and let tokens age by it.",
    ),
    "instrument-fresh-payer": LintRule(
        "error",
        "the fresh payer that is lent answers unlike the payer under test",
        "docs/trust.md: instruments are checked",
        "Lend a session of the same server, with the same members and the same policies.",
    ),
    "instrument-lapsed-member": LintRule(
        "error",
        "a member who is lent as lapsed is covered, or lapsed later than is said",
        "docs/trust.md: instruments are checked",
        "Lend accounts whose coverage ended as their role and coverage_end say.",
    ),
    "same-patient": LintRule(
        "error",
        "different members get one and the same patient",
        "SMART App Launch 2.2: launch context",
        "Name in each token response the patient who signed in.",
    ),
    "same-records": LintRule(
        "error",
        "different members have the same records",
        "docs/trust.md: emptiness and sameness",
        "Serve each member their own records.",
    ),
    "empty-records": LintRule(
        "error",
        "searches answer 200 and hold nothing about a member with coverage",
        "docs/trust.md: emptiness and sameness",
        "Load the members' records, or answer with an error while they are not there.",
    ),
    "served-by-name": LintRule(
        "error",
        "the answer depends on the User-Agent",
        "RFC 9110 10.1.5; docs/trust.md: a second look",
        "Serve every authorized app alike, whatever name it gives.",
    ),
    "references-logical": LintRule(
        "warning",
        "most references carry an identifier and no address",
        f"{R4} 2.3.0: logical references",
        "Point at a resource of this server as Type/id, so that apps can read it.",
    ),
}
"""Rule id → the rule."""
