"""Whole examinations of a fake payer: a perfect one, and one fault at a time."""

from __future__ import annotations

import hashlib
import json
from itertools import cycle
from pathlib import Path
from random import Random
from urllib.parse import parse_qs, urlencode

import httpx
import pytest
from conftest import Grade, grade_in_memory, line_of, lost, no_resolver
from fake_payer import BASE, HOST, REDIRECT, FakePayer, answer

from sandbox.core.errors import UsageError
from sandbox.score import report
from sandbox.score.evidence import Evidence, Exchange, seen
from sandbox.score.http.redaction import struck
from sandbox.score.instruments import lent_clock
from sandbox.score.run import base_url, grade, regrade


def test_a_perfect_payer_has_100_points(grade_fake: Grade) -> None:
    payer = FakePayer()
    card, evidence = grade_fake(payer)
    assert lost(card) == {}
    assert (card.score, card.range, card.vendor_score, card.vendor_score_stated) == (100, (100, 100), 63, 70)
    assert card.findings == ()
    assert len(evidence["sign-ins"].value) == 39
    assert len(evidence["sync"].value["members"]) == 5


def test_the_examiner_never_looks_behind_the_curtain(grade_fake: Grade) -> None:
    payer = FakePayer()

    def with_effects(request: httpx.Request, number: int) -> httpx.Response | None:
        assert "sandbox-effects" not in request.headers
        return None

    payer.before_fhir = with_effects
    grade_fake(payer)
    asked = [path for path in payer.paths() if "/_sandbox/" in path]
    assert asked
    assert all(path.endswith("/_sandbox/clock") and path.startswith("/s/baseline~") for path in asked)
    source = "".join(p.read_text() for p in (Path(grade.__code__.co_filename).parent).rglob("*.py"))
    code = source.replace("`Sandbox-Effects`", "")
    assert "sandbox-effects" not in code.lower()
    assert "_sandbox/journal" not in code


def test_evidence_holds_no_secret_and_comes_back_the_same(grade_fake: Grade) -> None:
    payer = FakePayer()
    card, evidence = grade_fake(payer)
    body = evidence.to_json()
    assert Evidence.from_json(body) == evidence
    assert regrade(Evidence.from_json(body)) == card
    kept = body.decode()
    secrets = [*payer.access, *payer.refreshing, "code1", '"pw"', "m0", "code_challenge", "flow=1"]
    assert [s for s in secrets if f'"{s}"' in kept or f"={s}" in kept] == []


class Parrot:
    """A payer that says back whatever it was sent: in errors, addresses, headers and documents."""

    def __init__(self, payer: FakePayer, often: int):
        self.payer, self.often, self.heard, self.drawn = payer, often, set[str](), Random(often)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        form = parse_qs(request.content.decode()) | parse_qs(request.url.query.decode())
        secret = [v for k, vs in form.items() for v in vs if k in SECRET]
        self.heard |= {word for word in (sent, *secret) if word}
        answer = self.payer(request)
        if "metadata" in request.url.path or ".well-known" in request.url.path:
            return answer
        said, drawn = " ".join([sent, *secret, "told"]), self.drawn.randrange(2 * self.often)
        answer.headers["x-request-id"] = said[-90:]
        if "redirect_uri" in form and drawn == 0:
            back = {"error": "access_denied", "error_description": said, "state": form.get("state", [""])[0]}
            return httpx.Response(302, headers={"location": f"{REDIRECT}?{urlencode(back)}"})
        if drawn == 1:
            outcome = {"resourceType": "OperationOutcome", "error": said, "issue": [{"severity": said}]}
            headers = {"x-request-id": said[-90:], "location": f"odd://{said}?code={said}"}
            return httpx.Response(self.payer.counter % 2 * 100 + 302, json=outcome, headers=headers)
        return answer


SECRET = ("password", "code", "code_verifier", "refresh_token", "client_secret")


@pytest.mark.parametrize(("often", "keep_bodies"), [(5, True), (10, False), (20, True)])
def test_nothing_that_is_written_holds_a_secret_that_a_payer_repeats(often: int, keep_bodies: bool) -> None:
    payer = FakePayer(made=lambda kind, number: kind + hashlib.sha256(str(number).encode()).hexdigest())
    lent = payer.facts_document()["instruments"]["members"]
    members = [{**member, "password": f"pass-of-{member['username']}"} for member in lent]
    payer.instruments = {"members": members, "client_secret": "the-clients-own"}
    parrot = Parrot(payer, often)
    card, evidence = grade_in_memory(httpx.MockTransport(parrot), payer.time, keep_bodies=keep_bodies)
    assert len(parrot.heard) > 20
    written = [evidence.to_json(), *(report.render(card, form) for form in report.FORMS)]
    for text in (body.decode() for body in written):
        assert [s for s in parrot.heard if s in text] == []


