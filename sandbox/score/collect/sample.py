"""Draws the members who sign in and who are synced, by a seed, so that a payer cannot choose them.

The draw depends on the seed and the user names alone, not on the order in which members are lent.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from sandbox.score.instruments.facts import Member

T = TypeVar("T")


STANDING_SEED = 1


def seed_of(target: str, taken: str, is_near: bool) -> int:
    """Return the seed when none is given: of the target and the day (UTC) on which it is graded.

    `is_near`: a payer on this machine or in its network has the same draw every day, so that whoever works
    on it can compare two gradings.
    """
    if is_near:
        return STANDING_SEED
    return int.from_bytes(hashlib.sha256(f"{target} {taken[:10]}".encode()).digest()[:4])


@dataclass(frozen=True)
class Draw:
    """The seed from which every draw of an examination comes."""

    seed: int

    def order(self, what: str, members: Iterable[Member]) -> list[Member]:
        """Return the members in the order of the seed for this use."""
        return sorted(members, key=lambda member: self._place(what, member.username))

    def choose_sign_ins(self, lent: Sequence[Member], most: int) -> list[Member]:
        """Choose who signs in: `most` of all lent members.

        As many of each line of business as among the first `most` lent, and at least one of every line.
        """
        wanted = Counter(member.line for member in lent[:most])
        for line in {member.line: 0 for member in lent if member.line not in wanted}:
            if wanted and max(wanted.values()) > 1:
                wanted[wanted.most_common(1)[0][0]] -= 1
                wanted[line] = 1
        drawn = []
        for member in self.order("sign-in", lent):
            if wanted[member.line] > 0:
                wanted[member.line] -= 1
                drawn.append(member)
        return drawn

    def choose_syncs(self, entered: Iterable[tuple[Member, T]], most: int) -> list[tuple[Member, T]]:
        """Choose who is synced: the first of each line of business, then the second of each, and so on."""
        turns: list[tuple[int, str, tuple[Member, T]]] = []
        had: Counter[str | None] = Counter()
        for entry in sorted(entered, key=lambda entry: self._place("sync", entry[0].username)):
            turns.append((had[entry[0].line], self._place("sync", entry[0].username), entry))
            had[entry[0].line] += 1
        return [entry for _, _, entry in sorted(turns, key=lambda turn: turn[:2])[:most]]

    def _place(self, what: str, username: str) -> str:
        return hashlib.sha256(f"{self.seed} {what} {username}".encode("utf-8", "surrogatepass")).hexdigest()
