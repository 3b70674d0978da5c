"""The pytest plugin: a payer for each test, in a suite of somebody else."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.core.errors import UsageError
from sandbox.faults.catalog import load
from sandbox.pytest_plugin import Payer
from sandbox.server.sign_in import SignInFailed
from sandbox.settings import Settings

EXAMPLE = Path(__file__).parents[1] / "example"
PRETEND_APP = (EXAMPLE / "test_pretend_app.py").read_text()


Run = Callable[..., tuple[str, dict[str, int]]]
PLUGINS = ("-p", "sandbox.pytest_plugin", "-p", "no:cacheprovider")


def run_process(*args: str, env: dict[str, str], at: Path) -> tuple[str, dict[str, int]]:
    """Run a pytest in a process of its own. Return its output, and how many tests passed and failed."""
    paths = os.pathsep.join([str(EXAMPLE.parent), env.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *PLUGINS, *args],
        cwd=at, env={**env, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout + done.stderr, counts_of(done.stdout)


def counts_of(output: str) -> dict[str, int]:
    return {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error)", output)}


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, origin: str) -> Run:
    """Run the tests of this source by a pytest in this process, at the payer of this test run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")

    def run_here(source: str, *args: str) -> tuple[str, dict[str, int]]:
        pytester.makepyfile(test_it=source)
        done = pytester.runpytest_inprocess(*PLUGINS, f"--payer-url={origin}", *args)
        return done.stdout.str() + done.stderr.str(), counts_of(done.stdout.str())

    return run_here


@pytest.mark.slow
def test_workers_of_xdist_have_payers_of_their_own(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "test_pretend_app.py").write_text(PRETEND_APP)
    output, counts = run_process("-n", "2", env=env, at=tmp_path)
    assert counts == {"passed": 3}, output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fixes", "failing"),
    [
        ("", ["busy", "dies", "every_claim"]),
        ("follow,refresh", ["busy"]),
        ("follow,wait", ["dies"]),
        ("refresh,wait", ["every_claim"]),
    ],
)
def test_each_fix_mends_one_test(
    run: Run, monkeypatch: pytest.MonkeyPatch, fixes: str, failing: list[str]
) -> None:
    monkeypatch.setenv("PRETEND_APP_FIXES", fixes)
    monkeypatch.delitem(sys.modules, "example.pretend_app", raising=False)  # it reads the variable once
    output, counts = run(PRETEND_APP)
    passing = {"passed": 3 - len(failing)} if len(failing) < 3 else {}
    assert counts == {"failed": len(failing)} | passing, output
    for name in failing:
        assert re.search(rf"FAILED .*{name}", output), output


def test_nothing_is_imported_until_a_test_asks(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\ndef test_x():\n"
        "    assert not {'flask', 'httpx', 'sqlalchemy', 'pydantic', 'authlib'} & set(sys.modules)\n"
    )
    output, counts = run_process(env=env, at=tmp_path)
    assert counts == {"passed": 1}, output


def test_the_mark_is_documented(run: Run) -> None:
    assert "@pytest.mark.payer(" in run("", "--markers")[0]


@pytest.mark.slow
def test_scenarios_of_ones_own_are_found(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "closed.yaml").write_text(
        "id: closed\ntitle: Closed\nstory: It hurts.\narea: transport\nexpect: {}\n"
        "rules: [{when: {path: /fhir/*}, then: {do: maintenance}}]\n"
        "shows: [{sign_in: maria}]\nreproduce: payer-sandbox serve\n"
    )
    (tmp_path / "test_own.py").write_text(
        "import httpx, pytest\n@pytest.mark.payer('closed')\ndef test_x(payer):\n"
        "    assert httpx.get(payer.fhir + '/metadata').status_code == 503\n"
        "    assert httpx.get(payer.scenario('baseline').fhir + '/metadata').status_code == 200\n"
    )
    output, counts = run_process("--payer-scenarios=own", env=env, at=tmp_path)
    assert counts == {"passed": 1}, output


# the fixture itself


