"""What a long build tells where there is no terminal, and the library that the container's image ships."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from sandbox.cli.main import _progress, cli
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
    show = _progress(100, "building")
    for done in steps:
        show(done)
    assert capsys.readouterr().err == "".join(f"building: {done} of 100 members\n" for done in told)


def test_a_population_of_one_is_told_too(capsys: pytest.CaptureFixture[str]) -> None:
    show = _progress(1, "building")
    show(0)
    show(1)
    assert capsys.readouterr().err == "building: 0 of 1 member\nbuilding: 1 of 1 member\n"


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

    monkeypatch.setattr("sandbox.server.gunicorn.serve", serve)
    result = CliRunner().invoke(cli, ["serve", *(["--quiet"] if quiet else [])])
    assert result.exit_code == 0
    assert ("FHIR base" in result.output) is not quiet
    assert ("building" in result.output) is not quiet
