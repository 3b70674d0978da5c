"""What a long build tells where there is no terminal, and the library that the container's image ships."""

from __future__ import annotations

import os
import re
import select
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import pytest
from click.testing import CliRunner

from sandbox.cli.main import cli
from sandbox.cli.progress import Counter, Steps, count_endpoints, count_members, count_resources
from sandbox.core.clock import SystemClock, anchor
from sandbox.population.build_library import place
from sandbox.settings import Settings

DOCKERFILE = (Path(__file__).parents[2] / "Dockerfile").read_text()


@pytest.mark.parametrize(
    ("steps", "told"),
    [
        (range(101), [0, 25, 50, 75, 100]),
        ((12, 24, 36, 48, 60, 72, 84, 96, 100), [12, 36, 60, 84, 100]),
        ((100,), [100]),
    ],
)
def test_a_build_in_a_pipe_tells_each_quarter(
    capsys: pytest.CaptureFixture[str], steps: range, told: list[int]
) -> None:
    show = count_members(100, "building")
    for done in steps:
        show(done)
    assert capsys.readouterr().err == "".join(f"building: {done} of 100 members\n" for done in told)


def test_a_population_of_one_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    show = count_members(1, "building")
    show(0)
    show(1)
    assert capsys.readouterr().err == "building: 0 of 1 member\nbuilding: 1 of 1 member\n"


@dataclass
class PseudoTerminal:
    """A terminal: a stream to write to, and what was written."""

    stream: TextIO
    number: int

    def read(self) -> str:
        parts = []
        while select.select([self.number], [], [], 0.3)[0]:
            parts.append(os.read(self.number, 1 << 16))
        return b"".join(parts).decode()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[PseudoTerminal]:
    """A terminal of 80 columns, for `redirect_stderr`."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setattr("sandbox.cli.progress.REDRAWN_SECONDS", 0.0)
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        yield PseudoTerminal(stream, ours)
    os.close(ours)


def read_shown(printed: str) -> list[str]:
    """The lines that stood on the terminal, one after another, without its commands."""
    lines = re.split(r"[\r\n]+|\x1b\[2K", re.sub(r"\x1b\[\??[\d;]*[A-JL-Zhlm]", "", printed))
    return [line.rstrip() for line in lines if line.strip()]


def test_a_build_on_a_terminal_is_a_bar_with_rate_and_time(terminal: PseudoTerminal) -> None:
    with redirect_stderr(terminal.stream), count_members(40, "generating") as show:
        for done in (0, 10, 40):
            show(done)
    printed = terminal.read()
    lines = read_shown(printed)
    assert re.fullmatch(r"generating ━+ 0 of 40 members +-:--:--", lines[0])
    assert re.fullmatch(r"generating ━+ 40 of 40 members [\d,]+/(s|min) 0:00:0\d", lines[-1])
    assert max(map(len, lines)) <= 80
    assert printed.endswith("\x1b[?25h")  # the cursor is back


def test_a_build_that_breaks_gives_the_cursor_back(terminal: PseudoTerminal) -> None:
    def build(show: Counter) -> None:
        show(10)
        raise OSError

    with pytest.raises(OSError), redirect_stderr(terminal.stream), count_members(40, "generating") as show:  # noqa: PT011  ours
        build(show)
    assert terminal.read().endswith("\x1b[?25h")


def test_a_load_knows_its_total_from_the_second_reading(
    terminal: PseudoTerminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with redirect_stderr(terminal.stream), count_resources() as show:
        show(500)
        show(1000, 2000)
        show.say("read 1,000 resources")
        show(1500, 2000)
    lines = read_shown(terminal.read())
    assert " 500 readings" in lines[0]
    assert any(" 1,000 of 2,000 readings " in line for line in lines)
    assert " 2,000 of 2,000 readings " in lines[-1]
    assert capsys.readouterr().out == "read 1,000 resources\n"


def test_a_fleet_shows_the_payer_that_was_graded_last(terminal: PseudoTerminal) -> None:
    with redirect_stderr(terminal.stream), count_endpoints() as show:
        show(0, 2, "starting")
        show(1, 2, "\x1b[31mRed [bold]")
    assert r"grading: \u001b[31mRed [bold]" in terminal.read()


def test_a_step_is_cleared_before_a_text(
    terminal: PseudoTerminal, capsys: pytest.CaptureFixture[str]
) -> None:
    with redirect_stderr(terminal.stream), Steps() as steps:
        steps("sign-in 1 of 2\x1b[2J")
        steps.say("signed in")
        steps("sync")
    printed = terminal.read()
    assert r"sign-in 1 of 2\u001b[2J" in printed
    assert "sync" in printed
    assert printed.endswith("\x1b[2K")
    assert capsys.readouterr().out == "signed in\n"


def test_a_pipe_gets_no_steps_and_no_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    with Steps() as steps, count_endpoints() as fleet, count_resources() as load:
        steps("sign-in")
        for done in range(101):
            fleet(done, 101, "payer")
        fleet(101, 101, "payer")
        load(250_000)
    assert capsys.readouterr().err.splitlines() == [
        "0 of 101 endpoints",
        "50 of 101 endpoints",
        "100 of 101 endpoints",
        "101 of 101 endpoints",
        "reading the data (each twice): 250,000 resources",
    ]


@pytest.mark.slow
def test_the_image_ships_the_library_that_its_server_looks_for(tmp_path: Path) -> None:
    """The command of the Dockerfile, with its folder moved, and one member to be quick."""
    (command,) = re.findall(r"^RUN (payer-sandbox .*)$", DOCKERFILE, re.M)
    (home,) = re.findall(r"XDG_CACHE_HOME=(\S+)", DOCKERFILE)
    words = shlex.split(command.replace(home, str(tmp_path)))
    env = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PAYER_SANDBOX_MEMBERS": "1"}
    env.pop("PAYER_SANDBOX_CACHE", None)
    script = Path(sys.executable).parent / words[0]
    subprocess.run([script, *words[1:]], env=env, check=True, capture_output=True)
    settings = Settings(members=1, cache=tmp_path / "payer-sandbox")
    assert Path(place(settings, anchor(SystemClock()))).is_file()


def test_the_image_is_whole_before_its_server_starts() -> None:
    """The library is made by who serves it, in the folder that was made theirs; health has time to begin."""
    order = [DOCKERFILE.index(word) for word in ("useradd", "USER payer", "ENV XDG", "RUN payer-sandbox")]
    assert order == sorted(order)
    assert int(re.findall(r"--start-period=(\d+)s", DOCKERFILE)[0]) >= 120


@pytest.mark.parametrize("quiet", [False, True])
def test_a_quiet_server_prints_neither_progress_nor_addresses(
    quiet: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def serve(settings: Settings, building: Callable[[int], None], tell: Callable[[str], None]) -> None:
        assert settings.log == ("never" if quiet else "auto")
        building(settings.members)
        tell("FHIR base")

    monkeypatch.setattr("sandbox.server.serve.serve", serve)
    result = CliRunner().invoke(cli, ["serve", *(["--quiet"] if quiet else [])])
    assert result.exit_code == 0
    assert ("FHIR base" in result.output) is not quiet
    assert ("building" in result.output) is not quiet
