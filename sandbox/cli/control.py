"""Commands that change a running payer: revoke, fail-next, scenarios switch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from sandbox.cli.completion import complete_members, complete_scenarios
from sandbox.cli.options import json_option, payer_options, print_json
from sandbox.core.errors import SandboxProblem, UsageError
from sandbox.core.text import escape, quantity, say

if TYPE_CHECKING:
    from sandbox.apis.control.client import Remote


def payer_prefix(url: str | None, scenario: str | None) -> str:
    """Return the address of a payer without /fhir, from the options of a command."""
    from sandbox.apis.control.client import prefix
    from sandbox.settings import from_env

    return prefix(from_env(), url, scenario)


def remote_payer(url: str | None, scenario: str | None) -> Remote:
    """Return the control API of the payer that the options of a command name."""
    from sandbox.apis.control.client import Remote
    from sandbox.settings import from_env

    return Remote(payer_prefix(url, scenario), from_env().control_key)


@click.command()
@click.argument("member", shell_complete=complete_members)
@click.option("--client", metavar="ID", help="Client id of the app.  [default: every app]")
@payer_options
@json_option
def revoke(member: str, client: str | None, url: str | None, scenario: str | None, as_json: bool) -> None:
    """End the access that a member granted to apps."""
    revoked = remote_payer(url, scenario).revoke(member, client)
    if as_json:
        print_json({"revoked": revoked})
    else:
        say(f"{quantity(revoked, 'grant')} revoked")


@click.command("fail-next")
@click.argument("times", type=click.IntRange(1, 1000), default=1)
@click.option("--place", help="any, token, authorize, fhir, metadata or a resource type.  [default: token]")
@click.option("--status", type=click.IntRange(400, 599), help="Status to answer with.  [default: 503]")
@click.option("--when", metavar="JSON", help="Instead of --place: `when` of a scenario's rule.")
@click.option("--then", metavar="JSON", help="Instead of --status: `then` of a scenario's rule.")
@click.option("--list", "listing", is_flag=True, help="Only show what is armed.")
@click.option("--clear", is_flag=True, help="Clear what is armed.")
@payer_options
@json_option
def fail_next(
    times: int, listing: bool, clear: bool, url: str | None, scenario: str | None, **how: Any
) -> None:
    """Fail the next matching requests, then work again.

    Fails as many requests as TIMES says (default 1). Without options, these are token requests, and they
    are answered with 503. Prints what is armed.
    """
    as_json = how.pop("as_json")
    if (listing or clear) and any(how.values()):
        raise click.UsageError("--list and --clear come alone")
    fault = _fault(**how)
    remote = remote_payer(url, scenario)
    if clear:
        remote.disarm()
    armed = remote.armed() if listing or clear else remote.fail_next(times, **fault)
    if as_json:
        print_json({"armed": armed})
    else:
        say("\n".join(map(_armed_line, armed)) or "nothing is armed")


def _fault(place: str | None, status: int | None, when: str | None, then: str | None) -> dict[str, Any]:
    """Return `when` and `then` of a fault. Raises UsageError for options that do not fit together."""
    if place and when:
        raise click.UsageError("--place and --when cannot be combined")
    if status and then:
        raise click.UsageError("--status and --then cannot be combined")
    fault = {name: _json_option(name, text) for name, text in (("when", when), ("then", then)) if text}
    if place or status:
        from sandbox.faults.one_shot import fault_at

        try:
            simple = fault_at(place or "token", status=status or 503).to_json()
        except SandboxProblem as problem:
            raise UsageError(problem.text) from None
        fault = simple | fault
    return fault


def _json_option(name: str, text: str) -> Any:
    from sandbox.core.files import json_value

    try:
        return json_value(text)
    except ValueError:
        raise click.UsageError(f"--{name} must be JSON, not {text!r}") from None


def _armed_line(armed: dict[str, Any]) -> str:
    from sandbox.core.files import json_bytes

    when, then = (escape(json_bytes(armed[part]).decode()) for part in ("when", "then"))
    return f"{armed['number']:>4}  {armed['left']} of {armed['times']} left  when {when} then {then}"


@click.command("switch")
@click.argument("selection", required=False, shell_complete=complete_scenarios)
@click.option("--off", is_flag=True, help="Switch off what was switched on.")
@payer_options
@json_option
def switch_scenarios(
    selection: str | None, off: bool, url: str | None, scenario: str | None, as_json: bool
) -> None:
    """Switch scenarios on at a running payer.

    They take effect for every request, whatever base URL the apps use. SELECTION is as in a base URL:
    slow-responses,seconds=2.rate-limited. Without SELECTION, shows what is switched on.
    """
    if selection and off:
        raise click.UsageError("--off and SELECTION cannot be combined")
    remote = remote_payer(url, scenario)
    if selection or off:
        switched = remote.switch(selection or "")
    else:
        switched = remote.call("GET", "scenarios")["switched"]
    if as_json:
        print_json({"switched": switched})
    else:
        say(f"switched on: {escape(switched)}" if switched else "nothing is switched on")
