"""Check every response of an examination against the rules, and keep the findings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sandbox.core.urls import canonical_url
from sandbox.score.fhir import bundles
from sandbox.score.fhir.bundles import BundlePage
from sandbox.score.fhir.fhir_xml import read_xml
from sandbox.score.findings import Finding, readable
from sandbox.score.http.answers import HttpAnswer, word
from sandbox.score.http.client import Watcher
from sandbox.score.http.guard import Origin, origin
from sandbox.score.lint import claims, documents, entry, problems, results
from sandbox.score.lint.records import Records
from sandbox.score.lint.rules import RULES

_DATA = ("everything", "individual", "pagination", "reference", "probe")
MOST_TEXTS = 8
"""Different findings kept of one rule: a payer that breaks it in a hundred ways gets the idea."""


class Watch(Watcher):
    """Checks the responses of one examination of the FHIR base `target`."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._here: set[Origin] = {origin(canonical_url(target))}
        self._findings: dict[tuple[str, str], Finding] = {}
        self._private: set[str] = set()
        self._issued = entry.Issued()
        self._issuers: list[str] = []
        self._known: set[str] = set()
        self._records = Records()

    def answer(self, answer: HttpAnswer, renewed: str = "") -> None:
        """Check any response. `renewed`: the refresh token of the request."""
        step = answer.exchange.step
        if step == "token" and answer.status == 200:
            self._all(entry.token_response(answer.json(), answer.headers), "token endpoint", answer)
            self._issued.note(answer.json(), renewed)
        elif step in _DATA and answer.status:
            self._data(answer)
        elif step == "discovery" and answer.status == 200:
            self._document(answer)

    def note(self, rule: str, text: str, where: str = "", request_id: str = "") -> None:
        """Keep a finding once, with its count and first place. The text contains no member data."""
        text = readable(text)[:200]
        finding = self._findings.get((rule, text))
        if finding is not None:
            self._findings[rule, text] = replace(finding, count=finding.count + 1)
        elif sum(name == rule for name, _ in self._findings) < MOST_TEXTS:
            level, _, cite, fix = RULES[rule]
            self._findings[rule, text] = Finding(rule, level, text, 1, where, request_id, cite, fix)

    def member(self, patient: str) -> None:
        """Start a member: the resources that follow were returned for this patient."""
        self._records.begin(patient)

    def callback(self, parameters: Mapping[str, str], state: str) -> None:
        """Check a callback, of the payer under test or of a fresh payer."""
        promised = [name for name in self._issuers if name == parameters.get("iss")] or self._issuers
        self._all(entry.callback(parameters, state, promised[-1] if promised else ""), "callback")

    def facts(self, problems: Iterable[str]) -> None:
        """Add what is wrong in the facts document."""
        for text in problems:
            self.note("facts-document", text, "facts")

    def resource(
        self, resource: dict[str, Any], key: str, references: Sequence[str], searched: str, another: bool
    ) -> None:
        """A resource that came when `asked` was searched, and the references it holds.

        Each is judged once: searches and $everything show the same ones.
        """
        self._records.take(resource, key)
        kind = word(resource.get("resourceType"))
        if another:
            self.note("other-patient", f"{kind} about another patient", f"search of {searched}")
        if key in self._known:
            return
        self._known.add(key)
        self._all(results.references(resource, self._here, references), kind)
        if kind == "ExplanationOfBenefit":
            self._all(claims.explanation(resource), kind)
        elif kind == "Patient":
            self._private |= problems.private_words(resource)

    def walk(self, resource: str, pages: Sequence[BundlePage], unbroken: bool, note: str) -> None:
        """Check all pages of a search."""
        self._all(results.walk(pages, unbroken, note), f"search of {resource}")

    def findings(self) -> tuple[Finding, ...]:
        """Return the findings in the order of the rules, most frequent first within one."""
        if why := entry.weak(self._issued.tokens):
            self.note("token-entropy", why, "token endpoint")
        self._issued = entry.Issued()
        self._all(self._records.notes(), "sync")
        self._records = Records()
        place = {name: number for number, name in enumerate(RULES)}
        return tuple(sorted(self._findings.values(), key=lambda f: (place[f.rule], -f.count)))

    def _document(self, answer: HttpAnswer) -> None:
        body = answer.json() or read_xml(answer.body)
        if body.get("resourceType") == "CapabilityStatement":
            if not answer.json():
                text = "metadata is XML although the request accepts JSON"
                self.note("capability-content", text, "metadata", answer.exchange.request_id)
            self._all(documents.capability_statement(body), "metadata", answer)
            if url := documents.own_address(body):
                self._here.add(origin(canonical_url(url)))
        elif body.get("token_endpoint"):
            self._all(documents.smart_configuration(body, self._target), "smart-configuration", answer)
            if body.get("authorization_response_iss_parameter_supported") is True:
                self._issuers.append(word(body.get("issuer", "")))

    def _data(self, answer: HttpAnswer) -> None:
        where = f"{answer.exchange.step} {answer.exchange.resource}".strip()
        if answer.status >= 400:
            text = answer.text()[:20_000]
            notes = problems.answer(answer.status, answer.headers, answer.json(), text, self._private)
            self._all(notes, where, answer)
        elif answer.status == 200:
            body = answer.json()
            if answer.exchange.resource and (why := bundles.flaw(answer)):
                self.note("bundle-unreadable", why, where, answer.exchange.request_id)
            elif body.get("resourceType") == "Bundle":
                self._all(results.page(body), where, answer)

    def _all(self, notes: Iterable[tuple[str, str]], where: str, answer: HttpAnswer | None = None) -> None:
        for rule, text in notes:
            self.note(rule, text, where, answer.exchange.request_id if answer else "")
