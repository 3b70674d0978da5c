"""The report card of real clients: what a running payer's journal says of the app that used it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from example import pretend_app
from example.pretend_app import App
from support.command import command
from support.smart_app import MakeApp, SmartApp, hidden
from test_authlib_client import client as authlib_client

from sandbox.pytest_plugin import Payer
from sandbox.review.card import ReviewCard, ReviewRecord, review
from sandbox.review.journal import exchanges, instant
from sandbox.server.sign_in import connect

MENDED = ["wait", "refresh", "follow"]
EVERYTHING = "Patient/{}/$everything"


def card(app: SmartApp) -> ReviewCard:
    """The card of everything that was asked of this payer."""
    now = httpx.get(f"{app.base}/_sandbox/clock").json()["now"]
    found = exchanges(app.control("journal?limit=10000").json()["entries"])
    return review([ReviewRecord(found, instant(now))])


def results(card: ReviewCard, *rows: str) -> dict[str, str]:
    return {row: card[row].result for row in rows}


# the pretend app, as it was written and as it was mended


def dies(payer: Payer, app: App) -> None:
    payer.clock.advance("PT2M")
    app.get(f"{payer.fhir}/Patient")


def busy(payer: Payer, app: App) -> None:
    payer.fail_next(
        1, {"resource": "ExplanationOfBenefit"}, {"do": "refuse", "status": 429, "retry_after": 1}
    )
    app.claims()


def claims(payer: Payer, app: App) -> None:
    app.claims()


@pytest.mark.parametrize("fixes", [[], MENDED], ids=["naive", "mended"])
@pytest.mark.parametrize(
    ("scenario", "act", "row"),
    [
        ("token-expires-early", dies, "refresh-once"),
        ("token-expires-early", dies, "copes-with:token-expires-early"),
        ("baseline", busy, "retry-after"),
        ("baseline", busy, "copes-with:fail-next"),
        ("baseline", claims, "follows-next"),
    ],
)
def test_the_pretend_app_fails_a_row_until_it_is_mended(
    payer: Payer, monkeypatch: pytest.MonkeyPatch, fixes: list[str], scenario: str, act: Any, row: str
) -> None:
    monkeypatch.setattr(pretend_app, "FIXES", fixes)
    payer = payer.scenario(scenario)
    app = App(payer.fhir, payer.auth, payer.sign_in())
    if fixes:
        act(payer, app)
        payer.review.assert_passed(row, "pace")
        return
    try:
        act(payer, app)
    except httpx.HTTPStatusError:
        payer.clock.advance("PT10S")  # time in which it could have come back
    assert payer.review()[row].result == "fail"
    with pytest.raises(pytest.fail.Exception, match=f"{row}: fail"):
        payer.review.assert_passed(row)
    with pytest.raises(pytest.fail.Exception, match="What to fix"):
        payer.review.assert_passed()


def test_what_the_test_did_itself_is_not_on_the_card(payer: Payer) -> None:
    payer.sign_in()
    told = payer.review()
    assert (told.exchanges, told.failed) == (0, [])
    with pytest.raises(pytest.fail.Exception, match="pkce: not exercised"):
        payer.review.assert_passed("pkce")
    with pytest.raises(pytest.fail.Exception, match="no row 'pckе'"):
        payer.review.assert_passed("pckе")


def test_the_commands_and_a_persons_browser_are_not_the_app(app: SmartApp) -> None:
    connect(app.base, member="maria", password=None, scope="", refresh=1)
    page = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "User-Agent": "Mozilla/5.0"}
    for path in ("fhir/metadata", "fhir/Patient", "auth/authorize"):
        httpx.get(f"{app.base}/{path}", headers=page)
    told = card(app)
    assert (told.client, told.exchanges, told.failed) == ("", 0, [])
    assert sum(told.left_out.values()) > 6


def test_a_token_in_an_address_fails_its_row(maria: SmartApp) -> None:
    maria.get("Coverage")
    assert card(maria)["secrets-in-urls"].result == "pass"
    secret = maria.tokens["access_token"]
    maria.get(f"Coverage?access_token={secret}")
    maria.http.post(f"{maria.base}/auth/token?client_secret={secret}", data={"grant_type": "refresh_token"})
    finding = card(maria)["secrets-in-urls"]
    assert (finding.result, len(finding.evidence)) == ("fail", 2)
    assert secret not in maria.control("journal").text


# clients that people really use


def test_authlibs_client_is_well_behaved_but_for_what_it_is_not_told(app: SmartApp) -> None:
    known = app.get(".well-known/smart-configuration").json()
    with authlib_client(app) as oauth:
        url, state = oauth.create_authorization_url(
            known["authorization_endpoint"], code_verifier=app.verifier, aud=f"{app.base}/fhir"
        )
        back = app.share(url, "maria")
        oauth.fetch_token(known["token_endpoint"], authorization_response=back, state=state,
                          code_verifier=app.verifier)  # fmt: skip
        oauth.get(f"{app.base}/fhir/Patient")
        renewed = oauth.refresh_token(known["token_endpoint"])
        oauth.get(f"{app.base}/fhir/Coverage")
        oauth.revoke_token(known["revocation_endpoint"], token=renewed["refresh_token"])
        oauth.get(f"{app.base}/fhir/Coverage")
    told = card(app)
    good = ("discovery", "state", "pkce", "code-once", "new-token-kept", "stops-when-revoked")
    assert results(told, *good) == dict.fromkeys(good, "pass")
    # It sends Accept: */* unless one says otherwise, and asks for the scopes one gives it.
    assert {line.row.id for line in told.failed} == {"accept", "least-scopes"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning:fhirclient")
def test_fhirclient_passes_once_it_reads_every_page(app: SmartApp) -> None:
    from fhirclient.client import FHIRClient
    from fhirclient.models.coverage import Coverage
    from fhirclient.models.explanationofbenefit import ExplanationOfBenefit

    scope = "launch/patient offline_access patient/ExplanationOfBenefit.read patient/Coverage.read"
    settings = {"app_id": app.client_id, "api_base": f"{app.base}/fhir", "redirect_uri": app.redirect_uri,
                "scope": scope}  # fmt: skip
    smart = FHIRClient(settings=settings)
    smart.handle_callback(app.share(smart.authorize_url, "maria"))
    found = ExplanationOfBenefit.where({"_count": "10"}).perform_resources_iter(smart.server)
    claim = next(iter(found))
    Coverage.read_from(claim.insurance[0].coverage.reference, smart.server)
    told = card(app)
    good = ("discovery", "state", "pkce", "least-scopes", "code-once", "accept", "references")
    assert results(told, *good) == dict.fromkeys(good, "pass")
    assert {line.row.id for line in told.failed} == {"follows-next"}
    assert list(found)
    assert card(app).failed == []


# scenarios


def read(app: SmartApp, path: str, times: int = 1) -> None:
    for _ in range(times):
        app.get(path, Accept="application/fhir+json")


def revoke(app: SmartApp) -> None:
    """The member ends it in the portal."""
    form = hidden(app.browser.get(f"{app.base}/portal")) | {"username": "maria", "password": "maria-pass"}
    app.browser.post(f"{app.base}/portal/login", data=form)
    app.browser.post(f"{app.base}/portal/revoke", data=hidden(app.browser.get(f"{app.base}/portal")))


@pytest.mark.parametrize(("asks", "result"), [(1, "pass"), (3, "fail")])
def test_who_does_not_stop_after_the_member_revoked_is_told(maria: SmartApp, asks: int, result: str) -> None:
    read(maria, "Patient")
    revoke(maria)
    read(maria, "Patient", asks)
    maria.refresh()
    assert card(maria)["stops-when-revoked"].result == result


@pytest.mark.parametrize(
    ("then", "result"), [(["Coverage", "Patient"], "pass"), ([EVERYTHING], "fail"), ([], "fail")]
)
def test_who_does_not_search_where_everything_is_missing_is_told(
    make_app: MakeApp, then: list[str], result: str
) -> None:
    app = make_app("everything-absent").connect("maria")
    for path in (EVERYTHING, *then):
        read(app, path.format(app.patient))
    told = card(app)
    assert told["everything-fallback"].result == result
    assert told["copes-with:everything-absent"].result == "pass"


@pytest.mark.parametrize(("tries", "result"), [(1, "pass"), (2, "fail")])
def test_who_asks_for_dead_references_again_is_told(make_app: MakeApp, tries: int, result: str) -> None:
    app = make_app("broken-references").connect("maria")
    claim = app.get("ExplanationOfBenefit?_count=1").json()["entry"][0]["resource"]
    pointed = set(re.findall(r'"(Practitioner/[^"]+)"', json.dumps(claim)))
    assert pointed
    for reference in pointed:
        read(app, reference, tries)
    assert card(app)["references"].result == result


@pytest.mark.parametrize(("pages", "result"), [(3, "pass"), (7, "fail")])
def test_who_walks_in_circles_is_told(make_app: MakeApp, pages: int, result: str) -> None:
    app = make_app("next-loops").connect("many")
    url = f"ExplanationOfBenefit?patient={app.patient}&_count=10"
    for _ in range(pages):
        bundle = app.get(url).json()
        url = next(link["url"] for link in bundle["link"] if link["relation"] == "next")
    assert card(app)["copes-with:next-loops"].result == result


@pytest.mark.parametrize(("redeems", "result"), [(False, "pass"), (True, "fail")])
def test_who_takes_a_code_without_its_state_is_told(make_app: MakeApp, redeems: bool, result: str) -> None:
    app = make_app("state-dropped")
    back = app.agree("maria")
    assert "state" not in back
    if redeems:
        app.redeem(back["code"])
    told = card(app)
    assert results(told, "state-checked", "copes-with:state-dropped") == {
        "state-checked": result, "copes-with:state-dropped": result
    }  # fmt: skip


def test_who_sends_a_spent_code_again_is_told(app: SmartApp) -> None:
    code = app.agree("maria")["code"]
    assert [app.redeem(code).status_code for _ in range(2)] == [200, 400]
    told = card(app)
    assert results(told, "code-once", "state", "pkce") == {
        "code-once": "fail",
        "state": "pass",
        "pkce": "pass",
    }
    assert [e.status for e in told["code-once"].evidence] == [200, 400]
    again = app.agree("maria")["code"]  # the same state and challenge as before
    app.redeem(again)
    assert results(card(app), "state", "pkce") == {"state": "fail", "pkce": "fail"}


def test_a_rate_limit_is_kept_by_waiting_and_broken_by_going_on(make_app: MakeApp) -> None:
    patient = make_app("rate-limited").connect("maria")
    while patient.get("Patient", Accept="application/fhir+json").status_code == 200:
        pass
    assert card(patient)["retry-after"].result == "not exercised"  # it may be waiting
    patient.control("clock", {"advance": "PT2S"})
    assert card(patient)["retry-after"].result == "fail"
    read(patient, "Patient")
    assert card(patient)["retry-after"].result == "pass"
    read(patient, "Patient", 12)
    assert card(patient)["retry-after"].result == "fail"


# where it is told


review_command = partial(command, "review")


def good(app: SmartApp) -> SmartApp:
    app.scope = "launch/patient patient/Patient.rs"
    app.http.headers["Accept"] = "application/fhir+json"
    app.get("metadata")
    app.connect("maria").get("Patient")
    return app


@pytest.fixture
def address(origin: str, session_name: str) -> Callable[[str], list[str]]:
    """A session of this test as an argument, by the name of its form."""
    forms = {
        "selection": [f"baseline~{session_name}", "--url", origin],
        "url": [f"{origin}/s/baseline~{session_name}"],
        "fhir": [f"{origin}/s/baseline~{session_name}/fhir", "--url", "http://127.0.0.1:1"],
    }
    return lambda form: forms[form]


@pytest.mark.parametrize("form", ["selection", "url", "fhir"])
def test_a_session_is_named_in_any_way(app: SmartApp, address: Any, form: str) -> None:
    good(app)
    done = review_command(*address(form))
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 failed" in done.stdout
    assert max(map(len, done.stdout.splitlines())) <= 80
    app.get("Patient", Accept="*/*")
    done = review_command(*address(form))
    assert done.returncode == 1
    assert "→ Send Accept: application/fhir+json" in done.stdout


def test_a_bare_word_is_a_session_or_a_scenario(origin: str, session_name: str) -> None:
    with SmartApp(f"{origin}/s/~{session_name}") as app:
        good(app)
    assert "sandbox-app" in review_command(session_name, "--url", origin).stdout
    httpx.get(f"{origin}/s/next-loops/fhir/metadata")
    nobody = review_command("next-loops", "--url", origin)
    assert (nobody.returncode, "no app" in nobody.stdout) == (0, True)
    other = review_command("nothing-here", "--url", origin)
    assert (other.returncode, "has no requests" in other.stderr) == (2, True)
    unused = review_command("next-loops~nothing-here", "--url", origin)
    assert (unused.returncode, "no app has sent a request to" in unused.stderr) == (2, True)


def test_a_session_is_every_payer_that_was_used_in_it(
    make_app: MakeApp, origin: str, session_name: str
) -> None:
    good(make_app("baseline"))
    make_app("state-dropped").agree("maria")
    assert httpx.get(f"{origin}/_sandbox/sessions/{session_name}").json() == {
        "payers": [f"baseline~{session_name}", f"state-dropped~{session_name}"]
    }
    wild = session_name.replace("e", "%", 1)
    assert httpx.get(f"{origin}/_sandbox/sessions/{wild.replace('%', '%25')}").json() == {"payers": []}
    done = review_command(session_name, "--url", origin, "--format", "json")
    rows = {row["id"]: row for row in json.loads(done.stdout)["rows"]}
    assert (rows["accept"]["result"], rows["copes-with:state-dropped"]["result"]) == ("pass", "pass")
    assert rows["discovery"]["result"] == "fail"  # read at one payer, and not at the other
    assert f"/s/state-dropped~{session_name})" in rows["discovery"]["reason"]


def test_a_saved_journal_is_judged_without_a_payer(app: SmartApp, tmp_path: Path) -> None:
    good(app).get("Patient", Accept="*/*")
    (tmp_path / "j.ndjson").write_text(app.control("journal?format=ndjson").text)
    done = review_command("j.ndjson", "--format", "json", cwd=tmp_path)
    assert done.returncode == 1
    assert [row["id"] for row in json.loads(done.stdout)["rows"] if row["result"] == "fail"] == ["accept"]
    done = review_command("j.ndjson", "--format", "junit", "--out", "card.xml", cwd=tmp_path)
    assert (done.returncode, done.stdout.split()[:2]) == (1, ["7", "passed,"])
    assert 'failures="1"' in (tmp_path / "card.xml").read_text()


def test_several_sessions_are_judged_as_one(make_app: MakeApp) -> None:
    one, other = good(make_app("baseline")), make_app("state-dropped")
    other.agree("maria")
    rows = json.loads(review_command(one.base, other.base, "--format", "json").stdout)["rows"]
    told = {row["id"]: row["result"] for row in rows}
    assert (told["accept"], told["copes-with:state-dropped"]) == ("pass", "pass")


GOOD = [{"at": "2027-01-04T12:00:00Z", "method": "GET", "path": "/fhir/metadata", "status": 200}]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["http://127.0.0.1:1"], "cannot be reached"),
        (["nobody.ndjson", "--url", "http://127.0.0.1:1"], "cannot be reached"),
        (["bad.json"], "bad.json, line 1: not JSON"),
        (["empty.json"], "no app has sent a request to"),
        (["good.json", "--client", "other"], "no requests of 'other'"),
        (["good.json", "--out", "nowhere/card"], "No such file"),
        (["--format", "html"], "'html' is not one of"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path: Path, args: list[str], told: str) -> None:
    (tmp_path / "bad.json").write_text("no")
    (tmp_path / "good.json").write_text(json.dumps(GOOD))
    (tmp_path / "empty.json").write_text("[]")
    done = review_command(*args, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_app_is_chosen_where_two_share_a_session(app: SmartApp, make_app: MakeApp) -> None:
    good(app)
    good(make_app(client_id="sandbox-spa", redirect_uri="http://localhost:5173/callback"))
    done = review_command(app.base)
    assert done.returncode == 2
    assert "--client sandbox-app | sandbox-spa" in done.stderr
    assert review_command(app.base, "--client", "sandbox-spa").returncode == 0
    assert app.control("review").status_code == 400
    assert app.control("review?client=sandbox-app").json()["client"] == "sandbox-app"
    page = app.http.get(f"{app.base}/_sandbox/review", headers={"Accept": "text/html"})
    assert "review?client=sandbox-spa" in page.text


def test_the_card_is_a_page_for_a_browser_and_linked_for_who_may_see_it(app: SmartApp) -> None:
    good(app).get("Practitioner/%3Cscript%3E", Accept="*/*")
    told = app.control("review").json()
    assert told["failed"] == 1
    page = app.http.get(f"{app.base}/_sandbox/review", headers={"Accept": "text/html,*/*;q=0.8"})
    assert page.headers["content-type"].startswith("text/html")
    assert "Send Accept: application/fhir+json" in page.text
    assert "<script" not in page.text
    assert f"{app.base}/_sandbox/review" in app.http.get(f"{app.base}/developer").text
    foreign = {"Origin": "https://evil.example"}
    assert "_sandbox/review" not in app.http.get(f"{app.base}/developer", headers=foreign).text
    assert app.http.get(f"{app.base}/_sandbox/review", headers=foreign).status_code == 403
