"""Rules about smart-configuration and CapabilityStatement. Checks yield (rule, text)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.score.http.answers import objects, texts, word
from sandbox.score.http.guard import origin

Notes = Iterator[tuple[str, str]]

REQUIRED = ("token_endpoint", "grant_types_supported", "capabilities", "code_challenge_methods_supported")
EOB_SEARCHES = ("_id", "_lastUpdated", "patient", "type", "identifier", "service-date")
"""CARIN Blue Button 2.0.0, server CapabilityStatement: SHALL for ExplanationOfBenefit."""


def smart_configuration(body: dict[str, Any], target: str) -> Notes:
    """Check SMART App Launch 2.2, Conformance. A `target` with https requires https here."""
    capabilities = texts(body.get("capabilities"))
    required = [*REQUIRED]
    if "launch-standalone" in capabilities or "launch-ehr" in capabilities:
        required.append("authorization_endpoint")
    if "sso-openid-connect" in capabilities:
        required += ["issuer", "jwks_uri"]
    for name in required:
        if name not in body:
            yield "smart-required-fields", f"{name} is missing"
    methods = texts(body.get("code_challenge_methods_supported"))
    if "S256" not in methods:
        yield "pkce-s256", f"code_challenge_methods_supported is {', '.join(methods) or 'missing'}"
    if "plain" in methods:
        yield "pkce-plain", "code_challenge_methods_supported includes plain"
    for name in ("authorization_endpoint", "token_endpoint"):
        if target.startswith("https://") and word(body.get(name, "")).startswith("http://"):
            yield "plain-http", f"{name} begins with http://"


def capability_statement(body: dict[str, Any]) -> Notes:
    """Check what CARIN requires of a CapabilityStatement, and what clients need."""
    for text in flaws(body):
        yield "capability-content", text
    eob = _types(body).get("ExplanationOfBenefit")
    if eob is not None:
        named = {word(p.get("name")) for p in objects(eob.get("searchParam"))}
        for name in EOB_SEARCHES:
            if name not in named:
                yield "carin-search", f"ExplanationOfBenefit cannot be searched by {name}"


def own_address(body: dict[str, Any]) -> str:
    """Return `implementation.url`; empty without one."""
    implementation = body.get("implementation")
    url = implementation.get("url") if isinstance(implementation, dict) else None
    return url.rstrip("/") if isinstance(url, str) and origin(url) else ""


def flaws(body: dict[str, Any]) -> list[str]:
    """Return why a CapabilityStatement is not accurate (reading A23 of the rubric)."""
    problems = []
    version = word(body.get("fhirVersion", "missing"))
    if not version.startswith("4.0"):
        problems.append(f"fhirVersion is {version}")
    types = _types(body)
    if not types:
        problems.append("no server's resources are listed")
    else:
        missing = [k for k in ("ExplanationOfBenefit", "Coverage", "Patient") if k not in types]
        if missing:
            problems.append(f"not listed: {', '.join(missing)}")
    return problems


def server_of(body: dict[str, Any]) -> dict[str, Any]:
    """Return the part of a CapabilityStatement that describes a server; empty without one."""
    servers = (part for part in objects(body.get("rest")) if part.get("mode", "server") == "server")
    return next(servers, {})


def _types(body: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {word(row.get("type")): row for row in objects(server_of(body).get("resource"))}
