"""What a payer says of itself without a login: documents, claims, portal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from scored_card import MEMBERS_ONLY, examine
from scored_http import Call, outcome
from scored_payer import Payer


def always(answer: Callable[[], httpx.Response]) -> list[Callable[[Call], httpx.Response | None]]:
    return [lambda call: answer()]


def without(*routes: str) -> Payer:
    payer = Payer()
    for route in routes:
        payer.before[route] = always(lambda: httpx.Response(404))
    return payer


# -- metadata


def empty_for_what_is_not_held(payer: Payer) -> None:
    """Types that the payer does not hold answer 200 with nothing in them."""

    def nothing(call: Call) -> httpx.Response | None:
        return None if call.found[0] in payer.types else payer.bundle(call, [])

    payer.before["search"] = [nothing]


NO_STATEMENT: dict[str, Callable[[], httpx.Response]] = {
    "404": lambda: httpx.Response(404),
    "an OperationOutcome with 200": lambda: outcome(200, "exception"),
    "a page with 200": lambda: httpx.Response(200, html="<h1>FHIR server</h1>"),
}


@pytest.mark.parametrize("how", NO_STATEMENT)
def test_no_capability_statement(how: str) -> None:
    """0 of 2 for the document. The fixed list of types is asked instead, and what this payer does not hold
    answers 200 with an empty Bundle: no other metric suffers. 98."""
    payer = Payer()
    payer.before["metadata"] = always(NO_STATEMENT[how])
    empty_for_what_is_not_held(payer)
    examine(payer).earns(score=98, capability_statement=0)


# -- smart-configuration


def test_a_smart_configuration_without_a_token_endpoint() -> None:
    """It answers 200 with a JSON object, but without what makes it one: absent, 0 of 2. The way in is that
    of the oauth-uris extension. 98."""
    payer = Payer()
    payer.smart = {"token_endpoint": None}
    examine(payer).earns(score=98, smart_configuration=0)


def test_neither_document_but_instruments() -> None:
    """0 and 0 of 2 and 2. The endpoints are lent as instruments; the fixed list is asked and answered. The
    payer of one's own has no documents either, so its clock cannot be tried: one renewal works, the claim
    of 365 days decides, 10. 96."""
    payer = without("smart", "metadata")
    empty_for_what_is_not_held(payer)
    payer.instruments = {"fresh_payer": None, "clock": None}
    examine(payer).earns(
        score=96, capability_statement=0, smart_configuration=0, source={"refresh-token": "declared"}
    )


# -- developer portal

PORTALS: dict[str, tuple[dict[str, Any], int]] = {
    "an e-mail address": ({"developer_email": "api@payer.example"}, 1),
    "an e-mail address for a portal": ({"developer_portal": "api@payer.example"}, 1),
    "nothing": ({}, 0),
}


@pytest.mark.parametrize("how", PORTALS)
def test_the_developer_portal(how: str) -> None:
    """Only an e-mail address: 1 of 2. None at all: 0 of 2, by the payer's own word. Everything else is full:
    98 or 99."""
    claims, points = PORTALS[how]
    payer = Payer()
    del payer.claims["developer_portal"]
    payer.claims |= claims
    examine(payer).earns(score=98 + points, developer_portal=points, source={"developer-portal": "declared"})


# -- claims alone


def test_a_sandbox_without_production() -> None:
    """The payer says that it is implementing: 5 of 10; it has a test environment: 6; both documents: 2 and
    2; a portal: 2. It lends no account and says nothing of periods, so 78 points are out of sight: 17 of
    100, and 95 at most."""
    payer = Payer([])
    payer.claims = {"status": "implementing", "sandbox": True, "developer_portal": f"{payer.host}/developers"}
    examine(payer).earns(score=17, top=95, status=5, source={"status": "declared"}, unseen=MEMBERS_ONLY)


def test_claims_without_an_account() -> None:
    """Nobody can sign in, so claims count where claims may: live 10, sandbox 6, refresh 200 days 6, three
    years of inactive access (1,095 days, in the band of 2 to 5 years) 4. Seen: both documents 4, portal 2.
    32 of 100. Opt-in, lines and all else need eyes: 14 + 6 + 4 + 3 + 10 + 5 + 6 + 4 + 5 + 3 = 60, so 92."""
    payer = Payer([])
    payer.claims |= {"refresh_max_days": 200, "inactive_access_days": 1095}
    seen = {"refresh-token", "inactive-members"}
    examine(payer).earns(
        score=32,
        top=92,
        refresh_token=6,
        inactive_members=4,
        source={"status": "declared", "refresh-token": "declared", "inactive-members": "declared"},
        unseen=tuple(metric for metric in MEMBERS_ONLY if metric not in seen),
    )


def test_a_payer_that_only_serves_bulk_data(tmp_path: Path) -> None:
    """metadata (2) names Group and its export, smart-configuration (2) only a token endpoint for backend
    services. The facts file says live (10), with a sandbox (6) and a portal (2); no member can sign in:
    there is no authorization endpoint and no account. 22, and the 78 that only members see: 100 at most."""
    payer = without("facts", "authorize")
    payer.smart = {"authorization_endpoint": None, "grant_types_supported": ["client_credentials"]}
    rows = [{"type": "Group", "operation": [{"name": "export", "definition": "http://hl7.org/x"}]}]
    payer.capability_statement = lambda tenant="": {  # type: ignore[method-assign]
        "resourceType": "CapabilityStatement",
        "fhirVersion": "4.0.1",
        "rest": [{"mode": "server", "resource": rows}],
    }
    claims = {"status": "live", "sandbox": True, "developer_portal": f"{payer.host}/developers"}
    path = tmp_path / "facts.json"
    path.write_text(json.dumps({"claims": claims}))
    examine(payer, facts=path).earns(score=22, top=100, source={"status": "declared"}, unseen=MEMBERS_ONLY)


# -- lines of business
