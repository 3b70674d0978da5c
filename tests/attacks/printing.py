"""Attacks on whoever looks at what an attacker sent: in a terminal, or in the log of a CI system."""

from __future__ import annotations

from typing import Any

from attacks.breach import Scene, attack, held
from click.testing import CliRunner

from sandbox.cli.main import cli

SENT = "fhir/%1b]0;owned%07%1b[2J%0a::error::owned%0a"


def _raw(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    print(text, end="\n" if nl else "")


_OBEDIENT: dict[str, Any] = {
    "sandbox.cli.main.escape": str,
    "sandbox.cli.main.say": _raw,
    "sandbox.cli.review.say": _raw,
    "sandbox.review.forms.text.escape": str,
    "sandbox.review.forms.junit.escape": str,
    "sandbox.review.forms.markdown.escape": str,
}


@attack("commands to a terminal", _OBEDIENT, "journal", command=("journal", "--explain", "--url"))
@attack("commands to a terminal", _OBEDIENT, "review", command=("review",))
@attack("commands to a terminal", _OBEDIENT, "markdown", command=("review", "--format", "markdown"))
def being_printed(scene: Scene, command: tuple[str, ...]) -> None:
    app = scene.make()
    for _ in range(20):  # the review shows requests that are repeated without a pause
        app.http.get(f"{app.base}/{SENT}")
    printed = CliRunner().invoke(cli, [*command, app.base], standalone_mode=False).output
    assert "owned" in printed
    held("\x1b" not in printed and "\x07" not in printed, "the terminal")
    held(not any(line.lstrip().startswith("::error") for line in printed.splitlines()), "the log")
