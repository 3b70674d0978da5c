"""What `journal`, `members` and `scenarios` print on a terminal."""

from __future__ import annotations

import os
import re
import select
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout

import pytest

from sandbox.cli.main import run
from sandbox.cli.terminal import show_entry

pytestmark = pytest.mark.slow

REFUSED = {
    "at": "2026-11-30T12:00:00.000+00:00", "status": 401, "method": "GET", "path": "/fhir/\x1b[2J[red]x",
    "effects": [], "because": ["token-expires-early:expire_early"], "why": "It ran out. " * 20,
    "repair": "Refresh.",
}  # fmt: skip


@pytest.fixture(params=[80, 120])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", str(request.param))
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return int(request.param)


@pytest.fixture
def print_on_terminal() -> Iterator[Callable[[Callable[[], object]], str]]:
    """Returns what a call printed on a standard output that is a terminal."""
    ours, theirs = os.openpty()

    def print_there(call: Callable[[], object]) -> str:
        with os.fdopen(theirs, "w") as stream:
            with redirect_stdout(stream):
                call()
            parts = []
            while select.select([ours], [], [], 0.3)[0]:
                parts.append(os.read(ours, 1 << 16))
        return b"".join(parts).decode().replace("\r\n", "\n")

    yield print_there
    os.close(ours)


def strip(printed: str) -> str:
    return re.sub(r"\x1b\[[\d;]*m", "", printed)


@pytest.mark.parametrize("words", [["members"], ["scenarios", "search", "signature", "clock"]])
def test_lists_are_colored_and_fit_the_terminal(
    width: int, words: list[str], print_on_terminal: Callable[..., str]
) -> None:
    printed = print_on_terminal(lambda: run(words))
    assert "\x1b[1" in printed
    assert max(len(line.rstrip()) for line in strip(printed).splitlines()) <= width
    assert not re.search(r"\x1b(?!\[[\d;]*m)", printed)


def test_no_color_is_respected(
    width: int, print_on_terminal: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    printed = print_on_terminal(lambda: run(["scenarios", "search", "signature"]))
    assert not re.search(r"\x1b\[[\d;]*3[0-7]", printed)


def test_an_entry_is_one_line_and_its_reason_is_wrapped(
    width: int, print_on_terminal: Callable[..., str]
) -> None:
    printed = print_on_terminal(lambda: show_entry(REFUSED, explain=True))
    head, *reason = strip(printed).splitlines()
    assert head == (
        "2026-11-30T12:00:00.000+00:00  401  GET  /fhir/\\u001b[2J[red]x"
        "  earlier token-expires-early:expire_early"
    )
    assert len(reason) > 2
    assert all(line.startswith("    ") and len(line.rstrip()) <= width for line in reason)
    assert reason[-1].strip() == "Refresh."
    assert "\x1b[33m401" in printed
    assert "\x1b[2J" not in printed
