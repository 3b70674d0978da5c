"""A sample that misses no shape: some of every profile, from all over a population."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

EACH = 25


def of_every_profile(resources: Iterable[dict[str, Any]], each: int = EACH) -> Iterator[dict[str, Any]]:
    """At most `each` resources of each profile, evenly spread over those there are."""
    by_profile: dict[str, list[dict[str, Any]]] = {}
    for resource in resources:
        by_profile.setdefault(resource["meta"]["profile"][0], []).append(resource)
    for found in by_profile.values():
        step = max(1, len(found) // each)
        yield from found[::step][:each]
