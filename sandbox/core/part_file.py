"""Locks on open files; and large files that are written beside their place, whole or not there at all.

The writer holds a lock on its part for as long as it lives, so a part that can be locked belongs to a
process that was killed. Unlike a process id, a lock is right across containers that share a folder.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sandbox.core.clock import sleep

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]
try:
    import msvcrt
except ImportError:  # everywhere else
    msvcrt = None  # type: ignore[assignment]

WINDOWS_BYTE = 0x7FFF_FFFE
"""Offset of the locked byte: Windows keeps others from reading what is locked."""
RETRY_SECONDS = 0.1


def try_lock(file: IO[bytes]) -> None:
    """Lock a file until it is closed. Raises OSError when another process holds it, or for no locks."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    elif msvcrt is not None:
        file.seek(WINDOWS_BYTE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)


@contextmanager
def exclusive(path: Path) -> Iterator[None]:
    """Hold a lock file while the block runs. Other processes wait."""
    with path.open("wb") as file:
        while True:
            try:
                try_lock(file)
            except (BlockingIOError, PermissionError):  # flock's, msvcrt's
                sleep(RETRY_SECONDS)
            else:
                break
        yield


@contextmanager
def part_file(path: Path) -> Iterator[Path]:
    """Yield a temporary path; rename it to `path` at the end, or remove it after an exception.

    Raises OSError for a folder that cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    with part.open("wb") as lock:
        with suppress(OSError):  # a file system without locks: its parts are never swept
            try_lock(lock)
        try:
            yield part
            with part.open("rb+") as written:  # Windows flushes only what may be written
                os.fsync(written.fileno())
            if os.name == "nt":
                lock.close()  # Windows renames no open file
            part.replace(path)
        finally:
            lock.close()
            with suppress(OSError):
                part.unlink()


def sweep_parts(folder: Path, pattern: str) -> None:
    """Remove the parts in a folder whose writer is gone. `pattern` is a glob of finished names."""
    for part in folder.glob(f"{pattern}.*.part"):
        with suppress(OSError), part.open("rb") as lock:
            try_lock(lock)
            if os.name == "nt":
                lock.close()
            part.unlink()
