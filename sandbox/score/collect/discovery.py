"""What an endpoint says of itself without a login: CapabilityStatement and smart-configuration.

Both are presence checks (HTTP 200 and the right kind of document); what they say guides the sync.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.score.collect.plan import NOTHING_SAID, SEARCHES, Offer
from sandbox.score.evidence import Exchange
from sandbox.score.fhir.fhir_xml import read_xml
from sandbox.score.http.answers import HttpAnswer, word
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Instruments
from sandbox.score.lint.documents import flaws, own_address
from sandbox.score.signin.tokens import Endpoints

OAUTH_URIS = "http://fhir-registry.smarthealthit.org/StructureDefinition/oauth-uris"
MOST_TRIES = 3
MOST_TYPES = 150
"""Of R4 there are 148: who lists more has made them up."""
_TYPE = re.compile(r"[A-Z][A-Za-z]{2,50}")
TRY_AGAIN_SECONDS = 0.5


@dataclass(frozen=True)
class DiscoveryDocument:
    """One well-known document: there or not, and why not. `is_fhir`: a FHIR server answered, or a guard."""

    body: dict[str, Any] = field(default_factory=dict, repr=False)
    missing: str = ""
    exchanges: tuple[Exchange, ...] = ()
    is_fhir: bool = False

    @property
    def present(self) -> bool:
        return not self.missing

    @property
    def answered(self) -> bool:
        """Whether anything came back over HTTP at all."""
        return any(e.status for e in self.exchanges)


@dataclass(frozen=True)
class Discovery:
    """Both documents of one FHIR base (no trailing slash)."""

    base: str
    capability: DiscoveryDocument
    smart: DiscoveryDocument

    @property
    def flaws(self) -> list[str]:
        """Why the CapabilityStatement is not accurate; nothing of one that could not be read."""
        return flaws(self.capability.body) if self.capability.body else []

    @property
    def reached(self) -> bool:
        return self.capability.answered or self.smart.answered

    def endpoints(self, instruments: Instruments) -> Endpoints | None:
        """Where to sign in: smart-configuration, else the oauth-uris extension, else instruments."""
        supported = texts(self.smart.body.get("scopes_supported"))
        methods = texts(self.smart.body.get("token_endpoint_auth_methods_supported"))
        capabilities = texts(self.smart.body.get("capabilities"))
        for said_by, authorization, token in (
            (
                "smart-configuration",
                self.smart.body.get("authorization_endpoint"),
                self.smart.body.get("token_endpoint"),
            ),
            ("metadata", *oauth_uris(self.capability.body)),
            ("instruments", instruments.authorization_endpoint, instruments.token_endpoint),
        ):
            if isinstance(authorization, str) and isinstance(token, str) and authorization and token:
                return Endpoints(authorization, token, supported, said_by, methods, capabilities)
        return None

    @property
    def registration(self) -> str:
        """Where an app may register itself (RFC 7591); empty when that is not offered."""
        url = self.smart.body.get("registration_endpoint")
        return url if isinstance(url, str) else ""

    def offer(self) -> Offer:
        """What metadata says can be asked for; where no type is listed, it says nothing."""
        server = _server(self.capability.body)
        rows = _dicts(server.get("resource"))
        if not self.capability.present or not rows:
            return NOTHING_SAID
        searched = [word(row.get("type")) for row in rows if _searches(row) and _by_patient(row)]
        patient = next((row for row in rows if row.get("type") == "Patient"), None)
        operations = [*_dicts(server.get("operation")), *_dicts((patient or {}).get("operation"))]
        return Offer(
            frozenset(sorted(kind for kind in searched if _TYPE.fullmatch(kind))[:MOST_TYPES]),
            "" if patient is None else "search" if _searches(patient) else "read",
            any(_is_everything(operation) for operation in operations),
            tuple(url for url in (own_address(self.capability.body),) if url),
        )


def discover(http: HttpClient, base: str) -> Discovery:
    """Ask for both, without a login. Never raises: what is missing says why."""
    capability = _document(http, f"{base}/metadata", "application/fhir+json", _capability)
    smart = _document(http, f"{base}/.well-known/smart-configuration", "application/json", _smart)
    return Discovery(base, capability, smart)


def find_capability_statement(http: HttpClient, base: str) -> bool:
    """Whether a base has a CapabilityStatement; asked once."""
    answer = http.get(f"{base}/metadata", step="discovery", headers={"Accept": "application/fhir+json"})
    return answer.status == 200 and not _capability(answer)


def is_fhir_shaped(answer: HttpAnswer) -> bool:
    """Whether an answer is a FHIR server's: a resource, a FHIR content type, or a demand for a token."""
    kind = answer.headers.get("content-type", "").lower()
    return answer.status == 401 or "fhir" in kind or bool(_body(answer).get("resourceType"))


