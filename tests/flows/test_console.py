"""The console over HTTP: requests as they arrive, each in full, and what an operator does there."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from support.console import ConsoleBrowser
from support.running import PATIENCE, served
from support.smart_app import MakeApp, SmartApp

MOVED = 'class="moved"'
"""In the head of every page while the clock is not the machine's."""
PATHS = ("", "/scenarios", "/clock", "/members", "/apps", "/sessions", "/score", "/review", "/members/maria")


@pytest.fixture
def open_console() -> Iterator[Callable[[str], ConsoleBrowser]]:
    browsers: list[ConsoleBrowser] = []

    def open_at(base: str) -> ConsoleBrowser:
        browsers.append(ConsoleBrowser(base))
        return browsers[-1]

    yield open_at
    for browser in browsers:
        browser.close()


@pytest.fixture
def console(app: SmartApp, open_console: Callable[[str], ConsoleBrowser]) -> ConsoleBrowser:
    """The console of the payer of `app`."""
    return open_console(app.base)


# requests


def test_the_page_lists_requests_newest_first_and_filters_them(
    console: ConsoleBrowser, maria: SmartApp
) -> None:
    assert maria.get(f"Patient/{maria.patient}").status_code == 200
    assert maria.get("Patient/nobody").status_code in (403, 404)
    maria.http.get(f"{maria.base}/fhir/Coverage")
    numbers = console.numbers()
    assert numbers == sorted(numbers, reverse=True)
    assert len(console.numbers(path="/fhir/Patient")) == 2
    assert len(console.numbers(status="401")) == 1
    assert len(console.numbers(status="4xx", member="maria")) == 1
    assert len(console.numbers(refused="true")) == 2
    assert console.numbers(client="nobody") == []
    assert set(console.numbers(method="post")) < set(numbers)
    assert console.numbers(scenario="baseline") == numbers
    assert console.numbers(effect="rate") == []
    assert "Clear" in console.get(path="/fhir").text


def test_a_filter_that_is_none_is_told_on_the_page(console: ConsoleBrowser) -> None:
    answer = console.get(status="abc")
    assert answer.status_code == 400
    assert "status must be a number" in answer.text
    assert 'value="abc"' in answer.text


def test_requests_of_the_console_are_not_among_them(console: ConsoleBrowser) -> None:
    console.get("/scenarios")
    assert console.numbers() == []
    assert "No requests yet." in console.get().text


def test_rows_are_streamed_as_they_arrive(console: ConsoleBrowser, app: SmartApp) -> None:
    with console.stream(after="0", path="/fhir") as events:
        app.http.get(f"{app.base}/fhir/metadata")
        first = next(events)
        assert "/fhir/metadata" in first["data"]
        app.http.get(f"{app.base}/developer")
        app.http.get(f"{app.base}/fhir/Patient")
        second = next(events)
        assert "/fhir/Patient" in second["data"]
        assert "developer" not in second["data"]
        assert int(second["id"]) > int(first["id"])
    with console.http.stream(
        "GET", f"{console.url}/requests/stream?after=0", headers={"Last-Event-ID": first["id"]}
    ) as answer:  # a browser that was cut off goes on where it was
        text = ""
        for line in answer.iter_lines():
            text += line
            if "</tr>" in line:
                break
    assert "metadata" not in text


@pytest.mark.parametrize("odd", ["abc", "-1", "9" * 30, "", "١"])
def test_an_odd_number_of_an_event_starts_from_the_beginning(
    console: ConsoleBrowser, app: SmartApp, odd: str
) -> None:
    app.http.get(f"{app.base}/fhir/metadata")
    headers = {"Last-Event-ID": odd.encode()}
    with console.http.stream("GET", f"{console.url}/requests/stream", headers=headers) as answer:
        assert answer.status_code == 200
        assert any("metadata" in line for line in answer.iter_lines())


def test_rows_can_be_polled(console: ConsoleBrowser, app: SmartApp) -> None:
    app.http.get(f"{app.base}/fhir/metadata")
    first = console.get("/requests/rows", after="0")
    assert "/fhir/metadata" in first.text
    last = first.headers["X-Journal-Last"]
    nothing = console.get("/requests/rows", after=last)
    assert nothing.text == ""
    assert nothing.headers["X-Journal-Last"] == last
    app.http.get(f"{app.base}/fhir/Patient")
    assert "/fhir/Patient" in console.get("/requests/rows", after=last).text
    assert console.get("/requests/rows", after=last, status="2xx").text == ""


