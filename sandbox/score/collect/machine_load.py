"""Measures how busy this machine is: work of a fixed size is timed while syncs are measured.

On a busy machine, work takes longer by the wall clock than the processor time that it needs. That slows every
request that the grader times, and is not the payer's fault.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sandbox.core import clock
from sandbox.score.evidence import Evidence

BUSY = 1.5
"""Wall-clock seconds for a second of processor time; with more the machine is busy."""

_BLOCK = bytes(1_000_000)
_BLOCKS = 8  # a few milliseconds


def _hash_blocks() -> None:
    for _ in range(_BLOCKS):
        hashlib.sha256(_BLOCK).digest()


class Machine:
    """Samples the share of a processor that the grader gets."""

    def __init__(
        self,
        stopwatch: Callable[[], float] = clock.stopwatch,
        processor: Callable[[], float] = clock.processor_seconds,
        work: Callable[[], object] = _hash_blocks,
    ):
        self._stopwatch, self._processor, self._work = stopwatch, processor, work
        self._samples, self._wall, self._worked = 0, 0.0, 0.0

    def sample(self) -> None:
        wall, worked = self._stopwatch(), self._processor()
        self._work()
        self._wall += self._stopwatch() - wall
        self._worked += self._processor() - worked
        self._samples += 1

    def to_value(self) -> dict[str, Any]:
        """Return the seconds by the wall clock and on the processor, for the same work."""
        return {"samples": self._samples, "wall": round(self._wall, 4), "worked": round(self._worked, 4)}


def share_of_processor(evidence: Evidence) -> float:
    """Return the share of a processor that the grader got while it timed syncs; 1 if not measured."""
    value = evidence["machine"].value or {}
    wall, worked = value.get("wall") or 0.0, value.get("worked") or 0.0
    return min(1.0, worked / wall) if wall > 0 and worked > 0 else 1.0


def is_busy(evidence: Evidence) -> bool:
    """Return whether measured times may be longer than the payer's own."""
    return share_of_processor(evidence) < 1 / BUSY
