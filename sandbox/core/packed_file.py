"""Files that may be packed by gzip or zstd, told by their first bytes: names may lie."""

from __future__ import annotations

import gzip
import io
import zlib
from typing import IO

import zstandard

BOM = b"\xef\xbb\xbf"
"""UTF-8's byte order mark."""

PROBLEMS = (OSError, EOFError, zlib.error, zstandard.ZstdError)
"""What reading such a file may raise."""


def unpacked(file: io.BufferedReader) -> IO[bytes]:
    """What a file holds."""
    first = file.peek(4)[:4]
    if first[:2] == b"\x1f\x8b":
        return gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if first == b"\x28\xb5\x2f\xfd":
        reader = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        return io.BufferedReader(reader)
    return file


def reason(problem: Exception) -> str:
    """Why a file cannot be read, in a few words."""
    return getattr(problem, "strerror", None) or str(problem)
