"""The payer's brand: its colors and mark on the pages, and the SMART User-access Brands Bundle.

Source: SMART App Launch 2.2.0 "User-access Brands and Endpoints": a Bundle (collection) of one
Organization and one Endpoint, static, public and readable from any origin (SHALL).
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from flask import Response
from markupsafe import escape

from sandbox.core.files import json_bytes
from sandbox.core.payer import BASELINE, PayerProfile
from sandbox.web.request import current

_PROFILES = "http://hl7.org/fhir/smart-app-launch/StructureDefinition/user-access-"
_EXTENSIONS = "http://hl7.org/fhir/StructureDefinition/"
_TERMS = "http://terminology.hl7.org/CodeSystem/"
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_SINCE = datetime(2025, 1, 1, tzinfo=UTC)
"""When this brand was last changed."""


def identifier(payer: PayerProfile) -> dict[str, str]:
    """Whose brand it is: smart-configuration's `user_access_brand_identifier`."""
    return {"system": "urn:ietf:rfc:3986", "value": payer.website}


def color(payer: PayerProfile) -> tuple[int, int, int]:
    """Red, green, blue. A color that cannot be read is the baseline's."""
    text = payer.brand_color if _COLOR.fullmatch(payer.brand_color) else BASELINE.brand_color
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def style() -> Response:
    """The brand's colors, for the one stylesheet that uses them: pages may hold no styles."""
    red, green, blue = color(current().payer)
    dark = ",".join(str(part * 3 // 4) for part in (red, green, blue))
    return _public(f":root{{--brand:rgb({red},{green},{blue});--brand-dark:rgb({dark})}}\n", "text/css")


def mark() -> Response:
    """The logo: the first letter on a disc of the brand's color."""
    payer = current().payer
    disc = f'<circle cx="32" cy="32" r="32" fill="rgb{color(payer)}"/>'
    letter = (
        '<text x="32" y="44" font-family="sans-serif" font-size="34" font-weight="700" '
        f'text-anchor="middle" fill="#fff">{escape(payer.name[:1])}</text>'
    )
    box = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64" width="64" height="64">'
    return _public(f"{box}{disc}{letter}</svg>\n", "image/svg+xml")


def bundle() -> Response:
    body = json_bytes(brands(current().payer, current().base))
    response = _public(body, "application/fhir+json")
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


def brands(payer: PayerProfile, base: str) -> dict[str, Any]:
    """The bundle of a payer whose prefix is `base`."""
    resources = (_organization(payer, base), _endpoint(payer, base))
    entries = [
        {"fullUrl": f"{base}/branding/{r['resourceType']}/{r['id']}", "resource": r} for r in resources
    ]
    return {
        "resourceType": "Bundle",
        "id": "brands",
        "meta": {"lastUpdated": _SINCE.isoformat(), "profile": [f"{_PROFILES}brands-bundle"]},
        "type": "collection",
        "timestamp": _SINCE.isoformat(),
        "entry": entries,
    }


def _organization(payer: PayerProfile, base: str) -> dict[str, Any]:
    endpoint = {"reference": "Endpoint/fhir"}
    portal = (
        ("portalName", "valueString", f"{payer.name} member portal"),
        ("portalUrl", "valueUrl", f"{base}/portal"),
    )
    return {
        "resourceType": "Organization",
        "id": "payer",
        "meta": {"profile": [f"{_PROFILES}brand"]},
        "extension": [
            {
                "url": f"{_EXTENSIONS}organization-brand",
                "extension": [{"url": "brandLogo", "valueUrl": f"{base}/brand.svg"}],
            },
            {
                "url": f"{_EXTENSIONS}organization-portal",
                "extension": [
                    *({"url": url, kind: value} for url, kind, value in portal),
                    {"url": "portalEndpoint", "valueReference": endpoint},
                ],
            },
        ],
        "identifier": [identifier(payer)],
        "active": True,
        "type": [{"coding": [{"system": f"{_TERMS}organization-type", "code": "pay"}]}],
        "name": payer.name,
        "telecom": [{"system": "url", "value": payer.website}],
        "endpoint": [endpoint],
    }


def _endpoint(payer: PayerProfile, base: str) -> dict[str, Any]:
    return {
        "resourceType": "Endpoint",
        "id": "fhir",
        "meta": {"profile": [f"{_PROFILES}endpoint"]},
        "extension": [{"url": f"{_EXTENSIONS}endpoint-fhir-version", "valueCode": "4.0.1"}],
        "status": "active",
        "connectionType": {"system": f"{_TERMS}endpoint-connection-type", "code": "hl7-fhir-rest"},
        "name": f"Patient Access API of {payer.name}",
        "contact": [{"system": "url", "value": f"{base}/developer"}],
        "payloadType": [{"coding": [{"system": f"{_TERMS}endpoint-payload-type", "code": "none"}]}],
        "address": f"{base}/fhir",
    }


def _public(body: str | bytes, kind: str) -> Response:
    response = Response(body, content_type=kind if "json" in kind else f"{kind}; charset=utf-8")
    response.headers["Cache-Control"] = "public, max-age=300"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
