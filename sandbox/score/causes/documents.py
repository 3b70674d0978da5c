"""Causes around what a payer says of itself: documents, claims, the developer portal."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.score.causes.http import name_cause
from sandbox.score.causes.model import LossCause
from sandbox.score.evidence import Evidence, Verdict

_CLAIMS = {
    "implementing": "implementing",
    "not_available": "not-live",
    "no": "no-test-environment",
}


def find_claimed(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Status and sandbox: the claim itself is the cause, and the facts document shows it."""
    yield LossCause(_CLAIMS.get(str(verdict.value), ""), exchanges=evidence["facts"].exchanges)


def find_capability_statement(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    metadata = evidence["capability-statement"]
    last = metadata.exchanges[-1:]
    if verdict.value == "present":
        yield LossCause("", exchanges=last)
    elif metadata.value["present"]:
        yield LossCause("inaccurate", exchanges=last)
    elif last and last[0].status != 200:
        yield LossCause(name_cause(last[0]), exchanges=last)
    else:
        is_fhir = "no FHIR JSON" not in metadata.value["why"]
        yield LossCause("other-resource" if is_fhir else "not-fhir", exchanges=last)


def find_smart_configuration(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    configuration = evidence["smart-configuration"]
    last = configuration.exchanges[-1:]
    if verdict.value == "present":
        yield LossCause("", exchanges=last)
    elif last and last[0].status != 200:
        yield LossCause(name_cause(last[0]), exchanges=last)
    else:
        has_object = "token_endpoint" in configuration.value["why"]
        yield LossCause("no-token-endpoint" if has_object else "not-json", exchanges=last)


def find_developer_portal(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    portal = evidence["developer-portal"]
    if verdict.value == "portal":
        yield LossCause("", exchanges=portal.exchanges)
    elif not portal.seen:
        name = "email-only" if verdict.value == "email_only" else "not-named"
        yield LossCause(name, exchanges=evidence["facts"].exchanges)
    elif portal.value["login"]:
        yield LossCause("asks-for-login", exchanges=portal.exchanges)
    elif portal.value["status"] == 200:
        yield LossCause("not-a-page", exchanges=portal.exchanges)
    else:
        yield LossCause(name_cause(portal.exchanges[-1]), exchanges=portal.exchanges)