@pytest.mark.slow
def test_several_workers_show_the_same(
    env: dict[str, str], open_console: Callable[[str], ConsoleBrowser]
) -> None:
    with served("--workers", "2", env=env) as origin, SmartApp(f"{origin}/s/~team") as app:
        console = open_console(app.base)
        with console.stream(after="0") as events:
            seen = ""
            for _ in range(6):  # connections of their own: workers take turns
                httpx.get(f"{app.base}/fhir/metadata", timeout=PATIENCE)
                seen += next(events)["data"]
        assert seen.count("/fhir/metadata") == 6
        for number in console.numbers(path="/fhir/metadata")[:3]:
            assert "CapabilityStatement" in console.get(f"/requests/{number}").text


# one exchange


def test_an_exchange_is_shown_in_full(console: ConsoleBrowser, maria: SmartApp) -> None:
    console.get()  # it is watched from now on
    assert maria.get(f"Patient/{maria.patient}?_elements=id").status_code == 200
    page = console.get(f"/requests/{console.numbers()[0]}").text
    assert f"GET /fhir/Patient/{maria.patient}?_elements=id" in page
    assert "&#34;resourceType&#34;: &#34;Patient&#34;" in page
    assert re.search(r"Authorization:</span> Bearer \[masked [0-9a-f]{8}\]", page)
    assert "Why it failed" not in page


def test_a_refusal_has_cause_repair_and_citation(console: ConsoleBrowser, app: SmartApp) -> None:
    app.http.get(f"{app.base}/fhir/Patient")
    page = console.get(f"/requests/{console.numbers()[0]}").text
    for text in ("Why it failed", "No bearer token came", "What to do", "RFC 6750 §3.1"):
        assert text in page


def test_a_fault_is_named_with_its_scenario(
    make_app: MakeApp, open_console: Callable[[str], ConsoleBrowser]
) -> None:
    app = make_app("totals-missing")
    app.connect("maria").get(f"ExplanationOfBenefit?patient={app.patient}&_total=accurate")
    console = open_console(app.base)
    page = console.get(f"/requests/{console.numbers()[0]}").text
    assert "totals-missing:omit_total" in page
    assert "Searches do not return Bundle.total" in page
    assert "/console/scenarios?q=totals-missing" in page


@pytest.mark.parametrize("number", ["0", "123456789", "9" * 18, "9" * 40, "-1", "x"])
def test_an_exchange_that_is_not_there(console: ConsoleBrowser, number: str) -> None:
    assert console.get(f"/requests/{number}").status_code == 404


def test_a_read_before_the_console_was_open_has_no_record(console: ConsoleBrowser, maria: SmartApp) -> None:
    maria.get(f"Patient/{maria.patient}")
    page = console.get(f"/requests/{console.numbers()[0]}")
    assert page.status_code == 200
    assert "were not kept" in page.text
    assert "cannot be replayed" in page.text


@pytest.mark.parametrize(
    "body", [b"[" * 50_000, b'{"resourceType": "\\ud800"}', b"\xff\x00", b"x" * 70_000], ids=range(4)
)
def test_an_odd_body_can_be_shown(console: ConsoleBrowser, maria: SmartApp, body: bytes) -> None:
    headers = maria.bearer | {"Content-Type": "application/fhir+json"}
    maria.http.post(f"{maria.base}/fhir/Patient", content=body, headers=headers)
    answer = console.get(f"/requests/{console.numbers()[0]}")
    assert answer.status_code == 200


# replay


def test_a_read_is_replayed_as_a_new_entry(console: ConsoleBrowser, maria: SmartApp) -> None:
    console.get()
    maria.get(f"ExplanationOfBenefit?patient={maria.patient}&_count=1")
    number = console.numbers()[0]
    answer = console.post(f"/requests/{number}/replay")
    assert answer.url.path.endswith(f"/requests/{console.numbers()[0]}")
    assert console.numbers()[0] > number
    assert ">200</span>" in answer.text
    journal = maria.control("journal").json()["entries"]
    assert journal[-1]["member"] == "maria"
    assert journal[-1]["query"] == journal[-2]["query"]


def test_a_search_by_code_and_a_form_are_replayed(console: ConsoleBrowser, maria: SmartApp) -> None:
    console.get()
    maria.get(f"Observation?patient={maria.patient}&code=4548-4")
    assert ">200</span>" in console.post(f"/requests/{console.numbers()[0]}/replay").text
    form = {"patient": maria.patient, "code": "4548-4"}
    maria.http.post(f"{maria.base}/fhir/Observation/_search", data=form, headers=maria.bearer)
    assert ">200</span>" in console.post(f"/requests/{console.numbers()[0]}/replay").text


