"""Files written whole or not at all: a reader, or a run that resumes, never finds half a card."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox.core.errors import FileProblem


def write(path: Path, content: bytes) -> None:
    """Write beside it and rename. Devices and pipes are written to directly. Raises FileProblem."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
            return
        try:
            part.write_bytes(content)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as problem:
        raise FileProblem(f"{path}: {problem.strerror or problem}") from None
