"""Causes of the metrics about documents, claims and the developer portal."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.score.causes.http import name_cause
from sandbox.score.causes.model import LossCause
from sandbox.score.evidence import Evidence, Observation, Verdict

_CLAIMS = {
    "implementing": "implementing",
    "not_available": "not-live",
    "no": "no-test-environment",
}


def find_claimed(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield the claim itself as the cause (status, sandbox), with the facts document."""
    yield LossCause(_CLAIMS.get(str(verdict.value), ""), exchanges=evidence["facts"].exchanges)


def find_capability_statement(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    metadata = evidence["capability-statement"].value
    if verdict.value != "present" and metadata["present"]:
        name = "inaccurate"
    else:
        name = "not-fhir" if "no FHIR JSON" in metadata.get("why", "") else "other-resource"
    yield _cause_of_document(verdict, evidence["capability-statement"], name)


def find_smart_configuration(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    configuration = evidence["smart-configuration"]
    is_object = "token_endpoint" in configuration.value.get("why", "")
    name = "no-token-endpoint" if is_object else "not-json"
    yield _cause_of_document(verdict, configuration, name)


def _cause_of_document(verdict: Verdict, document: Observation, name: str) -> LossCause:
    """Return the status of the last response as the cause; of a 200, its content (`name`)."""
    last = document.exchanges[-1:]
    if verdict.value == "present":
        name = ""
    elif last and last[0].status != 200:
        name = name_cause(last[0])
    return LossCause(name, exchanges=last)


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