def test_a_payer_has_its_own_clock_and_journal(payer: Payer) -> None:
    other = payer.scenario("baseline")
    before = other.clock.now()
    payer.clock.advance("P90D")
    assert (payer.clock.now() - before).days == 90
    assert (other.clock.now() - before).days == 0
    assert payer.clock.set("2031-01-01T00:00:00Z").year == 2031
    assert payer.journal.entries() == []


def test_what_the_test_does_is_not_what_the_app_does(payer: Payer) -> None:
    assert payer.token(scope="launch/patient patient/Patient.rs")
    assert payer.journal.entries() == []
    assert payer.scenario("baseline").journal.entries() == []


def test_an_assertion_that_fails_shows_the_journal_and_the_reason(payer: Payer) -> None:
    httpx.get(f"{payer.fhir}/Patient")
    payer.journal.assert_called("get", "/fhir/*", status=401)
    with pytest.raises(pytest.fail.Exception) as caught:
        payer.journal.assert_called("GET", "/fhir/Patient", times=2)
    told = str(caught.value)
    assert "called 2 times, and was 1 time" in told
    assert "401 GET /fhir/Patient" in told
    assert "No bearer token came" in told
    payer.reset()
    assert "(nothing)" in str(payer.journal)


def test_a_test_that_fails_in_any_way_shows_the_journal_once(run: Run) -> None:
    output, counts = run(
        "import httpx\n"
        "def test_raises(payer):\n"
        "    for _ in range(51):\n"
        "        httpx.get(payer.fhir + '/Patient').raise_for_status() if _ == 50 else"
        " httpx.get(payer.fhir + '/metadata')\n"
        "def test_asserts(payer):\n    payer.journal.assert_called('GET', '/fhir/*')\n"
        "def test_passes(payer):\n    pass\n"
    )
    assert counts == {"failed": 2, "passed": 1}
    # pytest repeats whole messages in its summary where the environment says that this is CI
    failures = output.partition("short test summary info")[0]
    assert failures.count("The payer's journal") == 2
    assert "(1 before these)" in output
    assert "401 GET /fhir/Patient\n      No bearer token came" in output


@pytest.mark.payer("portal-opt-in-required", member="oscar")
def test_a_member_who_cannot_sign_in_is_told_in_one_line(payer: Payer) -> None:
    with pytest.raises(UsageError, match=r"oscar could not sign in: access_denied: .*member portal"):
        payer.token()
    assert payer.token("maria")


# the token response, as it came

SCENARIOS = load(Settings().scenarios).by_id.values()
TOKEN_SCENARIOS = sorted(s.id for s in SCENARIOS if s.area == "token")
SECRETS = ("access_token", "refresh_token")
AT_RANDOM = ("exp", "iat", "nbf", "auth_time", "jti")


def comparable(response: dict[str, Any]) -> dict[str, Any]:
    """A token response with its secrets by their kind, and its id_token by its claims."""
    plain: dict[str, Any] = {n: type(v).__name__ if n in SECRETS else v for n, v in response.items()}
    if isinstance(plain.get("id_token"), str):
        claims = plain["id_token"].split(".")[1]
        decoded = json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))
        plain["id_token"] = {n: type(v).__name__ if n in AT_RANDOM else v for n, v in decoded.items()}
    return plain


def sign_in_by_hand(app: SmartApp) -> dict[str, str]:
    """Sign in as a browser does, with every box of the consent page as it is found."""
    page = app.choose(app.log_in("maria"))
    form: dict[str, Any] = {"decision": "share"}
    for name, value in re.findall(r'type="checkbox" name="(\w+)"[^>]* value="([^"]+)" checked', page.text):
        form.setdefault(name, []).append(value)
    return app.decide(page, form)


