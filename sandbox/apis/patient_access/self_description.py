"""What the payer says of itself under /fhir: metadata, SMART discovery, facts, and a page at the base."""

from __future__ import annotations

from typing import Any

from flask import Response

from sandbox.auth import discovery
from sandbox.core.errors import not_found
from sandbox.web.api import merge_facts
from sandbox.web.negotiation import is_navigation, json_response
from sandbox.web.request import RequestContext, current
from sandbox.web.rest.readable import offer_page


def smart_configuration() -> Response:
    body = discovery.smart_configuration(current().addresses, current().payer, current().wiring.others)
    return offer_page(json_response(body), "SMART configuration", is_wanted=is_navigation())


def payer_facts() -> Response:
    """What the payer claims, and what a grader may use: each API adds its part."""
    context = current()
    parts = [api.facts(context) for api in context.wiring.apis if api.facts is not None]
    return offer_page(json_response(merge_facts(parts)), "Payer facts", is_wanted=is_navigation())


def claims(context: RequestContext) -> dict[str, Any]:
    """What the payer claims, and the members to sign in as.

    A scenario changes what is true, never what is claimed: claims come from the base profile.
    """
    payer = context.wiring.payer
    return {
        "claims": {
            "status": payer.status,
            "sandbox": payer.sandbox,
            "offered_lines": list(payer.offered_lines),
            "mandated_lines": list(payer.mandated_lines),
            "supported_lines": list(payer.supported_lines),
            "refresh_max_days": payer.refresh_max_days,
            "inactive_access_days": payer.inactive_access_days,
            "portal_opt_in": payer.portal_opt_in,
        },
        "instruments": {
            "members": [
                {
                    "username": account.username,
                    "password": account.password,
                    "role": account.role,
                    "line": account.line,
                    "coverage_end": account.coverage_end.isoformat() if account.coverage_end else None,
                }
                for account in context.wiring.accounts.values()
            ]
        },
    }


def nothing_known(name: str = "") -> Response:
    not_found("This payer does not publish this document.", "not-supported", cause="address-unknown")
