"""The whole catalogue played once, by a process and a payer of its own, for comparison with another run.

    python -m support.rerun LIBRARY LEDGER INSTANT      (in tests/)

prints the journal of every tenant and the cards of what was graded, as JSON, without the port that the
payer happened to listen on.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from sandbox.core.clock import FrozenClock
from sandbox.faults.catalog import load
from sandbox.settings import Settings, root
from support.flagship import standing_grade
from support.running import listening
from support.showing import play

GRADED = (
    "searches-fail-at-random,share=0.25.state-dropped,share=0.15.references-dangle",
    "rate-limited.token-dies-mid-sync.consent-declined",
)
"""Those that leave the most to chance, together."""

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


Told = dict[str, list[dict[str, Any]]]


def started(library: str, ledger: str, at: datetime, hash_seed: int) -> subprocess.Popen[str]:
    """Such a run in a process, in which sets have an order of their own."""
    return subprocess.Popen(
        [sys.executable, "-m", "support.rerun", library, ledger, at.isoformat()],
        cwd=Path(__file__).parents[1],
        env={**os.environ, "PYTHONHASHSEED": str(hash_seed)},
        stdout=subprocess.PIPE,
        text=True,
    )


def _told(origin: str, clock: FrozenClock) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    for name, scenario in load(root() / "scenarios").by_id.items():
        play(f"{origin}/s/{name}~twice", clock, scenario)
        yield name, _journal(f"{origin}/s/{name}~twice")
    for selection in GRADED:
        card = standing_grade((origin, clock), selection, "twice")
        yield selection, _journal(f"{origin}/s/{selection}~twice")
        yield (
            f"card of {selection}",
            [
                {"metric": line.id, "points": line.points, "reason": line.reason.replace(origin, "")}
                for line in card.lines
            ],
        )
    yield "clock", [{"ended": clock.now().isoformat()}]


def _journal(prefix: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{prefix}/_sandbox/journal", params={"after": 0, "limit": 10_000})
    return retold(json.loads(answer.text.replace(f":{answer.url.port}/", "/"))["entries"])


def main(library: str, ledger: str, at: str) -> None:
    clock = FrozenClock(datetime.fromisoformat(at))
    with listening(Settings(library=library, ledger=ledger), clock) as origin:
        print(json.dumps(dict(_told(origin, clock))))


if __name__ == "__main__":
    main(*sys.argv[1:])
