"""Shell completion of members and scenarios, by the protocol of click."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete
from support.command import command

from sandbox.cli.main import cli
from sandbox.faults.catalog import load
from sandbox.settings import Settings, root
from sandbox.synth.config.spec import load_spec

HEAVY = ("flask", "pydantic", "httpx", "sqlalchemy", "yaml", "authlib", "rich")


def complete(*words: str) -> dict[str, str]:
    """What a Tab after these words offers, with the words of help; the last word is incomplete."""
    shell = ShellComplete(cli, {}, "payer-sandbox", "_PAYER_SANDBOX_COMPLETE")
    return {item.value: item.help or "" for item in shell.get_completions(list(words[:-1]), words[-1])}


@pytest.mark.parametrize(
    "words",
    [("token", "--scenario"), ("serve", "--scenario"), ("clock", "--scenario"), ("scenarios", "show"),
     ("scenarios", "switch"), ("revoke", "maria", "--scenario"), ("fail-next", "--scenario")],
)  # fmt: skip
def test_scenarios_are_completed_where_one_is_named(words: tuple[str, ...]) -> None:
    titles = {id: scenario.title for id, scenario in load(Settings().scenarios).by_id.items()}
    assert complete(*words, "") == titles
    assert set(complete(*words, "rate-l")) == {id for id in titles if id.startswith("rate-l")}


def test_the_last_of_several_scenarios_is_completed() -> None:
    offered = complete("scenarios", "switch", "slow-responses,seconds=2.rate-limited")
    assert list(offered) == ["slow-responses,seconds=2.rate-limited"]
    assert complete("scenarios", "switch", "rate-limited~rate") == {}
    assert complete("scenarios", "switch", "rate-limited,li") == {}


@pytest.mark.parametrize("words", [("token", "--member"), ("revoke",)])
def test_members_are_completed_with_what_they_are_for(words: tuple[str, ...]) -> None:
    named = {member.username: member.purpose for member in load_spec(Settings().fixtures).named}
    assert complete(*words, "") == named
    assert list(complete(*words, "osc")) == ["oscar"]
    assert list(complete(*words, "maria@broken-r")) == ["maria@broken-references"]


def test_scenarios_of_your_own_are_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "closed-on-sundays.yaml").write_text('id: closed-on-sundays\ntitle: "Closed: on Sundays"\n')
    monkeypatch.setenv("PAYER_SANDBOX_OWN_SCENARIOS", str(tmp_path))
    assert complete("serve", "--scenario", "closed-on") == {"closed-on-sundays": "Closed: on Sundays"}
    monkeypatch.setenv("PAYER_SANDBOX_PORT", "eighty")
    assert complete("serve", "--scenario", "rate-l")


def test_commands_and_options_are_completed() -> None:
    assert "fail-next" in complete("fail")
    assert "--clear" in complete("fail-next", "--c")


@pytest.mark.parametrize(
    ("shell", "variables", "says"),
    [
        ("bash", {"COMP_WORDS": "payer-sandbox token --member osc", "COMP_CWORD": "3"}, "plain,oscar"),
        ("zsh", {"COMP_WORDS": "payer-sandbox token --member osc", "COMP_CWORD": "3"}, "plain\noscar\n"),
        ("fish", {"COMP_WORDS": "payer-sandbox token --member osc", "COMP_CWORD": "osc"}, "plain,oscar\t"),
    ],
)
def test_each_shell_is_answered_in_its_own_way(shell: str, variables: dict[str, str], says: str) -> None:
    environment = {**os.environ, **variables, "_PAYER_SANDBOX_COMPLETE": f"{shell}_complete"}
    done = command(env=environment)
    assert done.returncode == 0
    assert says in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shell_has_a_script_and_a_line_in_the_readme(shell: str) -> None:
    done = command(env={**os.environ, "_PAYER_SANDBOX_COMPLETE": f"{shell}_source"})
    assert "_PAYER_SANDBOX_COMPLETE" in done.stdout
    assert f"_PAYER_SANDBOX_COMPLETE={shell}_source payer-sandbox" in (root() / "README.md").read_text()


def test_a_tab_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom sandbox.cli.main import main\nsys.argv = ['payer-sandbox']\n"
        "try:\n    main()\nfinally:\n"
        f"    print([module for module in {HEAVY} if module in sys.modules], file=sys.stderr)\n"
    )
    for words in ("token --member m", "scenarios show r"):
        variables = {"_PAYER_SANDBOX_COMPLETE": "bash_complete", "COMP_WORDS": f"payer-sandbox {words}"}
        variables["COMP_CWORD"] = str(len(words.split()))
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, **variables},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.count("plain,") > 1
        assert done.stderr.strip() == "[]"