def test_a_secret_that_is_cut_short_or_encoded_is_struck_out_and_our_own_words_stay() -> None:
    token, password = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJtYnItMDAwMSJ9", "p&ss w/rd"
    exchange = Exchange("GET", f"http://p/x?t={token[:30]}", 500, 1.0, "sign-in", note="…p%26ss%20w%2Frd")
    kept = Evidence(
        "http://p", "", {"sign-ins": seen([{"reason": f"said {token[:20]} {password}"}], [exchange])}
    )
    clean = struck(kept, [token, password, "short", "sign-in", "GET"]).to_json().decode()
    for part in (token[:12], password, "p%26ss"):
        assert part not in clean
    assert '"step": "sign-in"' in clean
    assert '"method": "GET"' in clean
    assert struck(kept, ["something else"]) is kept


def test_claims_do_not_help_a_payer_that_does_otherwise(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(refresh_days=90, inactive_days=0, opt_in=True, portal_status=404))
    assert {finding.partition(":")[0] for finding in card.findings} == {
        "refresh-token",
        "inactive-members",
        "portal-opt-in",
        "developer-portal",
    }


def test_a_token_that_names_no_patient_is_about_the_one_that_it_opens(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(patient_in_token=False))
    assert card.score == 100
    (finding,) = [found for found in card.lint if found.rule == "token-patient"]
    assert "names no patient" in finding.text


def test_a_member_without_a_patient_is_not_authorized(grade_fake: Grade) -> None:
    def no_patient(request: httpx.Request, number: int) -> httpx.Response | None:
        return httpx.Response(403) if request.url.path == "/fhir/Patient" else None

    card, evidence = grade_fake(FakePayer(patient_in_token=False, before_fhir=no_patient))
    assert {a["outcome"] for a in evidence["sign-ins"].value} == {"EXCHANGE_FAILED"}
    assert line_of(card, "sync-speed").source == "unseen"


def test_a_broken_login_leaves_the_rest_unseen(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(refuse_sign_in=lambda username, attempt: "login"))
    sources = {line.id: line.source for line in card.lines}
    hidden = {name for name, source in sources.items() if source == "unseen"}
    assert hidden == {
        *("refresh-token", "inactive-members", "portal-opt-in", "lines-of-business", "request-success"),
        *("reference-resolution", "carin-resources", "clinical-resources", "sync-speed", "everything"),
    }
    assert sources["status"] == "declared"
    points = {line.id: line.points for line in card.lines}
    assert (points["authorization-success"], points["eligibility-errors"]) == (0, 2)


def test_a_next_link_out_of_the_payer_is_not_followed(grade_fake: Grade) -> None:
    payer = FakePayer()
    links = cycle(["http://169.254.169.254/latest", "http://127.0.0.1:6379/", "https://evil.example/fhir"])

    def lead_out(request: httpx.Request, number: int) -> httpx.Response | None:
        body = {"resourceType": "Bundle", "link": [{"relation": "next", "url": next(links)}], "entry": []}
        is_search = request.url.path.endswith("/ExplanationOfBenefit")
        return httpx.Response(200, json=body) if is_search else None

    payer.before_fhir = lead_out
    card, evidence = grade_fake(payer)
    assert {request.url.host for request in payer.requests} == {"127.0.0.1"}
    assert {request.url.port for request in payer.requests} == {8080}
    refused = [e for e in evidence["sync"].exchanges if e.note.startswith("not asked")]
    assert [e.status for e in refused] == [0] * 5
    assert "request-success" in lost(card)


def test_a_reference_to_another_host_is_not_followed_and_does_not_resolve(grade_fake: Grade) -> None:
    payer = FakePayer()
    goal = {"resourceType": "Goal", "id": "g", "x": {"reference": "https://evil.example/fhir/Practitioner/1"}}
    payer.before_fhir = answer(200, "Goal", json={"resourceType": "Bundle", "entry": [{"resource": goal}]})
    _, evidence = grade_fake(payer)
    assert evidence["references"].value["failures"] == {"no answer Practitioner": 5}
    assert {request.url.host for request in payer.requests} == {"127.0.0.1"}


