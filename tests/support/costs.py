"""What something costs, in function calls: the same on every machine, however busy it is."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any


class Counted(str):
    """Text of which every comparison is a call: a search through a list of them is seen."""

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other)

    def __hash__(self) -> int:
        return str.__hash__(self)


SLACK = 1.3
"""How much more than linear a cost may grow: what is computed once in a while is in it."""


def calls(run: Callable[[], object]) -> int:
    """How many functions, of Python or C, are called while it runs in this thread."""
    count = 0

    def note(frame: FrameType, event: str, argument: Any) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


def is_linear(costs: Sequence[int], factor: int) -> bool:
    """Whether the last cost is no more than `factor` times the first, for `factor` times as much."""
    return costs[-1] <= factor * SLACK * costs[0]
