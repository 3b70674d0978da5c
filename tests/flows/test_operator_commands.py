"""Commands that change a running payer, and JSON wherever a command prints data."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import httpx
import pytest
from support.command import command
from support.smart_app import SmartApp

from sandbox.cli.main import cli
from sandbox.core.files import read_yaml
from sandbox.settings import root


def run_json(*words: str) -> Any:
    done = command(*words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# revoke


def test_a_members_grants_are_revoked(maria: SmartApp) -> None:
    here = ("--url", maria.base)
    assert command("revoke", "maria", "--client", "another", *here).stdout == "0 grants revoked\n"
    assert maria.get("Patient").status_code == 200
    assert command("revoke", "maria", *here).stdout == "1 grant revoked\n"
    assert maria.get("Patient").status_code == 401
    assert run_json("revoke", "maria", *here) == {"revoked": 0}
    unknown = command("revoke", "nobody", *here)
    assert (unknown.returncode, unknown.stderr) == (2, "payer-sandbox: No member has this user name\n")


# fail-next


def test_the_next_token_calls_fail_unless_another_place_is_named(app: SmartApp) -> None:
    here = ("--url", app.base)
    code = app.agree("maria")["code"]
    done = command("fail-next", *here)
    assert '1 of 1 left  when {"path":"/auth/token"} then {"do":"refuse","status":503' in done.stdout
    assert [app.redeem(code).status_code for _ in range(2)] == [503, 200]
    assert "0 of 1 left" in command("fail-next", "--list", *here).stdout
    (_, armed) = run_json("fail-next", "2", "--place", "metadata", "--status", "429", *here)["armed"]
    assert (armed["times"], armed["when"], armed["then"]["status"]) == (2, {"path": "/fhir/metadata"}, 429)
    assert [app.get("metadata").status_code for _ in range(3)] == [429, 429, 200]
    assert command("fail-next", "--clear", *here).stdout == "nothing is armed\n"
    assert run_json("fail-next", "--list", *here) == {"armed": []}


def test_any_condition_and_any_verb_may_be_armed(maria: SmartApp) -> None:
    here = ("--url", maria.base)
    when, then = '{"resource": "Coverage"}', '{"do": "reply_with", "status": 418}'
    (armed,) = run_json("fail-next", "--when", when, "--then", then, *here)["armed"]
    assert (armed["when"], armed["then"]["do"]) == ({"resource": "Coverage"}, "reply_with")
    assert [maria.get("Coverage").status_code for _ in range(2)] == [418, 200]
    command("fail-next", "--place", "Patient", "--then", then, *here)
    assert [maria.get("Patient").status_code for _ in range(2)] == [418, 200]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--when", "{"), "--when must be JSON"),
        (("--when", "{}", "--place", "token"), "--place and --when cannot be combined"),
        (("--then", "{}", "--status", "500"), "--status and --then cannot be combined"),
        (("--list", "--status", "500"), "--list and --clear come alone"),
        (("--place", "tokens"), "There is no place 'tokens'; places are any, token"),
        (("--status", "200"), "--status"),
        (("0",), "TIMES"),
        (("--when", '{"resorce": "Patient"}'), "did you mean resource?"),
        (("--then", '{"do": "fial"}'), "then"),
    ],
)
def test_what_cannot_be_armed_is_told_in_a_line(app: SmartApp, words: tuple[str, ...], says: str) -> None:
    done = command("fail-next", *words, "--url", app.base)
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert run_json("fail-next", "--list", "--url", app.base) == {"armed": []}


# scenarios switch


def test_scenarios_are_switched_on_and_off_at_a_running_payer(app: SmartApp) -> None:
    here = ("--url", app.base)
    assert command("scenarios", "switch", *here).stdout == "nothing is switched on\n"
    done = command("scenarios", "switch", "slow-responses,seconds=0.01", *here)
    assert done.stdout == "switched on: slow-responses,seconds=0.01\n"
    assert app.get("metadata").headers["Sandbox-Effects"] == "slow-responses:delay"
    assert run_json("scenarios", "switch", *here) == {"switched": "slow-responses,seconds=0.01"}
    assert run_json("scenarios", "switch", "--off", *here) == {"switched": ""}
    assert "Sandbox-Effects" not in app.get("metadata").headers
    assert "Nearest: rate-limited" in command("scenarios", "switch", "rate-limitd", *here).stderr
    assert command("scenarios", "switch", "rate-limited", "--off", *here).returncode == 2


# JSON

DOCUMENTS = {"serve", "mcp", "scenarios try", "scenarios table", "scenarios verbs", "scenarios schema"}
"""Commands that run a server, or print one document."""


def list_commands(group: click.Group, before: str = "") -> dict[str, click.Command]:
    listed: dict[str, click.Command] = {}
    for name, member in group.commands.items():
        if isinstance(member, click.Group):
            listed |= list_commands(member, f"{before}{name} ")
        else:
            listed[f"{before}{name}"] = member
    return listed


def test_every_command_that_prints_data_can_print_json() -> None:
    without = {
        name
        for name, listed in list_commands(cli).items()
        if not any("--json" in parameter.opts for parameter in listed.params)
    }
    assert without == DOCUMENTS


def test_the_clock_is_printed_as_json(app: SmartApp) -> None:
    here = ("--url", app.base)
    assert run_json("clock", "--advance", "P1D", *here)["ahead_seconds"] == 86400
    state = run_json("clock", *here)
    assert state["now"][:16] == command("clock", *here).stdout[:16]
    assert run_json("reset", *here)["reset"]
    assert run_json("clock", *here)["ahead_seconds"] == 0


def test_members_are_printed_as_json(tmp_path: Path) -> None:
    listed = run_json("members")
    assert {"maria", "oscar", "nina"} <= {member["username"] for member in listed}
    assert listed[0] == {
        "username": "maria",
        "password": "maria-pass",
        "name": "Maria Delgado",
        "role": "eligible",
        "purpose": "start here: diabetes, with claims, prescriptions and lab results",
    }
    assert command("members", "--csv", "--json").returncode == 2
    (tmp_path / "Patient.ndjson").write_text(
        '{"resourceType":"Patient","id":"p1","name":[{"family":"Own"}],"birthDate":"1980-01-01"}\n'
    )
    (account,) = run_json("members", "--data", str(tmp_path))
    assert set(account) == {"username", "password", "name"}


def test_a_scenario_and_complaints_are_printed_as_json(tmp_path: Path) -> None:
    shown = run_json("scenarios", "show", "totals-missing")
    assert shown == read_yaml(root() / "scenarios" / "totals-missing.yaml")
    (tmp_path / "broken.yaml").write_text("id: broken")
    done = command("scenarios", "lint", str(tmp_path), "--json")
    assert done.returncode == 1
    checked = json.loads(done.stdout)
    assert checked["scenarios"] == 1
    assert any("broken.yaml" in complaint for complaint in checked["complaints"])


def test_what_was_generated_is_printed_as_json(tmp_path: Path) -> None:
    figures = run_json("generate", "--members", "1", "--out", str(tmp_path / "out"))
    assert (figures["path"], figures["members"], figures["seed"]) == (str(tmp_path / "out"), 1, 1)
    assert figures["resources"]["Patient"] == 1


def test_cards_are_printed_as_json(app: SmartApp, tmp_path: Path) -> None:
    httpx.get(f"{app.base}/fhir/metadata")
    here = ("review", app.base)
    assert command(*here, "--json").stdout == command(*here, "--format", "json").stdout