def oauth_uris(capability: dict[str, Any]) -> tuple[str | None, str | None]:
    """The authorize and token endpoints of the older SMART extension in a CapabilityStatement."""
    security = _server(capability).get("security")
    if not isinstance(security, dict):
        return None, None
    for extension in _dicts(security.get("extension")):
        if extension.get("url") == OAUTH_URIS:
            said = {word(e.get("url")): e.get("valueUri") for e in _dicts(extension.get("extension"))}
            return said.get("authorize"), said.get("token")
    return None, None


def _document(
    http: HttpClient, url: str, accept: str, wrong: Callable[[HttpAnswer], str]
) -> DiscoveryDocument:
    """Up to three tries, since a hiccup is not an absence; a wrong document is not tried again."""
    exchanges: list[Exchange] = []
    for attempt in range(MOST_TRIES):
        if attempt:
            http.pause(TRY_AGAIN_SECONDS)
        answer = http.get(url, step="discovery", headers={"Accept": accept})
        exchanges.append(answer.exchange)
        in_vain = not answer.status and "in time" in answer.exchange.note
        if in_vain or (answer.status and answer.status != 429 and answer.status < 500):
            break
    if answer.status != 200:
        missing = f"answered {answer.status}" if answer.status else answer.exchange.note
    else:
        missing = wrong(answer)
    return DiscoveryDocument(
        _body(answer) if not missing else {}, missing, tuple(exchanges), is_fhir_shaped(answer)
    )


def _body(answer: HttpAnswer) -> dict[str, Any]:
    """The document, whatever it is labelled as: JSON, or FHIR XML read as JSON."""
    return answer.json() or read_xml(answer.body)


def _capability(answer: HttpAnswer) -> str:
    kind = word(_body(answer).get("resourceType") or "no FHIR JSON")
    if kind == "no FHIR JSON" and answer.body[:1000].find(b"<CapabilityStatement") >= 0:
        return ""  # XML that cannot be read is there all the same; the sync then uses the fixed list of types
    return "" if kind == "CapabilityStatement" else f"answered 200 with {kind}"


def _smart(answer: HttpAnswer) -> str:
    if not answer.json():
        return "answered 200 without a JSON object"
    return "" if answer.json().get("token_endpoint") else "has no token_endpoint"


def _server(capability: dict[str, Any]) -> dict[str, Any]:
    servers = [rest for rest in _dicts(capability.get("rest")) if rest.get("mode", "server") == "server"]
    return servers[0] if servers else {}


def _is_everything(operation: dict[str, Any]) -> bool:
    name, definition = word(operation.get("name")), word(operation.get("definition"))
    return name.lstrip("$") in ("everything", "patient-everything") or "Patient-everything" in definition


def _by_patient(entry: dict[str, Any]) -> bool:
    """Whether a type can be searched by patient; one that lists no parameter, when guides require it."""
    listed = {word(p.get("name")) for p in _dicts(entry.get("searchParam"))}
    return "patient" in listed if listed else word(entry.get("type")) in SEARCHES


def _searches(entry: dict[str, Any]) -> bool:
    codes = [i.get("code") for i in _dicts(entry.get("interaction"))]
    return not codes or "search-type" in codes


def texts(value: Any) -> tuple[str, ...]:
    """What is text in a list; nothing where there is no list."""
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
