"""The folder for built libraries: the cache, or a temporary folder when it cannot be written."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from sandbox.core.errors import UsageError
from sandbox.settings import Settings, default_cache, temporary_cache, user_id


def with_cache(settings: Settings, tell: Callable[[str], None]) -> Settings:
    """The settings with a cache that can be written.

    `tell` gets a line when it is not the usual one. Raises UsageError for a folder that was asked for and
    cannot be written.
    """
    if settings.store and not settings.tls:
        return settings  # nothing is kept in the cache
    shared = temporary_cache()
    problem = "no home" if settings.cache == shared else _problem(settings.cache)
    if not problem:
        return settings
    if settings.cache not in (shared, default_cache()):
        raise UsageError(f"PAYER_SANDBOX_CACHE: {settings.cache} cannot be written: {problem}")
    folder = _own_folder(shared)
    what = "There is no home folder" if settings.cache == shared else f"{settings.cache} cannot be written"
    tell(f"{what}: keeping the library in {folder} (set PAYER_SANDBOX_CACHE to keep it elsewhere)")
    return replace(settings, cache=folder)


def _problem(folder: Path) -> str:
    """Return why files cannot be made in a folder, or "". The folder is made if it is missing."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as problem:
        return problem.strerror or str(problem)


def _own_folder(shared: Path) -> Path:
    """Return this user's folder below the system's temporary one, or a new folder.

    Everybody may write there, so the folder must belong to this user and be closed to others.
    """
    try:
        shared.mkdir(mode=0o700, exist_ok=True)
        status = shared.lstat()
        # Windows has no such modes, and a temporary folder for each user.
        closed = os.name == "nt" or not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
        if stat.S_ISDIR(status.st_mode) and status.st_uid == user_id() and closed:
            return shared
        return Path(tempfile.mkdtemp(prefix="payer-sandbox-"))
    except OSError as problem:
        raise UsageError(
            f"no folder for the library can be written ({problem.strerror}): set PAYER_SANDBOX_CACHE"
        ) from None