@pytest.mark.parametrize(
    ("what", "cause"),
    [
        ("expire", "had expired"),
        ("revoke-token", "was revoked"),
        ("revoke-grant", "grant was revoked"),
        ("none", "No bearer token"),
        ("wrong", "not known to this payer"),
    ],
)
def test_a_replay_meets_the_same_refusal(
    console: ConsoleBrowser, maria: SmartApp, what: str, cause: str
) -> None:
    if what == "expire":
        maria.control("clock", {"advance": "P2D"})
    elif what == "revoke-token":
        assert maria.post("revoke", {"token": maria.tokens["access_token"]}).status_code == 200
    elif what == "revoke-grant":
        maria.control("members/maria/revoke", {})
    else:
        maria.tokens["access_token"] = "" if what == "none" else "nonsense"
    headers = {} if what == "none" else maria.bearer
    assert maria.http.get(f"{maria.base}/fhir/Patient", headers=headers).status_code == 401
    number = console.numbers()[0]
    page = console.get(f"/requests/{number}").text
    assert cause in page
    again = console.post(f"/requests/{number}/replay")
    if what == "wrong":  # a token that nobody knows cannot be presented again
        assert again.status_code == 400
        return
    assert cause in again.text
    assert console.numbers()[0] > number


def test_the_token_of_a_replay_is_of_no_use_afterwards(console: ConsoleBrowser, maria: SmartApp) -> None:
    console.get()
    maria.get("Patient")
    console.post(f"/requests/{console.numbers()[0]}/replay")
    marks = {entry.get("token") for entry in maria.control("journal").json()["entries"][-2:]}
    assert len(marks) == 2  # another token
    assert maria.get("Patient").status_code == 200  # the app's own is good


def test_a_delay_is_not_waited_for_in_a_replay(
    make_app: MakeApp, open_console: Callable[[str], ConsoleBrowser]
) -> None:
    app = make_app("slow-responses,seconds=1").connect("maria")
    console = open_console(app.base)
    console.get()
    app.get("Patient")
    number = console.numbers()[0]
    before = app.control("journal").json()["entries"][-1]
    console.post(f"/requests/{number}/replay")
    entry = app.control("journal").json()["entries"][-1]
    assert entry["number"] > before["number"]
    assert entry["ms"] >= 1000


@pytest.mark.parametrize("path", ["auth/token", "auth/register"])
def test_what_has_a_secret_or_changes_something_is_not_replayed(
    console: ConsoleBrowser, app: SmartApp, path: str
) -> None:
    app.http.post(f"{app.base}/{path}", data={"grant_type": "authorization_code", "code": "x" * 9})
    number = console.numbers()[0]
    assert "cannot be replayed" in console.get(f"/requests/{number}").text
    assert console.post(f"/requests/{number}/replay").status_code == 400


# snippets


def run(command: list[str], at: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=at, capture_output=True, text=True, check=False, timeout=PATIENCE)


def refuse_in_many_ways(maria: SmartApp) -> None:
    """Exchanges of which snippets are made; the last is the newest."""
    maria.get(f"Observation?patient={maria.patient}&code=4548-4&_count=1")
    maria.http.get(f"{maria.base}/fhir/Patient")
    maria.http.get(f"{maria.base}/fhir/Patient", headers={"Authorization": "Bearer nonsense"})
    maria.get('Patient/it\'s "$(odd)" `[x]`')
    maria.batch("Patient")
    maria.control("fail-next", {"when": {"path": "/fhir/Coverage"}, "then": {"do": "refuse", "status": 502}})
    maria.get("Coverage")
    maria.control("clock", {"advance": "P2D"})
    maria.get("Patient")
    maria.control("clock", {"advance": "P0D"})
    maria.connect("maria")
    maria.control("members/maria/revoke", {})
    maria.get("Patient")


