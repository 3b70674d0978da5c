"""Each row on journals of apps that behave, that do not, and that never came to it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from journals import Journal

from sandbox.review.card import ReviewRecord, review
from sandbox.review.finding import ReviewFinding
from sandbox.review.journal import exchanges
from sandbox.review.table import ROWS, table

Story = Callable[[], Journal]
J = Journal
EVERYTHING = "Patient/1/$everything"
CLAIMS = "patient/ExplanationOfBenefit.rs"


def parallel(journal: Journal, count: int, **more: object) -> Journal:
    """Requests that are under way together."""
    for n in range(count):
        journal.get(f"Coverage/{n}", wait=0.001 - 0.1 * (n > 0), ms=100, **more)
    return journal


def times(journal: Journal, count: int, do: Callable[[Journal], object]) -> Journal:
    for _ in range(count):
        do(journal)
    return journal


def n(journal: Journal) -> int:
    """How many refreshes there were."""
    return sum(entry["path"] == "/auth/token" for entry in journal.entries)


def including(values: str) -> dict[str, object]:
    return {"sent": {"_include": values}, "params": ["_include"]}


CASES: dict[str, dict[str, list[Story]]] = {
    "discovery": {
        "pass": [
            lambda: J().discover().authorize(),
            lambda: J().call("GET /fhir/metadata", client=None).authorize(),
        ],
        "fail": [lambda: J().authorize().discover()],
        "not exercised": [lambda: J().discover().get()],
    },
    "state": {
        "pass": [
            lambda: J().sign_in(1).sign_in(2),
            # a member who loads the page again
            lambda: J().authorize().authorize().consent(),
            lambda: J().authorize("s1").authorize("s2").consent("s2").consent("s1"),
        ],
        "fail": [
            lambda: J().authorize(params=["code_challenge"]),
            lambda: J().authorize(state_length=20),
            lambda: J().sign_in(1).authorize("s1", "c9"),
        ],
        "not exercised": [lambda: J().get()],
    },
    "state-checked": {
        "pass": [
            lambda: J().authorize().call("POST /auth/consent", 303, issued={"code": "k1"}),
            lambda: J().authorize("s1").consent("other", "k1").redeem("k2"),
        ],
        "fail": [
            lambda: J().authorize().call("POST /auth/consent", 303, issued={"code": "k1"}).redeem("k1"),
            lambda: J().authorize("s1").consent("other", "k1").redeem("k1", status=400),
        ],
        "not exercised": [lambda: J().sign_in(), lambda: J().get()],
    },
    "pkce": {
        "pass": [lambda: J().sign_in(1).sign_in(2), lambda: J().authorize().authorize().consent().redeem()],
        "fail": [
            lambda: J().authorize(params=["state"], marks={"state": "s"}),
            lambda: J().authorize(sent={"code_challenge_method": "plain"}),
            lambda: J().sign_in(1).authorize("s2", "c1"),
            lambda: J().authorize().consent().redeem(params=["code"]),
        ],
        "not exercised": [lambda: J().get()],
    },
    "least-scopes": {
        "pass": [
            lambda: J().authorize(scope="openid launch/patient patient/Patient.rs").get(),
            lambda: J().authorize(scope="patient/*.read").get(EVERYTHING, 404),
            lambda: J().authorize(scope=f"{CLAIMS} patient/Practitioner.rs patient/Coverage.r")
            .page(**including("ExplanationOfBenefit:provider,ExplanationOfBenefit:coverage")),
            lambda: J().authorize(scope=f"{CLAIMS} patient/Coverage.r")
            .page(**including("ExplanationOfBenefit:*")),
            lambda: J().authorize(scope="patient/Observation.rs?category=laboratory").get("Observation"),
        ],
        "fail": [
            lambda: J().authorize(scope="patient/*.rs").get(),
            lambda: J().authorize(scope="patient/Patient.rs patient/Coverage.rs").get(),
            lambda: J().authorize(scope="patient/Patient.cruds").get(),
            lambda: J().authorize(scope="patient/Patient.write").get(),
            lambda: J().authorize(scope="patient/Patient.*").get(),
        ],
        "not exercised": [lambda: J().get(), lambda: J().authorize(), lambda: J().authorize(sent={}).get()],
    },
    "code-once": {
        "pass": [
            lambda: J().sign_in(1).sign_in(2),
            lambda: J().authorize().consent().redeem(status=503).redeem(),
            lambda: J().authorize().consent().redeem(status=401).redeem(),
        ],
        "fail": [
            lambda: J().sign_in().redeem(status=400),
            lambda: J().authorize().consent().redeem(status=400).redeem(status=400),
        ],
        "not exercised": [
            lambda: J().refresh(),
            lambda: J().authorize().consent(),
            lambda: J().authorize().consent().redeem(status=400),
            lambda: J().authorize().consent().redeem(status=503),
        ],
    },
    "secrets-in-urls": {
        "pass": [lambda: J().sign_in(), lambda: J().get(), lambda: J().get(params=["patient", "code"])],
        "fail": [
            lambda: J().get(status=400, params=["access_token"]),
            lambda: J().get().call("POST /auth/token", 400, in_address=["client_secret"]),
            lambda: J().authorize(in_address=["client_secret"]).get(),
            lambda: J().call("GET /auth/token", 405, params=["code_verifier", "grant_type"]),
        ],
        "not exercised": [lambda: J(), lambda: J().authorize().consent()],
    },
    "refresh-once": {
        "pass": [
            lambda: J().get().dead().refresh().get(token="a2"),
            lambda: J().get().dead().refresh(status=503).refresh(wait=2).get(token="a2"),
            lambda: J().sign_in().dead().sign_in(2).get(token="a2"),
            # one request that meets the end of three tokens
            lambda: times(J(), 3, lambda j: j.get(token=f"a{n(j)}").dead(token=f"a{n(j)}")
                          .refresh(f"f{n(j)}", f"a{n(j) + 1}", f"f{n(j) + 1}").get(token=f"a{n(j)}")),
            # a token that is good, and refused for one kind of resource
            lambda: J().get().dead("Observation", state="").refresh().dead("Observation", "a2", state="")
            .get(token="a2").get("Coverage", token="a2").get("Encounter", token="a2"),
            # the sign-in and the refresh were not the app's
            lambda: J().get().dead().get(token="a2"),
            # six requests under way when the token died
            lambda: parallel(J(), 6, status=401, token_state="expired").refresh().get(token="a2"),
        ],
        "fail": [
            lambda: J().get().dead(),
            lambda: J().get().dead().dead(),
            lambda: J().get().dead().dead("Coverage").dead("Encounter").refresh().get(token="a2"),
            lambda: J().get().dead().refresh().refresh("f2", "a3", "f3").get(token="a3"),
            lambda: J().get().dead().refresh().dead(token="a2", state="").refresh("f2", "a3", "f3")
            .dead(token="a3", state=""),
            # somebody else's refresh
            lambda: J().sign_in(1).sign_in(2).get(token="a1").get(token="a2", member="dana").dead()
            .refresh("f2", "a9", "f9").get(token="a9", member="dana"),
        ],
        "not exercised": [
            lambda: J().get(),
            lambda: J().dead(state="revoked"),
            lambda: J().dead(state="unknown"),
        ],
    },
    "new-token-kept": {
        "pass": [
            lambda: J().sign_in().refresh().get(token="a2"),
            lambda: J().sign_in().refresh("f1", "a2", "f1").refresh("f1", "a3", "f1").get(token="a3"),
            # another member's token, another sign-in's token
            lambda: J().sign_in(1).sign_in(5).get(token="a5", member="dana").refresh()
            .get(token="a5", member="dana"),
            lambda: J().sign_in(1).sign_in(5).refresh().get(token="a2").get(token="a5"),
        ],
        "fail": [
            lambda: J().sign_in().refresh().get(token="a1"),
            lambda: J().sign_in().refresh().refresh("f1", status=400),
            # the sign-in is not in the journal: the member tells
            lambda: J().get(token="a1").refresh().get(token="a2").get(token="a1"),
        ],
        "not exercised": [lambda: J().sign_in().get(), lambda: J().refresh(status=400)],
    },
    "stops-when-revoked": {
        "pass": [
            lambda: J().get().dead(state="grant-revoked").refresh(status=400, error="invalid_grant"),
            lambda: J().get().dead(state="grant-revoked"),
            lambda: J().refresh(status=400, error="invalid_grant").sign_in(3).get(token="a3"),
        ],
        "fail": [
            lambda: J().get().dead(state="grant-revoked").dead(state="grant-revoked"),
            lambda: times(J(), 4, lambda j: j.dead(f"Coverage/{len(j.entries)}", state="grant-revoked")),
            lambda: J().refresh(status=400, error="invalid_grant").refresh(status=400, error="invalid_grant"),
        ],
        "not exercised": [
            lambda: J().get().dead().refresh(),
            lambda: J().refresh(status=400, error="invalid_request"),
        ],
    },
    "accept": {
        "pass": [
            lambda: J().get(),
            lambda: J().get(accept="application/json"),
            lambda: J().get(accept="*/*", params=["_format"]),
        ],
        "fail": [
            lambda: J().get(accept="*/*"),
            lambda: J().get().get(accept=""),
            lambda: J().get(accept="text/html"),
        ],
        "not exercised": [lambda: J().discover(), lambda: J().sign_in()],
    },
    "follows-next": {
        "pass": [
            lambda: J().page(next="p2").page("p2", next="p3").page("p3"),
            lambda: J().page(next="p2").page("p2").page(next="p9"),
            # the payer refused the last page, or hid the link
            lambda: J().page(next="p2").page("p2", status=500),
            lambda: J().page(next="p2", effects=["next-loops:loop_next_link"]),
        ],
        "fail": [
            lambda: J().page(next="p2"),
            lambda: J().page(next="p2").page("p2", next="p3"),
            lambda: J().page(next="p2").page("p2").get("Coverage", next="x2"),
        ],
        "not exercised": [lambda: J().page(), lambda: J().sign_in()],
    },
    "everything-fallback": {
        "pass": [
            lambda: J().get(EVERYTHING, 404).get("Coverage").page(),
            lambda: J().get(EVERYTHING, 502).get(EVERYTHING, 502).get("Coverage"),
        ],
        "fail": [
            lambda: J().get(EVERYTHING, 404),
            lambda: J().get(EVERYTHING, 404).get("Patient/1"),
            lambda: J().get(EVERYTHING, 404).get(EVERYTHING, 404).get("Coverage"),
        ],
        "not exercised": [
            lambda: J().page(),
            lambda: J().get(EVERYTHING),
            lambda: J().busy(EVERYTHING).get(EVERYTHING, wait=2),
        ],
    },
    "references": {
        "pass": [
            lambda: J().page().get("Practitioner/1").get("Practitioner/2"),
            lambda: J().page().get("Practitioner/1", 404).get("Practitioner/2"),
            lambda: J().get("Practitioner/1", 500).get("Practitioner/1", 500),
            lambda: J().page(params=["_include"]),
            # what six members share
            lambda: times(J(), 6, lambda j: j.get("Organization/1", member=f"m{len(j.entries)}")),
        ],
        "fail": [
            lambda: J().get("Practitioner/1", 404).get("Practitioner/1", 404),
            lambda: times(J(), 3, lambda j: j.get("Practitioner/1", 500)),
            lambda: times(J(), 5, lambda j: j.get("Practitioner/1")),
        ],
        "not exercised": [lambda: J().page(), lambda: J().get("Patient/1")],
    },
    "retry-after": {
        "pass": [
            lambda: J().busy().get(wait=2),
            lambda: J().busy(wait_for="Mon, 04 Jan 2027 12:00:05 GMT").get(wait=5),
            lambda: J().call("POST /auth/token", 503, retry_after="1").call("POST /auth/token", wait=1.1),
            # the payer's other door may be used meanwhile
            lambda: J().busy().refresh().get(wait=2),
            # a pause too long for anybody to wait
            lambda: J().busy(wait_for="14400"),
            lambda: J().busy("Coverage/1", wait=0, ms=100).busy("Coverage/2", wait=-0.1, ms=150)
            .get("Coverage/1", wait=2).get("Coverage/2"),
        ],
        "fail": [
            lambda: J().busy().get(),
            lambda: J().busy().get("Coverage").get(wait=2),
            lambda: J().busy().busy(wait=1.5).get(wait=2),
            lambda: J().busy(wait_for="Mon, 04 Jan 2027 12:00:09 GMT").get(wait=2),
            lambda: J().busy(status=503).get(),
            # it went on with something else and forgot
            lambda: J().busy().get("Coverage", wait=3),
        ],
        "not exercised": [
            lambda: J().get(),
            # answered within the same millisecond as the refusal
            lambda: J().get(ms=0, wait=0.0005).busy(ms=0, wait=0.0005),
            lambda: J().busy(wait_for="soon").get(),
            lambda: J().get(404, retry_after="2"),
            lambda: J().busy(),
        ],
    },
    "pace": {
        "pass": [
            lambda: J().get().get("Coverage"),
            lambda: J().get(status=502).get(status=502).get(wait=2),
            lambda: J().get(status=502).get(status=502, wait=1.5).get(status=502, wait=3),
            lambda: J().get().dead().refresh().get(token="a2"),
            lambda: parallel(J(), 8),
            lambda: times(J(), 100, lambda j: j.get(f"Location/{len(j.entries)}", wait=0, ms=4)),
        ],
        "fail": [
            lambda: times(J(), 219, lambda j: j.get(f"Location/{len(j.entries)}", wait=0, ms=4)),
            lambda: times(J(), 3, lambda j: j.get(status=502)),
            lambda: times(J(), 3, lambda j: j.refresh(status=400)),
            lambda: times(J(), 10, lambda j: j.get(wait=3)),
            lambda: parallel(J(), 11),
            lambda: times(J(), 5, lambda j: j.busy(f"Coverage/{len(j.entries)}", wait=0.1)),
        ],
        "not exercised": [lambda: J().get(), lambda: J()],
    },
}  # fmt: skip


def judged(journal: Journal, row: str) -> ReviewFinding:
    return review([ReviewRecord(exchanges(journal.entries))])[row]


@pytest.mark.parametrize(
    ("row", "result", "story"),
    [
        pytest.param(row, result, story, id=f"{row}: {result} {number}")
        for row, cases in CASES.items()
        for result, stories in cases.items()
        for number, story in enumerate(stories, 1)
    ],
)
def test_what_a_row_says_of_a_journal(row: str, result: str, story: Story) -> None:
    finding = judged(story(), row)
    assert finding.result == result, finding
    assert finding.reason.endswith(".")
    if result == "fail":
        assert finding.evidence


def test_every_row_has_cases_of_each_result() -> None:
    assert {row: set(cases) for row, cases in CASES.items()} == {
        row.id: {"pass", "fail", "not exercised"} for row in ROWS
    }


def test_the_evidence_is_the_exchanges_that_show_it() -> None:
    journal = J().discover().sign_in().get().get("Coverage", accept="*/*")
    (shown,) = judged(journal, "accept").evidence
    assert (shown.number, shown.request) == (len(journal.entries), f"r{len(journal.entries)}")


def test_an_empty_journal_exercises_nothing() -> None:
    assert {line.finding.result for line in review([ReviewRecord(())]).lines} == {"not exercised"}


def test_the_table_has_every_row_with_its_fix_and_citation() -> None:
    lines = table().splitlines()
    for row in ROWS:
        line = next(line for line in lines if line.startswith(f"| `{row.id}`"))
        assert row.fix in line
        assert row.cites
        assert all(cite in line for cite in row.cites)
