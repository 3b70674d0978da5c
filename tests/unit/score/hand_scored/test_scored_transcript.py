"""What a payer with full marks is asked, and all that is said of it."""

from __future__ import annotations

import transcripts
from scored_card import examine
from scored_payer import Payer
from transcripts import Recording


def test_a_payer_with_full_marks(transcript: Recording) -> None:
    """Nothing is lost, and the whole transcript is kept to be read. 100."""
    examine(Payer()).earns(score=100)
    transcripts.check_whole("full_marks", transcript.to_parts())


def test_a_payer_whose_locks_all_hold() -> None:
    """The locks are tried with the accounts that are lent, and the grader comes back under another name.
    100."""
    examine(Payer(), probes=True).earns(score=100)
