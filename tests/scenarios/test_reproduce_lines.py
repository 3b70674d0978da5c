"""The lines that reproduce a scenario are run as they stand, against a payer on another port.

Those that grade or serve are not: what grading says is tested by `test_expectations`, serving by the tests
of the command line.
"""

from __future__ import annotations

import shlex
from urllib.parse import urlsplit

import httpx
import pytest
from click.testing import CliRunner

from sandbox.cli.main import cli
from sandbox.core.errors import UsageError
from sandbox.faults.catalog import load
from sandbox.settings import root

pytestmark = pytest.mark.slow

SCENARIOS = load(root() / "scenarios").by_id
DEFAULT = "http://127.0.0.1:8080"
LINES = {name: shlex.split(scenario.reproduce) for name, scenario in SCENARIOS.items() if name != "baseline"}
COMMANDS = {name: words[1:] for name, words in LINES.items() if words[1] in ("token", "clock")}
CALLS = {name: words[1:] for name, words in LINES.items() if words[0] == "curl"}


def journal(origin: str, selection: str) -> list[dict[str, object]]:
    entries: list[dict[str, object]] = httpx.get(f"{origin}/s/{selection}/_sandbox/journal").json()["entries"]
    return entries


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_that_reproduces_it_ends_in_words(origin: str, name: str) -> None:
    words = COMMANDS[name]
    selection = words[words.index("--scenario") + 1]
    done = CliRunner().invoke(cli, [*words, "--url", origin], standalone_mode=False)
    if done.exception is not None:
        assert isinstance(done.exception, UsageError), done.exception
        assert "reached" not in str(done.exception)
    else:
        assert done.output.strip()
    if words[0] == "token":
        assert {entry["scenario"] for entry in journal(origin, selection)} == {selection}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_reproduces_it_meets_the_scenario(origin: str, name: str) -> None:
    """The words of curl that the lines use: -i, -u, -d and -H."""
    words = iter(CALLS[name])
    headers, form, auth, url = {}, None, None, ""
    for word in words:
        if word == "-H":
            key, _, value = next(words).partition(":")
            headers[key] = value.strip()
        elif word == "-d":
            form = next(words)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif word == "-u":
            user, _, password = next(words).partition(":")
            auth = (user, password)
        elif word != "-i":
            url = word
    assert url.startswith(DEFAULT)
    method = "POST" if form is not None else "GET"
    answer = httpx.request(
        method, url.replace(DEFAULT, origin), headers=headers, content=form, auth=auth, timeout=600
    )
    selection = urlsplit(url).path.split("/")[2]
    last = journal(origin, selection)[-1]
    assert (last["status"], last["scenario"]) == (answer.status_code, selection)
    assert last["effects"] or SCENARIOS[name].payer
