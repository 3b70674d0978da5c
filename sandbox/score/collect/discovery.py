"""Reads the two documents that need no login: CapabilityStatement and smart-configuration.

Both are presence checks (HTTP 200 and the right kind of document). Their content guides the sync.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.score.collect.plan import NOT_STATED, Offer
from sandbox.score.evidence import Exchange
from sandbox.score.fhir.fhir_xml import read_xml
from sandbox.score.fhir.searches import SEARCHES
from sandbox.score.http.answers import HttpAnswer, objects, texts, word
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Instruments
from sandbox.score.lint.documents import flaws, own_address, server_of
from sandbox.score.signin.tokens import Endpoints

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
MOST_TRIES = 3
MOST_TYPES = 150
"""R4 has 148; whatever lists more is invented."""
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,50}")
TRY_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class DiscoveryDocument:
    """One well-known document. `missing` says why it is not there; `is_fhir`: a FHIR server answered."""

    body: dict[str, Any] = field(default_factory=dict, repr=False)
    missing: str = ""
    exchanges: tuple[Exchange, ...] = ()
    is_fhir: bool = False

    @property
    def present(self) -> bool:
        return not self.missing

    @property
    def status(self) -> int:
        """The status of the last try."""
        return self.exchanges[-1].status if self.exchanges else 0


@dataclass(frozen=True)
class Discovery:
    """Both documents of one FHIR base (no trailing slash)."""

    base: str
    capability: DiscoveryDocument
    smart: DiscoveryDocument

    @property
    def flaws(self) -> list[str]:
        """Why the CapabilityStatement is not accurate; empty for one that could not be read."""
        return flaws(self.capability.body) if self.capability.body else []

    @property
    def reached(self) -> bool:
        """Whether anything came back over HTTP at all."""
        return any(e.status for e in (*self.capability.exchanges, *self.smart.exchanges))

    def endpoints(self, instruments: Instruments) -> Endpoints | None:
        """Return where to sign in: by smart-configuration, else metadata (oauth-uris), else instruments."""
        smart = self.smart.body
        supported = texts(smart.get("scopes_supported"))
        methods = texts(smart.get("token_endpoint_auth_methods_supported"))
        for said_by, authorization, token in (
            ("smart-configuration", smart.get("authorization_endpoint"), smart.get("token_endpoint")),
            ("metadata", *oauth_uris(self.capability.body)),
            ("instruments", instruments.authorization_endpoint, instruments.token_endpoint),
        ):
            if isinstance(authorization, str) and isinstance(token, str) and authorization and token:
                capabilities = texts(smart.get("capabilities"))
                return Endpoints(authorization, token, supported, said_by, methods, capabilities)
        return None

    @property
    def registration(self) -> str:
        """Where an app may register itself (RFC 7591); empty when that is not offered."""
        url = self.smart.body.get("registration_endpoint")
        return url if isinstance(url, str) else ""

    def offer(self) -> Offer:
        """Return what metadata offers; NOT_STATED where it lists no type."""
        server = server_of(self.capability.body)
        rows = objects(server.get("resource"))
        if not self.capability.present or not rows:
            return NOT_STATED
        searched = [word(row.get("type")) for row in rows if _searches(row) and _by_patient(row)]
        patient = next((row for row in rows if row.get("type") == "Patient"), None)
        operations = [*objects(server.get("operation")), *objects((patient or {}).get("operation"))]
        return Offer(
            frozenset(sorted(kind for kind in searched if _TYPE.fullmatch(kind))[:MOST_TYPES]),
            "" if patient is None else "search" if _searches(patient) else "read",
            any(_is_everything(operation) for operation in operations),
            tuple(url for url in (own_address(self.capability.body),) if url),
        )


def discover(http: HttpClient, base: str) -> Discovery:
    """Read both documents without a login. Never raises: `missing` says what went wrong."""
    capability = _document(http, f"{base}/metadata", "application/fhir+json", _capability)
    smart = _document(http, f"{base}/.well-known/smart-configuration", "application/json", _smart)
    return Discovery(base, capability, smart)


def find_capability_statement(http: HttpClient, base: str) -> bool:
    """Return whether a base has a CapabilityStatement. It is requested once."""
    answer = http.get(f"{base}/metadata", step="discovery", headers={"Accept": "application/fhir+json"})
    return answer.status == 200 and not _capability(answer)


def is_fhir_shaped(answer: HttpAnswer) -> bool:
    """Return whether a FHIR server answered: with a resource, a FHIR content type, or a 401."""
    kind = answer.headers.get("content-type", "").lower()
    return answer.status == 401 or "fhir" in kind or bool(_body(answer).get("resourceType"))


def oauth_uris(capability: dict[str, Any]) -> tuple[str | None, str | None]:
    """Return the authorize and token endpoints of the older SMART extension in a CapabilityStatement."""
    security = server_of(capability).get("security")
    if not isinstance(security, dict):
        return None, None
    for extension in objects(security.get("extension")):
        if extension.get("url") == OAUTH_URIS:
            uris = {word(e.get("url")): e.get("valueUri") for e in objects(extension.get("extension"))}
            return uris.get("authorize"), uris.get("token")
    return None, None


def _document(
    http: HttpClient, url: str, accept: str, wrong: Callable[[HttpAnswer], str]
) -> DiscoveryDocument:
    """Try up to three times, since a server may fail for a moment; a wrong document is not tried again."""
    exchanges: list[Exchange] = []
    for attempt in range(MOST_TRIES):
        if attempt:
            http.pause(TRY_AGAIN_SECONDS)
        answer = http.get(url, step="discovery", headers={"Accept": accept})
        exchanges.append(answer.exchange)
        in_vain = not answer.status and "in time" in answer.exchange.note
        if in_vain or (answer.status and answer.status != 429 and answer.status < 500):
            break
    missing = f"answered {answer.status}" if answer.status else answer.exchange.note
    if answer.status == 200:
        missing = wrong(answer)
    body = {} if missing else _body(answer)
    return DiscoveryDocument(body, missing, tuple(exchanges), is_fhir_shaped(answer))


def _body(answer: HttpAnswer) -> dict[str, Any]:
    """Return the document: JSON, or FHIR XML read as JSON, whatever the content type says."""
    return answer.json() or read_xml(answer.body)


def _capability(answer: HttpAnswer) -> str:
    kind = word(_body(answer).get("resourceType") or "no FHIR JSON")
    if kind == "no FHIR JSON" and answer.body[:1000].find(b"<CapabilityStatement") >= 0:
        return (
            ""  # XML that cannot be read still counts as present; the sync then uses the fixed list of types
        )
    return "" if kind == "CapabilityStatement" else f"answered 200 with {kind}"


def _smart(answer: HttpAnswer) -> str:
    if not answer.json():
        return "answered 200 without a JSON object"
    return "" if answer.json().get("token_endpoint") else "has no token_endpoint"


def _is_everything(operation: dict[str, Any]) -> bool:
    name, definition = word(operation.get("name")), word(operation.get("definition"))
    return name.lstrip("$") in ("everything", "patient-everything") or "Patient-everything" in definition


def _by_patient(entry: dict[str, Any]) -> bool:
    """Return whether a type can be searched by patient. Without a parameter list the guides decide."""
    listed = {word(p.get("name")) for p in objects(entry.get("searchParam"))}
    return "patient" in listed if listed else word(entry.get("type")) in SEARCHES


def _searches(entry: dict[str, Any]) -> bool:
    codes = [i.get("code") for i in objects(entry.get("interaction"))]
    return not codes or "search-type" in codes
