"""A cause of lost points, and merging causes of the same id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sandbox.score.evidence import Exchange

MOST_EXCHANGES = 5
"""Exchanges that a cause keeps."""


@dataclass(frozen=True)
class LossCause:
    """Why points are lost: `count` times, with exchanges that show it.

    `id` is an entry of the metric's guidance; `about` names what it hits, such as resource types.
    """

    id: str
    count: int = 1
    about: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


def merge(causes: Iterable[LossCause]) -> tuple[LossCause, ...]:
    """Merge causes of the same id, and sort them by count."""
    merged: dict[str, LossCause] = {}
    for cause in causes:
        before = merged.get(cause.id)
        if before is None:
            merged[cause.id] = replace(cause, exchanges=cause.exchanges[:MOST_EXCHANGES])
        else:
            merged[cause.id] = LossCause(
                cause.id,
                before.count + cause.count,
                tuple(dict.fromkeys((*before.about, *cause.about))),
                (*before.exchanges, *cause.exchanges)[:MOST_EXCHANGES],
            )
    return tuple(sorted(merged.values(), key=lambda cause: -cause.count))
