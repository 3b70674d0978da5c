"""The command line in this process: the same exit codes and output, without the start of a Python."""

from __future__ import annotations

import io
import os
import shlex
from collections.abc import Mapping
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from subprocess import CompletedProcess
from unittest.mock import patch

from sandbox.cli.main import run


def command(
    *words: str, env: Mapping[str, str] | None = None, cwd: Path | None = None
) -> CompletedProcess[str]:
    """Run `payer-sandbox` with these words, in this environment (else the present one) and folder.

    The first may be several words, as in a shell: `command("token --member maria", "--url", url)`.
    """
    words = (*shlex.split(words[0]), *words[1:]) if words else ()
    stdout, stderr = (io.TextIOWrapper(io.BytesIO(), "utf-8", newline="") for _ in range(2))
    environment = {"COLUMNS": "80"} | dict(os.environ if env is None else env)
    with (
        patch.dict(os.environ, environment, clear=True),
        chdir(cwd or Path.cwd()),
        redirect_stdout(stdout),
        redirect_stderr(stderr),
    ):
        try:
            code = run(words)
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return CompletedProcess(words, code, _written(stdout), _written(stderr))


def _written(stream: io.TextIOWrapper) -> str:
    stream.flush()
    return stream.buffer.getvalue().decode()  # type: ignore[attr-defined,no-any-return]
