"""Findings that do not affect the score: each rule holds for a good document and is broken by one change."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from dataclasses import asdict
from typing import Any

import pytest
import transcripts
from conftest import Grade
from fake_payer import BASE, FakePayer, answer

from sandbox.score.fhir.bundles import BundlePage
from sandbox.score.http.guard import origin
from sandbox.score.lint import claims, documents, entry, problems, results
from sandbox.score.lint.rules import RULES
from sandbox.score.lint.watch import MOST_TEXTS, Watch

SMART: dict[str, Any] = {
    "issuer": "https://p",
    "jwks_uri": "https://p/jwks",
    "authorization_endpoint": "https://p/authorize",
    "token_endpoint": "https://p/token",
    "grant_types_supported": ["authorization_code"],
    "capabilities": ["launch-standalone", "sso-openid-connect"],
    "code_challenge_methods_supported": ["S256"],
}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({}, None),
        ({"code_challenge_methods_supported": ["S256", "plain"]}, "pkce-plain"),
        ({"code_challenge_methods_supported": ["plain2"]}, "pkce-s256"),
        ({"token_endpoint": "http://p/token"}, "plain-http"),
        ({"jwks_uri": None}, "smart-required-fields"),
        ({"capabilities": None}, "smart-required-fields"),
        ({"authorization_endpoint": None}, "smart-required-fields"),
    ],
)
def test_smart_configuration(change: dict[str, Any], rule: str | None) -> None:
    body = {k: v for k, v in (SMART | change).items() if v is not None}
    assert {found for found, _ in documents.smart_configuration(body, "https://p/fhir")} == ({rule} - {None})


def capability(**without: str) -> dict[str, Any]:
    params = [{"name": n} for n in documents.EOB_SEARCHES if n != without.get("search")]
    types = [{"type": t} for t in ("Coverage", "Patient", "ExplanationOfBenefit") if t != without.get("kind")]
    for found in types:
        found.update(searchParam=params)  # type: ignore[call-overload]
    version = without.get("version", "4.0.1")
    return {"resourceType": "CapabilityStatement", "fhirVersion": version, "rest": [{"resource": types}]}


@pytest.mark.parametrize(
    ("without", "rules"),
    [({}, set()), ({"search": "service-date"}, {"carin-search"}),
     ({"kind": "Coverage"}, {"capability-content"}), ({"version": "3.0.1"}, {"capability-content"})],
)  # fmt: skip
def test_capability_statement(without: dict[str, str], rules: set[str]) -> None:
    assert {rule for rule, _ in documents.capability_statement(capability(**without))} == rules
    assert {rule for rule, _ in documents.capability_statement({})} == {"capability-content"}


@pytest.mark.parametrize(
    ("said", "issuer", "rules"),
    [
        ({"code": "c", "state": "s", "iss": "i"}, "i", set()),
        ({"code": "c", "state": "s"}, "", set()),
        ({"code": "c"}, "", {"state-echo"}),
        ({"error": "e", "state": "t"}, "", {"state-echo"}),
        ({"code": "c", "state": "s"}, "i", {"iss-echo"}),
        ({"code": "c", "state": "s", "iss": "j"}, "i", {"iss-echo"}),
    ],
)
def test_callbacks(said: dict[str, str], issuer: str, rules: set[str]) -> None:
    assert {rule for rule, _ in entry.callback(said, "s", issuer)} == rules


def test_token_responses() -> None:
    good, kept = {"token_type": "Bearer", "expires_in": 60}, {"cache-control": "no-store"}
    assert list(entry.token_response(good, kept)) == []
    assert [rule for rule, _ in entry.token_response(good, {})] == ["no-store"]
    assert [rule for rule, _ in entry.token_response({"expires_in": "60"}, kept)] == ["token-fields"] * 2


@pytest.mark.parametrize(
    ("tokens", "weak"),
    [([], False), (["Zk3" + "qW7_" * 8], False), (["0123456789" * 3], True),
     (["abcdef0123456789" * 2], False), (["abcdef0123456789"], True), (["tokenTOKENtoken_" * 3] * 2, True),
     ([f"{'Xy9_' * 8}{n:02}" for n in range(9)], True), (["a.b.c"] * 2, False)],
)  # fmt: skip
def test_token_entropy(tokens: list[str], weak: bool) -> None:
    assert bool(entry.weak(tokens)) == weak


def issued(*answers: tuple[str, str, str]) -> str:
    """What is wrong with tokens that were issued so: the refresh token given, and what came for it."""
    long = {"": "", **{name: f"{name}-Zk3{'qW7_' * 9}" for name in "abcdef"}}
    found = entry.Issued()
    for renewed, access, refresh in answers:
        body = {"access_token": long[access], "refresh_token": long[refresh]}
        found.note({name: value for name, value in body.items() if value}, long[renewed])
    return entry.weak(found.tokens)


@pytest.mark.parametrize(
    ("answers", "twice"),
    [
        ([("", "a", "b"), ("b", "c", "d")], False),
        ([("", "a", "b"), ("b", "a", "b")], False),
        ([("", "a", "b"), ("b", "a", "")], False),
        ([("", "a", "b"), ("b", "a", "d"), ("d", "a", "d"), ("b", "a", "e")], False),
        ([("", "a", "b"), ("", "a", "d")], True),
        ([("", "a", "b"), ("", "c", "d"), ("d", "a", "e")], True),
        ([("", "a", ""), ("f", "a", "")], True),
    ],
)
def test_a_renewal_may_return_the_living_token_and_no_other_grant_may(
    answers: list[tuple[str, str, str]], twice: bool
) -> None:
    assert issued(*answers) == ("the same token was issued twice" if twice else "")


def test_the_living_access_token_at_each_renewal_is_no_finding(grade_fake: Grade) -> None:
    made = lambda kind, number: hashlib.sha256(f"{kind}{number}".encode()).hexdigest()  # noqa: E731
    card, _ = grade_fake(FakePayer(living_token=True, made=made), probes=False)
    assert "token-entropy" not in {finding.rule for finding in card.lint}


def eob() -> dict[str, Any]:
    def row(code: str, value: float) -> dict[str, Any]:
        return {"category": {"coding": [{"code": code}]}, "amount": {"value": value}}

    made: dict[str, Any] = dict.fromkeys(claims.REQUIRED, "x")
    made["meta"] = {"profile": ["http://hl7.org/fhir/us/carin-bb/StructureDefinition/C4BB|2.0.0"]}
    made["item"] = [{"adjudication": [row("submitted", 0.1)]}, {"adjudication": [row("submitted", 0.2)]}]
    made["total"] = [row("submitted", 0.3), row("benefit", 7)]
    return made


def test_claims() -> None:
    assert list(claims.explanation(eob())) == []
    wrong = eob()
    wrong["total"][0]["amount"]["value"] = 0.31
    assert [rule for rule, _ in claims.explanation(wrong)] == ["eob-money"]
    bare = eob()
    del bare["meta"], bare["insurer"]
    assert [rule for rule, _ in claims.explanation(bare)] == ["eob-profile"] * 2
    for odd in ({"total": 5}, {"item": [1, {"adjudication": "x"}]}, {"total": [{"amount": {"value": "?"}}]}):
        list(claims.explanation({**deepcopy(eob()), **odd}))


def test_bundles() -> None:
    good = {"link": [{"relation": "self"}], "entry": [{"fullUrl": "u", "resource": {}}]}
    assert list(results.page(good)) == []
    assert [rule for rule, _ in results.page({**good, "link": []})] == ["bundle-self"]
    twice = {**good, "entry": [*good["entry"], *good["entry"]]}
    assert [rule for rule, _ in results.page(twice)] == ["bundle-full-url"]
    assert [rule for rule, _ in results.page({**good, "entry": [{"resource": {}}]})] == ["bundle-full-url"]


def pages(*keys: str, total: int | None = None) -> list[BundlePage]:
    return [BundlePage((), 1, "", True, total, (key,)) for key in keys]


@pytest.mark.parametrize(
    ("found", "unbroken", "note", "rules"),
    [
        (pages("A/1", "A/2", total=2), True, "", set()),
        (pages("A/1", "A/2"), True, "", set()),
        (pages("A/1", "A/2", total=3), True, "", {"bundle-total"}),
        (pages("A/1", "A/2", total=3), False, "a page answered 500", set()),
        (pages("A/1", total=1) + pages("A/2", total=2), True, "", {"bundle-total"}),
        (pages("A/1", "A/1", total=1), True, "", {"bundle-duplicate"}),
        (pages("A/1"), False, "the next links never end", {"bundle-links"}),
        (pages("A/1"), False, "not asked: leads to another origin", {"bundle-links"}),
    ],
)
def test_walks(found: list[BundlePage], unbroken: bool, note: str, rules: set[str]) -> None:
    assert {rule for rule, _ in results.walk(found, unbroken, note)} == rules


@pytest.mark.parametrize(
    ("reference", "broken"),
    [("Patient/1", False), ("#in", False), ("#out", True), ("urn:uuid:1", False), ("Patient 1", True),
     ("1", True), (f"{BASE}/Patient/1", False), ("http://LOCALHOST:8080/fhir/Patient/1", False),
     ("https://elsewhere.example/Patient/1", True),
     ("https://[no/Patient/1", True)],
)  # fmt: skip
def test_references(reference: str, broken: bool) -> None:
    made = {"resourceType": "Coverage", "contained": [{"id": "in"}], "payor": [{"reference": reference}]}
    assert bool(list(results.references(made, {origin(BASE)}, [reference]))) == broken


def test_errors() -> None:
    outcome = {"resourceType": "OperationOutcome"}
    assert list(problems.answer(404, {}, outcome, "no such Patient", ["Rivera"])) == []
    told = dict(
        problems.answer(401, {}, {}, "Rivera 123-45-6789 Traceback (most recent call last)", ["Rivera"])
    )
    assert set(told) == {"error-body", "error-challenge", "phi-in-errors", "internals-in-errors"}
    assert list(problems.answer(404, {}, outcome, "Riveraside", ["Rivera"])) == []
    patient = {"id": "mbr-0001", "birthDate": "1970-01-01", "name": [{"family": "Rivera"}, {"family": "Li"}]}
    assert problems.private_words(patient) == {"1970-01-01", "Rivera"}


def test_a_notebook_counts_and_keeps_a_few() -> None:
    book = Watch(BASE)
    for number in range(MOST_TEXTS + 5):
        book.note("no-store", f"text {number}")
        book.note("no-store", "text 0")
    found = book.findings()
    assert len(found) == MOST_TEXTS
    assert (found[0].text, found[0].count, found[0].cite) == (
        "text 0",
        MOST_TEXTS + 6,
        RULES["no-store"].cite,
    )


def test_findings_of_an_examination_hold_no_token_and_no_name(grade_fake: Grade) -> None:
    leak = answer(500, "Goal", text="member Rivera-Unusual, SSN 123-45-6789")
    payer = FakePayer(drop_state=True, before_fhir=leak)
    card, evidence = grade_fake(payer)
    rules = {finding.rule for finding in card.lint}
    assert {"state-echo", "no-store", "token-entropy", "phi-in-errors", "error-body", "bundle-self"} <= rules
    kept = json.dumps([asdict(finding) for finding in evidence.lint])
    assert "Rivera" not in kept
    assert not [token for token in payer.access if f'"{token}"' in kept]


def test_somebody_elses_record_is_a_finding(grade_fake: Grade) -> None:
    payer = FakePayer()
    own = payer.data

    def mixed(patient: str) -> list[dict[str, Any]]:
        stranger = {"reference": "Patient/somebody-else"}
        return [*own(patient), {"resourceType": "Goal", "id": "strange", "patient": stranger}]

    payer.data = mixed  # type: ignore[method-assign]
    card, _ = grade_fake(payer)
    assert "other-patient" in {finding.rule for finding in card.lint}
    assert card.score == 100


def test_bodies_are_kept_only_when_asked_and_never_with_tokens(grade_fake: Grade) -> None:
    payer = FakePayer()
    _, evidence = grade_fake(payer, probes=False)
    assert all(not e.body for found in evidence.observations.values() for e in found.exchanges)
    payer = FakePayer()
    _, evidence = grade_fake(payer, keep_bodies=True, probes=False)
    kept = evidence.to_json().decode()
    assert "organization" in kept.lower()
    assert not [s for s in (*payer.access, *payer.refreshing) if f'"{s}' in kept.replace("\\", "")]


TOKEN = {"access_token": "a", "token_type": "Bearer", "expires_in": 60, "scope": "patient/*.rs"}


def test_the_words_of_findings_about_documents() -> None:
    """Each field left out and made odd in turn: which rules that breaks, and in which words."""
    for name in SMART:
        without = {key: value for key, value in SMART.items() if key != name}
        for body in (without, {**SMART, name: 7}, {**SMART, name: ["x"]}, {**SMART, name: "http://p"}):
            transcripts.note(name, *documents.smart_configuration(body, "https://p/fhir"))
    for body in (
        {},
        {"fhirVersion": "3.0.2"},
        {"rest": [7]},
        {"rest": [{"resource": [{"type": "Patient"}]}]},
    ):
        transcripts.note(*documents.capability_statement(body))
    assert not list(documents.smart_configuration(SMART, "https://p/fhir"))


def test_the_words_of_findings_about_tokens() -> None:
    kept = {"cache-control": "no-store"}
    for name in TOKEN:
        without = {key: value for key, value in TOKEN.items() if key != name}
        for body in (without, {**TOKEN, name: "odd"}, {**TOKEN, name: 7}, {**TOKEN, name: None}):
            transcripts.note(name, *entry.token_response(body, kept))
    for headers in ({}, {"cache-control": "max-age=60"}, {"cache-control": "NO-STORE, private"}):
        transcripts.note(*entry.token_response(TOKEN, headers))
    assert not list(entry.token_response(TOKEN, kept))