@pytest.mark.slow
def test_snippets_end_as_the_exchange_did(console: ConsoleBrowser, maria: SmartApp, tmp_path: Path) -> None:
    """All of them in one run of pytest, and one of Node.js."""
    console.get()
    before = max(console.numbers())
    refuse_in_many_ways(maria)
    numbers = [n for n in console.numbers(path="/fhir") if n > before]
    statuses = {entry["number"]: entry["status"] for entry in maria.control("journal").json()["entries"]}
    assert len({statuses[n] for n in numbers}) >= 4
    for number in numbers:
        (tmp_path / f"test_{number}.py").write_text(console.snippet(number, "pytest"))
        (tmp_path / f"t{number}.test.mjs").write_text(console.snippet(number, "javascript"))
    origin = maria.base.partition("/s/")[0]
    flags = ["-p", "sandbox.pytest_plugin", "-p", "no:cacheprovider", f"--payer-url={origin}"]
    tests = run([sys.executable, "-m", "pytest", *flags, "-q"], tmp_path)
    assert f"{len(numbers)} passed" in tests.stdout, tests.stdout + tests.stderr
    if (node := shutil.which("node")) is None:
        pytest.skip("no Node.js on this machine")
    scripts = [str(path) for path in tmp_path.glob("*.mjs")]
    tests = run([node, "--test", *scripts], tmp_path)
    assert tests.returncode == 0, tests.stdout + tests.stderr


def test_curl_commands_end_as_the_exchange_did(
    console: ConsoleBrowser, maria: SmartApp, tmp_path: Path
) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl on this machine")
    console.get()
    maria.get(
        f"Observation?patient={maria.patient}&code=4548-4&_count=1&x=[a]{{b}}'\"$(touch hit)`touch hit`"
    )
    maria.http.head(f"{maria.base}/fhir/metadata")
    maria.batch("Patient")
    maria.http.request("GET", f"{maria.base}/fhir/metadata", headers={"X-Odd": "'; touch hit; '$(touch hit)"})
    for number in console.numbers(path="/fhir")[:4]:
        status = next(e for e in maria.control("journal").json()["entries"] if e["number"] == number)[
            "status"
        ]
        token = maria.tokens["access_token"]
        command = f"TOKEN={token}\n{console.snippet(number, 'curl')}"
        done = run(["sh", "-c", command], tmp_path)
        assert f" {status} " in done.stdout.splitlines()[0], (command, done.stdout, done.stderr)
    assert not list(tmp_path.iterdir())


def test_an_exchange_with_a_secret_is_no_test(console: ConsoleBrowser, app: SmartApp) -> None:
    app.connect("maria")
    page = console.get(f"/requests/{console.numbers(path='/auth/token')[0]}").text
    assert 'id="s-curl"' in page
    assert 'id="s-pytest"' not in page


# scenarios


def test_scenarios_are_searched(console: ConsoleBrowser) -> None:
    page = console.get("/scenarios", q="429").text
    assert page.index("rate-limited") > 0
    assert "of 100" in page
    nothing = console.get("/scenarios", q="zzzzqqqq <b>")
    assert "No scenario matches" in nothing.text
    assert "<b>" not in nothing.text


def test_scenarios_are_switched_on_combined_and_off(console: ConsoleBrowser, maria: SmartApp) -> None:
    search = f"ExplanationOfBenefit?patient={maria.patient}&_total=accurate"
    assert "total" in maria.get(search).json()
    page = console.post("/scenarios", {"id": "totals-missing", "action": "on", "q": "a&b=<c> d#\r\nX: y"})
    assert page.url.params["q"].startswith("a&b=<c> d#")
    assert "total" not in maria.get(search).json()
    console.post("/scenarios", {"id": "slow-responses", "action": "on", "p-seconds": "0.1"})
    answer = maria.get(search)
    assert "total" not in answer.json()
    assert "slow-responses" in answer.headers["Sandbox-Effects"]
    page = console.get("/scenarios").text
    assert "slow-responses,seconds=0.1" in page
    assert page.count("Switch off") >= 2
    console.post("/scenarios", {"id": "slow-responses", "action": "off"})
    assert "slow-responses" not in maria.get(search).headers["Sandbox-Effects"]
    console.post("/scenarios", {"id": "totals-missing", "action": "off"})
    assert "total" in maria.get(search).json()


def test_a_score_in_the_page_goes_with_the_scenarios(console: ConsoleBrowser) -> None:
    assert "behaves well" in console.get("/scenarios").text
    page = console.post("/scenarios", {"id": "rate-limited", "action": "on"}).text
    assert re.search(r"The score of this payer is <strong>[\d.]+</strong> of 100 at most", page)


