"""A coded word."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Term:
    """A code of a published code system. `name` is its published name, or our own wording."""

    system: str
    code: str
    name: str

    def __hash__(self) -> int:  # what is looked up a hundred times for each member
        return hash(self.code)
