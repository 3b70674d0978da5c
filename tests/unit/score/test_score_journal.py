"""The sandbox's own journal as traffic: attempts are followed by the order of their steps."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transcripts

from sandbox.score.traffic import journal, log_file

Entry = dict[str, Any]


def entry(path: str, status: int = 200, method: str = "GET", **more: Any) -> Entry:
    return {
        "at": "2026-01-05T12:00:00+00:00",
        "method": method,
        "path": path,
        "status": status,
        "ms": 4,
        **more,
    }


def authorize(status: int = 303) -> Entry:
    return entry("/auth/authorize", status)


def login(member: str = "", status: int = 303, **more: Any) -> Entry:
    return entry("/auth/login", status, "POST", member=member, **more)


def consent(member: str, status: int = 303) -> Entry:
    return entry("/auth/consent", status, "POST", member=member)


def token(status: int = 200, **more: Any) -> Entry:
    return entry("/auth/token", status, "POST", **{"grant_type": "authorization_code", **more})


def read(*entries: Any) -> tuple[list[tuple[Any, ...]], list[str]]:
    """Kind, attempt, and what is told of it, record by record; and what was left out."""
    left_out: list[str] = []
    records = list(journal.records(entries, left_out.append))
    transcripts.note(*records, *left_out)
    told = {"authz_event": "outcome", "fhir": "extract_step", "token": "grant_type", "discovery": "rtype"}
    return [(each.kind, each.attempt_id, getattr(each, told[each.kind])) for each in records], left_out


def events(*outcomes: str, attempt: int = 1) -> list[tuple[str, str, str]]:
    """What is read of an attempt, one event after the other."""
    return [("authz_event", f"attempt-{attempt}", outcome) for outcome in outcomes]


def exchanged(attempt: int = 1) -> tuple[str, str, str]:
    return ("token", f"attempt-{attempt}", "authorization_code")


ANN = [authorize(), login("ann"), consent("ann"), token()]
ATTEMPTS: dict[str, tuple[list[Entry], list[tuple[str, str, str]]]] = {
    "authorize answers a page": ([authorize(400)], events("CREATED", "ERROR_PAGE")),
    "authorize fails": ([authorize(500), authorize(503)], []),
    "authorize at 499 and at 299": (
        [authorize(499), authorize(299)],
        [*events("CREATED", "ERROR_PAGE"), *events("CREATED", "ERROR_PAGE", attempt=2)],
    ),
    "signed in": (ANN, [*events("CREATED", "CODE_ISSUED"), exchanged()]),
    "a login page is only looked at": ([authorize(), entry("/auth/login")], events("CREATED")),
    "a wrong password, then the right one": (
        [authorize(), login(status=200), *ANN[1:]],
        [*events("CREATED", "LOGIN_FAILED", "CODE_ISSUED"), exchanged()],
    ),
    "the login fails with 500": ([authorize(), login(status=500)], events("CREATED", "ERROR_PAGE")),
    "the login redirects and names nobody": (
        [authorize(), login(status=303)],
        events("CREATED", "LOGIN_FAILED"),
    ),
    "refused on the callback": (
        [authorize(), login("sue", refusal="no-coverage")],
        events("CREATED", "INELIGIBLE_CALLBACK"),
    ),
    "refused on a page": (
        [authorize(), login("sue", 403, refusal="no-coverage")],
        events("CREATED", "INELIGIBLE_PAGE"),
    ),
    "not opted in, on the callback": (
        [authorize(), login("sue", refusal="not-opted-in")],
        events("CREATED", "CALLBACK_ERROR"),
    ),
    "not opted in, on a page": (
        [authorize(), login("sue", 403, refusal="not-opted-in")],
        events("CREATED", "ERROR_PAGE"),
    ),
    "refused, and yet on to the consent": (
        [authorize(), login("ann", refusal="no-coverage"), consent("ann")],
        events("CREATED", "CODE_ISSUED"),
    ),
    "the consent fails": (
        [authorize(), login("ann"), consent("ann", 500)],
        events("CREATED", "ERROR_PAGE"),
    ),
    "a consent page is only looked at": (
        [authorize(), login("ann"), entry("/auth/consent", member="ann")],
        events("CREATED"),
    ),
    "the token endpoint refuses": (
        [*ANN[:3], token(400)],
        [*events("CREATED", "CODE_ISSUED"), exchanged()],
    ),
    "a renewal belongs to no attempt": (
        [*ANN[:3], token(grant_type="refresh_token")],
        [*events("CREATED", "CODE_ISSUED"), ("token", "", "refresh_token")],
    ),
    "a token without an attempt": ([token()], []),
    "two members in turns": (
        [
            authorize(),
            authorize(),
            login("ann"),
            login("bob"),
            consent("bob"),
            consent("ann"),
            *2 * [token()],
        ],
        [
            *events("CREATED"),
            *events("CREATED", "CODE_ISSUED", attempt=2),
            *events("CODE_ISSUED"),
            exchanged(2),
            exchanged(),
        ],
    ),
}


@pytest.mark.parametrize("name", ATTEMPTS)
def test_an_attempt_is_followed(name: str) -> None:
    entries, expected = ATTEMPTS[name]
    assert read(*entries) == (expected, [])


def test_the_next_page_of_everything_is_asked_for_at_the_same_address() -> None:
    everything = entry("/fhir/Patient/1/$everything", member="ann")
    told, _ = read(
        *ANN,
        everything,
        everything,
        entry("/fhir/Coverage", member="ann"),
        everything,
        {**everything, "status": 500},
        everything,
        {**everything, "member": "bob"},
        everything,
    )
    steps = [(attempt, step) for kind, attempt, step in told if kind == "fhir"]
    assert steps == [
        ("attempt-1", "everything"),
        ("attempt-1", "pagination"),
        ("attempt-1", "individual"),
        ("attempt-1", "everything"),
        ("attempt-1", "pagination"),
        ("attempt-1", "everything"),
        ("", "everything"),
        ("attempt-1", "pagination"),
    ]


@pytest.mark.parametrize(
    ("path", "kind", "step"),
    [("/fhir/metadata", "discovery", ""), ("/fhir/.well-known/smart-configuration", "discovery", ""),
     ("/fhir/Organization/7", "fhir", "reference"), ("/fhir/Patient/7", "fhir", "individual"),
     ("/fhir/Patient", "fhir", "individual")],
)  # fmt: skip
def test_a_request_for_data_has_its_step(path: str, kind: str, step: str) -> None:
    told, _ = read(entry(path))
    assert told == [(kind, "", step)]


@pytest.mark.parametrize("path", ["/portal", "/fhir/Patient/7/other", "/fhir/patient", "/auth/revoke"])
def test_other_requests_are_no_traffic_of_the_rubric(path: str) -> None:
    assert read(entry(path)) == ([], [])


@pytest.mark.parametrize(
    "odd", [7, {}, {**entry("/fhir/Patient"), "status": "?"}, {**entry("/fhir/Patient"), "at": 7}]
)
def test_what_is_no_entry_is_left_out_with_its_number(odd: Any) -> None:
    told, left_out = read(entry("/fhir/metadata"), odd)
    assert len(told) == 1
    assert left_out == ["entry 2: not an entry of a journal"]


ENTRY = entry("/fhir/Coverage")


@pytest.mark.parametrize(
    "body",
    [json.dumps({"entries": [ENTRY, ENTRY]}), json.dumps([ENTRY, ENTRY]),
     f"{json.dumps(ENTRY)}\n{json.dumps(ENTRY)}\n", f"{json.dumps([ENTRY])}\n{json.dumps([ENTRY])}\n"],
)  # fmt: skip
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