@pytest.mark.parametrize(
    "form",
    [
        {"id": "no-such-scenario"},
        {"id": "rate-limited", "p-nothing": "1"},
        {"id": "slow-responses", "p-seconds": "fast"},
        {"id": "slow-responses", "p-seconds": "1~other"},
        {"id": "x" * 5000},
        {"id": "~t7"},
    ],
)
def test_a_wrong_scenario_is_told_on_the_page(console: ConsoleBrowser, form: dict[str, str]) -> None:
    answer = console.post("/scenarios", {"action": "on", **form})
    assert answer.status_code in (400, 404)
    assert 'role="alert"' in answer.text
    assert 'id="q"' in answer.text
    assert "behaves well" in console.get("/scenarios").text


def test_the_next_requests_fail(console: ConsoleBrowser, maria: SmartApp) -> None:
    page = console.post("/fail-next", {"place": "token", "times": "2", "status": "503"}).text
    assert "2 of 2 left" in page
    assert [maria.refresh().status_code for _ in range(3)] == [503, 503, 200]
    console.post("/fail-next", {"place": "Coverage", "times": "5", "status": "429"})
    assert maria.get("Coverage").status_code == 429
    console.post("/fail-next", {"action": "disarm"})
    assert maria.get("Coverage").status_code == 200