def test_next_links_that_never_end_do_end(grade_fake: Grade) -> None:
    payer = FakePayer()

    def loop(request: httpx.Request, number: int) -> httpx.Response | None:
        if not request.url.path.endswith("$everything"):
            return None
        body = {"resourceType": "Bundle", "link": [{"relation": "next", "url": str(request.url)}]}
        return httpx.Response(200, json=body)

    payer.before_fhir = loop
    assert lost(grade_fake(payer)[0]) == {"everything": 1}


def test_without_facts_only_the_open_doors_are_seen(grade_fake: Grade) -> None:
    card, evidence = grade_fake(FakePayer(facts=False))
    assert card.score == 2 + 2
    assert card.range == (4, 4 + 96)
    assert "serves no facts" in evidence["facts"].unseen


def test_one_malformed_claim_costs_what_it_claims(grade_fake: Grade) -> None:
    card, evidence = grade_fake(FakePayer(claims={"offered_lines": 7}))
    assert evidence["facts"].value["problems"] == ["claims.offered_lines: should be a list"]
    assert lost(card) == {"lines-of-business": 0}


def test_a_facts_file_beats_the_served_document(grade_fake: Grade, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps(FakePayer().facts_document()))
    payer = FakePayer(facts=False)
    assert grade_fake(payer, facts=file)[0].score == 100
    assert "/fhir/.well-known/payer-facts" not in payer.paths()
    file.write_text('{"claims": {"status": ["live"]}}')
    wrong = grade_fake(payer, facts=file)[1]["facts"]
    assert wrong.value["problems"] == ["claims.status: should be text"]
    file.write_text("[]")
    with pytest.raises(UsageError, match=r"facts\.json: a facts document must be an object"):
        grade_fake(payer, facts=file)
    with pytest.raises(UsageError):
        grade_fake(payer, facts=tmp_path / "none.json")


def test_a_given_token_is_enough_for_the_data(grade_fake: Grade) -> None:
    payer = FakePayer(facts=False)
    payer.access["given"] = "m1"
    card, _ = grade_fake(payer, token="given")
    points = {line.id: line.points for line in card.lines}
    assert points["request-success"] == 10
    assert points["everything"] == 3
    assert line_of(card, "authorization-success").source == "unseen"
    with pytest.raises(UsageError, match="--patient"):
        grade_fake(payer, token="unknown")
    assert grade_fake(payer, token="given", patient="p-m1")[0].score == card.score


def test_no_clock_and_no_payer_of_our_own(grade_fake: Grade) -> None:
    payer = FakePayer(refresh_days=10, instruments={"fresh_payer": None})
    card, _ = grade_fake(payer)
    line = line_of(card, "refresh-token")
    assert (line.points, line.source) == (10, "declared")
    assert not [path for path in payer.paths() if "clock" in path]
    shared = FakePayer(instruments={"fresh_payer": f"{HOST}/s/baseline/fhir"})
    grade_fake(shared)
    assert not [path for path in shared.paths() if "clock" in path]


class Moved(FakePayer):
    """The same payer with its FHIR API at another path."""

    path = "/r4/api"

    def __call__(self, request: httpx.Request) -> httpx.Response:
        url = str(request.url).replace(self.path, "/fhir", 1)
        answer = super().__call__(
            httpx.Request(request.method, url, headers=request.headers, content=request.content)
        )
        body = answer.content.replace(b"/fhir", self.path.encode())
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)


def test_a_clock_is_found_beside_a_base_of_any_path(grade_fake: Grade) -> None:
    payer = Moved(refresh_days=200)
    card, evidence = grade_fake(payer, f"{HOST}/r4/api")
    assert lost(card) == {"refresh-token": 6}
    assert evidence["refresh"].value["clock"] is True
    moved = [request.url.path for request in payer.requests if "clock" in request.url.path]
    assert all(path.startswith("/s/baseline~") for path in moved)


def test_a_clock_that_is_nobodys_but_the_payers_is_not_moved_and_the_card_says_so(grade_fake: Grade) -> None:
    payer = FakePayer(
        instruments={"clock": f"{HOST}/elsewhere/clock", "fresh_payer": f"{HOST}/s/a~{{session}}/fhir"}
    )
    payer.refresh_days = 10
    card, _ = grade_fake(payer)
    line = line_of(card, "refresh-token")
    assert (line.points, line.source) == (10, "declared")
    assert "answered 404" in line.reason


