"""Attacks on whoever looks at what an attacker sent: in a terminal, or in the log of a CI system."""

from __future__ import annotations

import pytest
from attacks.breach import Scene, held, undefended
from click.testing import CliRunner

from sandbox.cli import main, review
from sandbox.cli.main import cli
from sandbox.review.forms import junit, markdown, text

SENT = "fhir/%1b]0;owned%07%1b[2J%0a::error::owned%0a"


def _raw(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    print(text, end="\n" if nl else "")


_OBEDIENT = undefended(main, review, text, junit, markdown, escape=str, say=_raw)


@pytest.mark.parametrize(
    "command",
    [
        pytest.param(("journal", "--explain", "--url"), id="journal"),
        pytest.param(("review",), id="review"),
        pytest.param(("review", "--format", "markdown"), id="markdown"),
    ],
)
@_OBEDIENT
def test_being_printed(scene: Scene, command: tuple[str, ...]) -> None:
    app = scene.make()
    for _ in range(20):  # the review shows requests that are repeated without a pause
        app.http.get(f"{app.base}/{SENT}")
    printed = CliRunner().invoke(cli, [*command, app.base], standalone_mode=False).output
    assert "owned" in printed
    held("\x1b" not in printed and "\x07" not in printed, "the terminal")
    held(not any(line.lstrip().startswith("::error") for line in printed.splitlines()), "the log")