@pytest.mark.parametrize("form", [{}, {"place": "token", "times": "0", "status": "503"}, {"place": "<b>"}])
def test_a_wrong_one_time_fault_is_told_on_the_page(console: ConsoleBrowser, form: dict[str, str]) -> None:
    answer = console.post("/fail-next", form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "<b>" not in answer.text


# clock


def test_the_clock_is_moved_set_and_reset(console: ConsoleBrowser, maria: SmartApp) -> None:
    assert "Access token expires" in console.get("/clock").text
    page = console.post("/clock", {"advance": "P90D"})
    assert MOVED in page.text
    assert maria.get("Patient").status_code == 401
    console.post("/clock", {"set": "2031-05-06T07:08"})
    assert maria.control("clock").json()["now"].startswith("2031-05-06T07:08")
    console.post("/clock", {"set": "2031-05-06T07:08:00-05:00"})
    assert maria.control("clock").json()["now"].startswith("2031-05-06T12:08")
    assert console.post("/reset").url.path.endswith("/console")
    assert console.numbers() == []
    assert MOVED not in console.get("/clock").text


@pytest.mark.parametrize(
    "form", [{}, {"advance": "soon"}, {"set": "yesterday"}, {"advance": "P999999D"}, {"set": "9999-99-99"}]
)
def test_a_wrong_time_is_told_on_the_page(
    console: ConsoleBrowser, maria: SmartApp, form: dict[str, str]
) -> None:
    answer = console.post("/clock", form)
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text
    assert "Access token expires" in answer.text


# members and apps


def test_a_member_signs_in_is_locked_opts_out_and_is_revoked(console: ConsoleBrowser, app: SmartApp) -> None:
    answer = console.post("/members/maria/sign-in")
    token = re.search(r"access_token&#34;: &#34;([^&]+)&#34;", answer.text)
    assert token, answer.text
    read = {"Authorization": f"Bearer {token[1]}"}
    assert app.http.get(f"{app.base}/fhir/Patient", headers=read).status_code == 200
    assert "Apps with access" in answer.text
    console.post("/members/maria", {"action": "revoke", "client": app.client_id})
    assert app.http.get(f"{app.base}/fhir/Patient", headers=read).status_code == 401
    page = console.post("/members/maria", {"action": "lock"}).text
    assert ">no</span>" in page
    assert console.post("/members/maria/sign-in").status_code == 400
    console.post("/members/maria", {"action": "unlock"})
    page = console.post("/members/maria", {"action": "opt-out"}).text
    assert ">no</span>" in page
    page = console.post("/members/maria", {"action": "opt-in"}).text
    assert ">yes</span>" in page
    assert console.post("/members/maria/sign-in", {"scope": "openid"}).status_code == 200


def test_members_are_found_and_why_they_cannot_connect_is_told(console: ConsoleBrowser) -> None:
    assert "oscar" in console.get("/members").text
    page = console.get("/members", q="MARIA").text
    assert "/members/maria" in page
    assert "/members/oscar" not in page
    assert console.get("/members", q="x" * 3000).status_code == 200
    assert console.get("/members/nobody").status_code == 404
    assert console.post("/members/nobody/sign-in").status_code == 404


def test_an_app_is_registered_suspended_and_gets_a_new_secret(
    console: ConsoleBrowser, make_app: MakeApp
) -> None:
    form = {"client_name": "My <b>App</b>", "redirect_uris": "http://127.0.0.1:3000/cb"}
    answer = console.post("/apps", form | {"method": "client_secret_basic"})
    assert answer.status_code == 201
    assert "<b>App" not in answer.text
    id = re.search(r"Client id</dt><dd><code>([^<]+)<", answer.text)
    secret = re.search(r'<code id="secret">([^<]+)<', answer.text)
    assert id
    assert secret
    app = make_app("", client_id=id[1], redirect_uri="http://127.0.0.1:3000/cb", secret=secret[1])
    app.base = console.base
    assert app.connect("maria").get("Patient").status_code == 200
    rotated = console.post(f"/apps/{id[1]}", {"action": "rotate", "when": "now"})
    assert secret[1] not in rotated.text
    assert "The secret is shown only now." in rotated.text
    assert app.refresh().status_code == 401
    answer = console.post(f"/apps/{id[1]}", {"state": "suspended", "criterion": ""})
    assert answer.status_code == 400
    assert "criterion must be one of" in answer.text
    criterion = re.search(r'<option value="([^"]+)" title', answer.text)
    assert criterion
    console.post(f"/apps/{id[1]}", {"state": "suspended", "criterion": criterion[1]})
    assert app.get("Patient").status_code == 401
    assert console.post("/apps/nobody", {"action": "rotate"}).status_code == 404


@pytest.mark.parametrize("uris", ["", "ftp://x", "http://a b", "javascript:alert(1)", "https://x/#f"])
def test_a_wrong_registration_is_told_on_the_page(console: ConsoleBrowser, uris: str) -> None:
    answer = console.post("/apps", {"client_name": "x" * 5000, "redirect_uris": uris, "method": "none"})
    assert answer.status_code == 400
    assert 'role="alert"' in answer.text


# sessions


def test_sessions_do_not_see_each_other(
    origin: str, session_name: str, open_console: Callable[[str], ConsoleBrowser]
) -> None:
    here, there = (open_console(f"{origin}/s/~{session_name[:50]}-{n}") for n in "ab")
    httpx.get(f"{here.base}/fhir/metadata", timeout=PATIENCE)
    assert len(here.numbers()) == 1
    assert there.numbers() == []
    here.post("/clock", {"advance": "P30D"})
    here.post("/scenarios", {"id": "rate-limited", "action": "on"})
    assert MOVED not in there.get("/clock").text
    assert "behaves well" in there.get("/scenarios").text
    assert there.get(f"/requests/{here.numbers()[0]}").status_code == 404


def test_a_session_is_opened_by_name_or_made_up(console: ConsoleBrowser) -> None:
    opened = console.post("/sessions", {"name": "my-team_7"})
    assert opened.url.path == "/s/~my-team_7/console/sessions"
    assert "my-team_7" in opened.text
    assert re.fullmatch(r"/s/~[\w-]{4,}/console/sessions", console.post("/sessions").url.path)
    for name in ("a b", "x/y", "x" * 65, "<b>", "a~b", ".."):
        answer = console.post("/sessions", {"name": name})
        assert answer.status_code == 400, name
        assert 'role="alert"' in answer.text


# score and review


@pytest.mark.slow
def test_the_payer_is_scored_in_place(console: ConsoleBrowser) -> None:
    page = console.post("/score")
    assert page.status_code == 200
    assert re.search(r"<strong>\d+(\.\d+)?</strong> / 100", page.text), page.text[-3000:]
    assert page.text.rstrip().endswith("</html>")
    assert 'class="steps"' in page.text


def test_an_app_is_reviewed_in_place(console: ConsoleBrowser, maria: SmartApp) -> None:
    assert maria.get("Patient").status_code == 200
    page = console.get("/review").text
    assert maria.client_id in page
    assert "passed" in page
    assert console.get("/review", client="nobody").status_code == 200


# every page


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("selection", ["", "rate-limited.slow-responses,seconds=0.2", "stealth"])
def test_every_page_is_there_below_every_prefix(
    origin: str,
    session_name: str,
    open_console: Callable[[str], ConsoleBrowser],
    selection: str,
    language: str,
) -> None:
    console = open_console(f"{origin}/s/{selection}~{session_name[:60]}")
    for path in PATHS:
        answer = console.get(path, lang=language)
        assert answer.status_code == 200, path
        assert f'<html lang="{language}">' in answer.text
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        links = re.findall(r'(?:href|action|src)="([^"#]+)', answer.text)
        inside = [url for url in links if "/console" in url and "://" in url]
        ours = (console.base, f"{origin}/s/", f"{origin}/console")
        assert all(url.startswith(ours) for url in inside), path
