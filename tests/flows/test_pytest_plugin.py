"""The pytest plugin: a payer for each test, in a suite of somebody else."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.core.errors import UsageError
from sandbox.pytest_plugin import Payer

EXAMPLE = Path(__file__).parents[1] / "example"


def run(*args: str, env: dict[str, str], at: Path) -> tuple[str, dict[str, int]]:
    """A pytest of its own. Returns what it printed, and how many tests passed and failed."""
    command = [sys.executable, "-m", "pytest", "-p", "sandbox.pytest_plugin", "-p", "no:cacheprovider", *args]
    paths = os.pathsep.join([str(EXAMPLE.parent), env.get("PYTHONPATH", "")])
    done = subprocess.run(
        command, cwd=at, env={**env, "PYTHONPATH": paths}, capture_output=True, text=True, check=False
    )
    counts = {what: int(number) for number, what in re.findall(r"(\d+) (passed|failed|error)", done.stdout)}
    return done.stdout + done.stderr, counts


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """The example's tests, alone in a folder."""
    (tmp_path / "test_pretend_app.py").write_text((EXAMPLE / "test_pretend_app.py").read_text())
    return tmp_path


def test_a_naive_app_fails_and_three_fixes_mend_it(suite: Path, env: dict[str, str]) -> None:
    output, counts = run("-n", "2", env={**env, "PRETEND_APP_FIXES": ""}, at=suite)
    assert counts == {"failed": 3}, output
    output, counts = run("-n", "2", env={**env, "PRETEND_APP_FIXES": "wait,refresh,follow"}, at=suite)
    assert counts == {"passed": 3}, output


def test_each_fix_mends_one_test(suite: Path, origin: str, env: dict[str, str]) -> None:
    for fixes, failing in (
        ("follow,refresh", "busy"),
        ("follow,wait", "dies"),
        ("refresh,wait", "every_claim"),
    ):
        output, counts = run(f"--payer-url={origin}", env={**env, "PRETEND_APP_FIXES": fixes}, at=suite)
        assert counts == {"failed": 1, "passed": 2}, output
        assert re.search(rf"FAILED .*{failing}", output), output


def test_nothing_is_imported_until_a_test_asks(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "test_other.py").write_text(
        "import sys\ndef test_x():\n"
        "    assert not {'flask', 'httpx', 'sqlalchemy', 'pydantic', 'authlib'} & set(sys.modules)\n"
    )
    output, counts = run(env=env, at=tmp_path)
    assert counts == {"passed": 1}, output
    assert "@pytest.mark.payer(" in run("--markers", env=env, at=tmp_path)[0]


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
    output, counts = run("--payer-scenarios=own", env=env, at=tmp_path)
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
    import httpx

    httpx.get(f"{payer.fhir}/Patient")
    payer.journal.assert_called("get", "/fhir/*", status=401)
    with pytest.raises(pytest.fail.Exception) as caught:
        payer.journal.assert_called("GET", "/fhir/Patient", times=2)
    told = str(caught.value)
    assert "called 2 times, and was 1 times" in told
    assert "401 GET /fhir/Patient" in told
    assert "No bearer token came" in told
    payer.reset()
    assert "(nothing)" in str(payer.journal)


def test_a_test_that_fails_in_any_way_shows_the_journal_once(
    tmp_path: Path, env: dict[str, str], origin: str
) -> None:
    (tmp_path / "test_failing.py").write_text(
        "import httpx\n"
        "def test_raises(payer):\n"
        "    for _ in range(51):\n"
        "        httpx.get(payer.fhir + '/Patient').raise_for_status() if _ == 50 else"
        " httpx.get(payer.fhir + '/metadata')\n"
        "def test_asserts(payer):\n    payer.journal.assert_called('GET', '/fhir/*')\n"
        "def test_passes(payer):\n    pass\n"
    )
    output, counts = run(f"--payer-url={origin}", env=env, at=tmp_path)
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


@pytest.mark.payer("no-such-scenario")
def test_a_scenario_that_is_not_there_is_told(payer: Payer) -> None:
    with pytest.raises(UsageError, match="no scenario 'no-such-scenario'"):
        payer.token()