@pytest.mark.parametrize("scenario", TOKEN_SCENARIOS)
def test_a_sign_in_returns_what_a_plain_client_gets(payer: Payer, scenario: str) -> None:
    payer = payer.scenario(scenario)
    with SmartApp(payer.url) as app:
        answer = app.redeem(sign_in_by_hand(app)["code"])
        payer.reset()
        if answer.status_code == 200:
            assert comparable(payer.sign_in(scope=app.scope)) == comparable(answer.json())
        else:
            with pytest.raises(SignInFailed) as caught:
                payer.sign_in(scope=app.scope)
            assert caught.value.answer is not None
            assert caught.value.answer.status == answer.status_code
            assert caught.value.answer.body == answer.content


@pytest.mark.parametrize("scenario", ["state-dropped", "state-altered"])
def test_a_callback_that_an_app_must_refuse_is_no_sign_in(payer: Payer, scenario: str) -> None:
    with pytest.raises(UsageError, match="an app must reject its code"):
        payer.scenario(scenario).sign_in()


def test_faults_of_a_token_response_are_seen(payer: Payer) -> None:
    faulty = {
        "patient-missing": lambda got: "patient" not in got,
        "expires-in-as-text": lambda got: isinstance(got["expires_in"], str),
        "expires-in-missing": lambda got: "expires_in" not in got,
        "scope-unsaid": lambda got: "scope" not in got,
        "id-token-missing": lambda got: "id_token" not in got,
        "refresh-token-withheld": lambda got: "refresh_token" not in got,
    }
    assert all(is_so(payer.scenario(scenario).sign_in()) for scenario, is_so in faulty.items())
    assert "id_token" in payer.sign_in()


@pytest.mark.payer("patient-missing")
def test_conveniences_invent_nothing(payer: Payer) -> None:
    response = payer.sign_in()
    assert response.patient is None
    assert response.headers == {"Authorization": f"Bearer {response['access_token']}"}
    assert httpx.get(f"{payer.fhir}/Patient", headers=response.headers).json()["total"] == 1
    assert payer.scenario("baseline").sign_in().patient == "mbr-0001"


def test_a_refreshed_response_is_the_last_one_as_it_came(payer: Payer) -> None:
    first, last = payer.sign_in(refresh=0), payer.sign_in(refresh=1)
    assert "id_token" in first
    assert comparable(last) == comparable(SmartApp(payer.url, tokens=dict(last)).refresh().json())


# whose journal stands under a test that fails

SEVERAL = """
import dataclasses, httpx, pytest

def test_another_scenario(payer):
    busy = payer.scenario("maintenance-page")
    httpx.get(busy.fhir + "/metadata")
    assert False

@pytest.mark.payer("maintenance-page")
def test_several(payer):
    httpx.get(payer.fhir + "/metadata")
    payer.scenario("slow-responses,seconds=0.01").sign_in()
    httpx.get(payer.scenario("slow-responses,seconds=0.01").fhir + "/Patient")
    httpx.get(payer.origin + "/s/scope-unsaid~" + payer.session + "/fhir/Coverage")
    httpx.get(dataclasses.replace(payer, session="another-session").fhir + "/Organization")
    assert False

def test_nothing_was_asked(payer):
    payer.scenario("rate-limited")
    assert False
"""


def test_a_failing_test_shows_the_journal_of_each_payer_it_used(run: Run) -> None:
    output, counts = run(SEVERAL, "-s")
    assert counts == {"failed": 3}
    first, second, third = re.split(r"__ test_\w+ __", output.partition("short test summary")[0])[1:]
    assert headings(first) == ["(maintenance-page)"]
    assert sorted(headings(second)) == [
        "(maintenance-page)", "(maintenance-page)", "(scope-unsaid)", "(slow-responses,seconds=0.01)",
    ]  # fmt: skip
    for path in ("/fhir/metadata", "/fhir/Organization", "/fhir/Patient", "/fhir/Coverage"):
        assert f" GET {path}" in second
    assert "/auth/token" not in second, "what the test does itself is not the app's"
    assert headings(third) == [""]
    assert "(nothing)" in third


SIGN_INS = """
import pytest

@pytest.fixture
def connected(payer):
    payer.scenario("app-not-approved").sign_in()

def test_a_fixture_that_fails(connected):
    pass

def test_who_tries_in_vain(request):
    payer = request.getfixturevalue("payer")
    payer.token()
    with pytest.raises(Exception):
        payer.scenario("aud-forbidden").sign_in()
    assert payer.scenario("aud-forbidden").journal.entries() == []
    assert False
"""


