"""Sandbox: is there a test environment for developers? The payer's claim."""

from __future__ import annotations

from sandbox.score.evidence import Evidence, Verdict, not_seen

NEEDS = ("facts",)


def judge(evidence: Evidence) -> Verdict:
    claim = evidence.claim("sandbox")
    if claim is None:
        return not_seen("sandbox", "the payer does not say whether it has a test environment")
    answer = "a test environment" if claim else "no test environment"
    return Verdict("sandbox", "yes" if claim else "no", "declared", f"the payer says that it has {answer}")
