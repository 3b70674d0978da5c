"""Small functions of the grader, each as a table of what goes in and what comes out."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import transcripts

from sandbox.score.lint import documents, entry
from sandbox.score.report.numbers import number
from sandbox.score.traffic import log_file


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [
        (1, "days", "1 day"),
        (2, "days", "2 days"),
        (0, "days", "0 days"),
        (Fraction(195, 2), "percent", "97.5 %"),
        (0.5, "seconds", "0.50 s"),
        (1.0, "seconds", "1.00 s"),
        (7, "", "7"),
        ("not_available", "days", ""),
        (("Coverage",), "types", ""),
    ],
)
def test_a_value_is_shown_with_its_unit(value: Any, unit: str, shown: str) -> None:
    assert number(value, unit) == shown


ENTRY = {"at": "2026-01-05T12:00:00+00:00", "method": "GET", "path": "/fhir/Coverage", "status": 200, "ms": 4}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"entries": [ENTRY, ENTRY]}),
        json.dumps([ENTRY, ENTRY]),
        f"{json.dumps(ENTRY)}\n{json.dumps(ENTRY)}\n",
        f"{json.dumps([ENTRY])}\n{json.dumps([ENTRY])}\n",
    ],
)
def test_a_journal_is_known_by_its_entries(body: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    path.write_text(body)
    log = log_file.read(path)
    assert [(record.kind, record.rtype, record.extract_step) for record in log.records] == [
        ("fhir", "Coverage", "individual")
    ] * 2
    assert (log.unread, log.derived) == (0, 0)


@pytest.mark.parametrize("left_out", ["at", "path", "status"])
def test_what_lacks_a_part_of_an_entry_is_no_journal(left_out: str, tmp_path: Path) -> None:
    path = tmp_path / "journal"
    odd = {name: value for name, value in ENTRY.items() if name != left_out}
    path.write_text(f"{json.dumps(ENTRY)}\n{json.dumps(odd)}\n")
    log = log_file.read(path)
    assert (len(log.records), log.unread) == (1, 1)
    assert log.problems[0].startswith("line 2: ts")


SMART = {
    "issuer": "https://p",
    "jwks_uri": "https://p/jwks",
    "authorization_endpoint": "https://p/authorize",
    "token_endpoint": "https://p/token",
    "grant_types_supported": ["authorization_code"],
    "capabilities": ["launch-standalone", "sso-openid-connect"],
    "code_challenge_methods_supported": ["S256"],
}
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