def test_a_sign_in_that_fails_stands_under_the_test_wherever_it_was(run: Run) -> None:
    output, counts = run(SIGN_INS)
    assert counts == {"failed": 1, "error": 1}
    assert sorted(headings(output)) == ["(app-not-approved)", "(aud-forbidden)"]
    assert "400 GET /auth/authorize app-not-approved:refuse" in output
    assert "This payer takes no `aud`" in output


OTHERS = """
import httpx

def test_two_payers(payer):
    old, new = payer.another("old plan", "maintenance-page"), payer.another("new plan")
    for used in (payer, old, new, new.scenario("slow-responses,seconds=0.01")):
        httpx.get(used.fhir + "/Coverage")
    payer.another("never used")
    assert False
"""


def test_the_journals_of_all_payers_of_a_test_stand_under_it(run: Run) -> None:
    output, counts = run(OTHERS)
    assert counts == {"failed": 1}
    assert sorted(headings(output)) == [
        "", "(new plan)", "(new plan, slow-responses,seconds=0.01)", "(old plan, maintenance-page)",
    ]  # fmt: skip
    assert output.count("GET /fhir/Coverage") == 4


def test_payers_of_a_server_that_keeps_running_begin_anew(run: Run) -> None:
    source = (
        "import httpx\n"
        "def test_x(payer):\n"
        "    for used in (payer, payer.scenario('baseline'), payer.another('b')):\n"
        "        assert not used.journal.entries()\n"
        "        httpx.get(used.fhir + '/Coverage')\n"
        "    assert len(payer.scenario('baseline').journal.entries()) == 1\n"
        "    assert len(payer.another('b').journal.entries()) == 1\n"
    )
    for _ in range(2):
        output, counts = run(source)
        assert counts == {"passed": 1}, output


def headings(output: str) -> list[str]:
    return re.findall(r"-+ The payer's journal ?(\(.+?\))? -+", output)


# marks that are written wrong


@pytest.mark.parametrize(
    ("mark", "says"),
    [
        ("'rate-limitd'", "There is no scenario 'rate-limitd'. Nearest: rate-limited"),
        ("'slow-responses,seconds=0'", "a number from 0.01 to 120"),
        ("scenari='rate-limited'", "scenari"),
        ("'a', 'b', 'c'", "scenario and member"),
        ("'rate-limited~mine'", "a session of its own"),
        ("3", "There is no scenario '3'"),
    ],
)
def test_a_wrong_mark_is_told_in_a_line_before_the_test(run: Run, mark: str, says: str) -> None:
    output, counts = run(
        f"import pytest\n@pytest.mark.payer({mark})\ndef test_x(payer):\n    raise SystemError\n"
    )
    assert counts == {"error": 1}
    assert says in output
    assert "pytest_plugin.py" not in output
    assert "SystemError" not in output
    errors = output.partition("ERROR at setup of test_x")[2].partition("short test summary")[0]
    assert len(errors.splitlines()) <= 4, errors


@pytest.mark.parametrize(
    ("call", "says"),
    [
        ("scenario('rate-limitd')", "Nearest: rate-limited"),
        ("token('nina')", "nina could not sign in: access_denied"),
        ("clock.advance('90 days')", "advance must be an ISO 8601 duration"),
        ("fail_next(2, {'resorce': 'Patient'})", "did you mean resource?"),
        ("journal.entries(limit=0)", "limit"),
        ("review.assert_passed('refresh-onec')", "The card has no row 'refresh-onec': discovery, "),
    ],
)
def test_wrong_usage_is_told_in_a_line_below_the_line_of_the_test(run: Run, call: str, says: str) -> None:
    output, counts = run(f"def test_x(payer):\n    payer.{call}\n")
    assert counts == {"failed": 1}
    assert says in output
    assert not re.search(r"sandbox/[\w/]+\.py", output), output
