"""What the person who grades must know of an examination before believing its card."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.score.card import Line
from sandbox.score.evidence import Evidence
from sandbox.score.machine import is_busy, share_of_processor


def find_notes(lines: Sequence[Line], evidence: Evidence) -> tuple[str, ...]:
    """One line each."""
    speed = next((line for line in lines if line.id == "sync-speed"), None)
    if speed is None or not speed.lost or speed.source != "observed" or not is_busy(evidence):
        return ()
    share = round(100 * share_of_processor(evidence))
    return (
        f"This machine was busy while the syncs were timed: the grader got {share} % of a processor when it"
        " needed one. sync-speed may be better than measured; grade again on a machine that is idle.",
    )
