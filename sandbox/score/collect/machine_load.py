"""How busy the machine is that grades: work of a known size, timed while syncs are measured.

A processor that others want as well takes longer, by the wall clock, for work than the time it spends on it.
That slows every request that the grader times, and is not the payer's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from sandbox.core import clock
from sandbox.score.evidence import Evidence

BUSY = 1.5
"""Seconds of waiting and working for one of working: more is a busy machine."""

_BLOCK = bytes(1_000_000)
_BLOCKS = 8  # a few milliseconds


def _hash_blocks() -> None:
    for _ in range(_BLOCKS):
        hashlib.sha256(_BLOCK).digest()


class Machine:
    """The processor's share that the grader gets, sampled."""

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
        """Seconds by the wall clock and on the processor, for the same work."""
        return {"samples": self._samples, "wall": round(self._wall, 4), "worked": round(self._worked, 4)}


def share_of_processor(evidence: Evidence) -> float:
    """The part of a processor that the grader got while it timed syncs; 1 where nothing says less."""
    value = evidence["machine"].value or {}
    wall, worked = value.get("wall") or 0.0, value.get("worked") or 0.0
    return min(1.0, worked / wall) if wall > 0 and worked > 0 else 1.0


def is_busy(evidence: Evidence) -> bool:
    """Whether measured times may be longer than the payer's own."""
    return share_of_processor(evidence) < 1 / BUSY
