"""Grading on a clock that stands until somebody waits: no limit or delay depends on the machine."""

from __future__ import annotations

from datetime import timedelta

from sandbox.core.clock import FrozenClock
from sandbox.score.card import Card
from sandbox.score.run import grade

SAMPLE_SEED = 1
"""Of the members that are drawn: without it they would change with the port and the day."""


def standing_grade(still: tuple[str, FrozenClock], selection: str, session: str = "flagship") -> Card:
    """The card of a selection at the payer of `still` (its origin and its clock)."""
    origin, clock = still
    card, _ = grade(
        f"{origin}/s/{selection}~{session}/fhir",
        sleep=lambda seconds: clock.advance(timedelta(seconds=seconds)),
        stopwatch=lambda: clock.now().timestamp(),
        sample_seed=SAMPLE_SEED,
    )
    return card