@pytest.mark.parametrize(
    ("target", "fresh", "lent", "found"),
    [
        ("http://p/fhir", "http://p/s/x/fhir", "http://p/_sandbox/clock", "http://p/s/x/_sandbox/clock"),
        ("http://p/s/a/fhir", "http://p/s/x/fhir", "http://p/s/a/_sandbox/clock", "http://p/s/x/_sandbox/clock"),
        ("http://p/v1/r4", "http://p/x/v1/r4", "http://p/v1/clock", "http://p/x/v1/clock"),
        ("http://p/r4", "http://p/r4~x", "http://p/r4/clock", "http://p/r4~x/clock"),
        ("http://p", "http://p/x", "http://p/clock", "http://p/x/clock"),
        ("http://p/fhir", "http://q/x/fhir", "http://q/clock", "http://q/clock"),
        ("http://p/fhir", "http://q/x/fhir", "http://r/clock", ""),
        ("http://p/fhir", "http://p/fhir-x", "http://p/clock", ""),
        ("http://p/fhir", "http://p/fhir", "http://p/clock", ""),
    ],
)  # fmt: skip
def test_where_the_clock_of_a_fresh_payer_stands(target: str, fresh: str, lent: str, found: str) -> None:
    assert lent_clock.beside(fresh, target, lent) == found


def test_an_unreachable_target_is_one_clear_line() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused")

    with pytest.raises(UsageError, match="cannot be reached: no connection") as raised:
        grade(BASE, transport=httpx.MockTransport(refuse), sleep=lambda _: None, resolve=no_resolver)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "target", ["", "payer", "ftp://payer/fhir", "http://", "http://a:b@p/fhir", "http://p/fhir?x=1"]
)
def test_a_target_that_is_no_base_url(target: str) -> None:
    with pytest.raises(UsageError):
        base_url(target)


def test_a_trailing_slash_is_no_matter() -> None:
    assert base_url("http://p:1/fhir///") == "http://p:1/fhir"


def test_evidence_that_is_none() -> None:
    for body in (b"", b"[]", b"{}", b'{"format": "other"}'):
        with pytest.raises(UsageError):
            Evidence.from_json(body)


class Abroad(FakePayer):
    """The same payer on a public host."""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        answer = super().__call__(request)
        if answer.headers.get("content-type") != "application/json":
            return answer
        return httpx.Response(
            answer.status_code, content=answer.content.replace(HOST.encode(), PUBLIC.encode())
        )


PUBLIC = "https://payer.example"


def test_abroad_nothing_is_tried_that_nobody_asked_for(grade_fake: Grade, tmp_path: Path) -> None:
    def moved(payer: FakePayer) -> bool:
        return any("_sandbox" in path for path in payer.paths())

    shy, asked, own = Abroad(), Abroad(), Abroad()
    card, _ = grade_fake(shy, f"{PUBLIC}/fhir")
    line = line_of(card, "authorization-success")
    assert (line.source, "--intrusive" in line.reason) == ("unseen", True)
    assert not any("/auth/" in path for path in shy.paths())
    assert not moved(shy)
    assert {request.method for request in shy.requests} == {"GET"}
    card, _ = grade_fake(asked, f"{PUBLIC}/fhir", intrusive=True)
    assert (card.score, moved(asked)) == (100, True)
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps(own.facts_document()).replace(HOST, PUBLIC))
    card, _ = grade_fake(own, f"{PUBLIC}/fhir", facts=facts)
    assert (card.score, moved(own)) == (100, True)


def test_abroad_two_requests_a_second_and_the_wait_is_not_the_payers(grade_fake: Grade) -> None:
    payer = Abroad()
    card, _ = grade_fake(payer, f"{PUBLIC}/fhir", intrusive=True)
    assert payer.time.seconds >= 0.5 * len(payer.requests) > 100
    assert next(line.points for line in card.lines if line.id == "sync-speed") == 5
    near = FakePayer()
    grade_fake(near)
    assert near.time.seconds < 10


def test_references_without_end_do_end(grade_fake: Grade, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sandbox.score.collect.sync.MOST_REFERENCES", 7)
    payer = FakePayer()
    _, evidence = grade_fake(payer)
    assert evidence["references"].value["read"] == 5 * 7
    assert sum("/Organization/" in path for path in payer.paths()) == 5 * 7
