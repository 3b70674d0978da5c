"""`serve` where gunicorn, fcntl and what else only POSIX has are missing, as on Windows."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from support.command import command
from support.running import COMMAND, PATIENCE, served, started
from support.smart_app import SmartApp

from sandbox.core import part_file as locks
from sandbox.core.clock import SystemClock, anchor
from sandbox.core.part_file import exclusive, part_file, sweep_parts, try_lock
from sandbox.population.build_library import place, prepared
from sandbox.settings import Settings

pytestmark = pytest.mark.slow

ABSENT = ("gunicorn", "fcntl", "resource", "uvloop", "grp", "pwd", "termios")
FUNCTIONS = ("fork", "getuid", "geteuid", "setpgrp", "killpg", "register_at_fork")
SIGNALS = ("SIGHUP", "SIGQUIT", "pthread_sigmask")

SITE = f"""
import importlib.abc, os, signal, sys

class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Absent())
for name in {ABSENT}:
    sys.modules.pop(name, None)
import subprocess, multiprocessing, tempfile, pathlib, shutil  # these ask for what this system has
multiprocessing.set_start_method("spawn")
for name in {FUNCTIONS}:
    if hasattr(os, name):
        delattr(os, name)
for name in {SIGNALS}:
    if hasattr(signal, name):
        delattr(signal, name)
"""


@pytest.fixture
def plain(env: dict[str, str], tmp_path: Path) -> dict[str, str]:
    """The environment of a Python that has only what every system has."""
    (tmp_path / "sitecustomize.py").write_text(SITE)
    return {**env, "PYTHONPATH": os.pathsep.join([str(tmp_path), *filter(None, [env.get("PYTHONPATH")])])}


def test_the_simulated_system_lacks_them(plain: dict[str, str]) -> None:
    code = "import os\ntry: import gunicorn.app.base\nexcept ImportError as p: print(p, hasattr(os, 'fork'))"
    words = [sys.executable, "-c", code]
    out = subprocess.run(words, env=plain, capture_output=True, text=True, check=True).stdout
    assert out == "No module named 'gunicorn' False\n"


def test_an_app_signs_in_and_reads(plain: dict[str, str]) -> None:
    with served(env=plain) as origin, SmartApp(origin) as app:
        app.connect("maria")
        assert app.everything("ExplanationOfBenefit?_count=25")
        assert app.refresh().status_code == 200
        assert app.get("Patient").json()["total"] == 1
        health = httpx.get(f"{origin}/_sandbox/health").json()
        assert health["status"] == "ok"


def test_it_serves_tls(plain: dict[str, str], tmp_path: Path) -> None:
    cache = {**plain, "PAYER_SANDBOX_STORE": str(tmp_path / "store"), "PAYER_SANDBOX_MEMBERS": "2"}
    trusted = Path(plain["PAYER_SANDBOX_CACHE"]) / "tls-certificate.pem"
    with served("--tls", env=cache, trust=trusted) as origin:
        assert origin.startswith("https://")


def test_the_first_start_builds_the_population_on_all_cores(plain: dict[str, str], tmp_path: Path) -> None:
    fresh = {**plain, "PAYER_SANDBOX_CACHE": str(tmp_path / "cache"), "PAYER_SANDBOX_MEMBERS": "60"}
    with served(env=fresh) as origin:
        assert httpx.get(f"{origin}/_sandbox/health").json()["status"] == "ok"
    settings = Settings(members=60, cache=tmp_path / "one")
    (built,) = (tmp_path / "cache").glob("library-*.db")
    alone = prepared(settings, anchor(SystemClock()), lambda done: None)
    assert built.read_bytes() == Path(alone).read_bytes()


def test_more_workers_are_one_and_a_line_says_so(plain: dict[str, str]) -> None:
    words = [*COMMAND, "serve", "--port", "0", "--workers", "2"]
    with started(words, ctrl_c=True, env=plain, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        assert process.stdout is not None
        expected = (
            "warning: gunicorn cannot run here (No module named 'gunicorn'): one process serves, not 2\n"
        )
        assert process.stdout.readline() == expected
        assert any("Score it" in line for line in process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode == 0


@pytest.mark.parametrize("words", ["scenarios list", "members", "generate --members 1 --jobs 2 --out {}"])
def test_other_commands_run(plain: dict[str, str], tmp_path: Path, words: str) -> None:
    done = command(*words.format(tmp_path / "out").split(), env=plain)
    assert (done.returncode, "Traceback" in done.stderr) == (0, False), done.stderr


def test_the_plugins_payer_is_built_under_windows_lock(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    calls: list[tuple[int, int]] = []

    def locking(descriptor: int, mode: int, count: int) -> None:
        calls.append((os.lseek(descriptor, 0, os.SEEK_CUR), mode))
        if len(calls) == 1:
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(locks, "fcntl", None)
    monkeypatch.setattr(locks, "msvcrt", SimpleNamespace(locking=locking, LK_NBLCK=2))
    monkeypatch.setattr(locks, "sleep", lambda seconds: None)
    with exclusive(tmp_path / "lock"):
        assert calls == [(locks.WINDOWS_BYTE, 2)] * 2, "the second try got it"
    with part_file(tmp_path / "library-1.db") as part:
        part.write_bytes(b"whole")
    assert (tmp_path / "library-1.db").read_bytes() == b"whole"
    (tmp_path / "library-2.db.7.part").touch()
    sweep_parts(tmp_path, "library-*.db")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["library-1.db", "lock"]


def test_a_lock_keeps_others_out(tmp_path: Path) -> None:
    with (
        exclusive(tmp_path / "lock"),
        (tmp_path / "lock").open("rb") as other,
        pytest.raises(BlockingIOError),
    ):
        try_lock(other)


def test_the_same_library_is_looked_for(plain: dict[str, str]) -> None:
    """What a system lacks does not change the population's key."""
    day = anchor(SystemClock())
    code = (
        "from sandbox.settings import Settings; from sandbox.population.build_library import place;"
        "import datetime, sys; print(place(Settings(), datetime.date.fromisoformat(sys.argv[1])).name)"
    )
    words = [sys.executable, "-c", code, str(day)]
    out = subprocess.run(words, env=plain, capture_output=True, text=True, check=True).stdout
    assert out.strip() == Path(place(Settings(), day)).name
