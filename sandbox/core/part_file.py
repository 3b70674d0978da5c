"""Large files that are written beside their place: whole at the end, or not there at all.

The writer holds a lock on its part for as long as it lives, so a part that can be locked belongs to a
process that was killed. Unlike a process id, a lock is right across containers that share a folder.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; rename it to `path` at the end, or remove it after an exception.

    Raises OSError for a folder that cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as lock:
        with suppress(OSError):  # a file system without locks: its parts are never swept
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        try:
            yield part
            with part.open("rb") as written:
                os.fsync(written.fileno())
            part.replace(path)
        finally:
            with suppress(OSError):
                part.unlink()


def sweep_parts(folder: Path, pattern: str) -> None:
    """Remove the parts in a folder whose writer is gone. `pattern` is a glob of finished names."""
    for part in folder.glob(f"{pattern}.*.part"):
        with suppress(OSError), part.open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            part.unlink()
