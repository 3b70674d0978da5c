"""Journals of two runs, made comparable: what may differ is named here, and nothing else may."""

from __future__ import annotations

from typing import Any

OWN = frozenset({"number", "request", "ms"})
"""Fields of a journal entry that belong to one run: its place among all tenants' entries, the request's
random id, and how long the machine took."""

MARKS = ("token", "query", "next", "marks", "issued")
"""Fields that hold digests of secrets. Secrets are random on purpose: each is told by when it was first
seen, so that one used twice, or a wrong one, still shows."""


def retold(entries: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries of one tenant, in order, as any other run must have them."""
    seen: dict[str, str] = {}
    return [
        {
            name: _named(value, seen) if name in MARKS else value
            for name, value in sorted(entry.items())
            if name not in OWN
        }
        for entry in entries
    ]


def _named(value: Any, seen: dict[str, str]) -> Any:
    if isinstance(value, dict):
        return {name: _named(each, seen) for name, each in sorted(value.items())}
    return seen.setdefault(value, f"secret {len(seen) + 1}")
