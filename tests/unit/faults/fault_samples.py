"""Scenarios, worlds and gates as small as a test needs."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sandbox.core.clock import FrozenClock
from sandbox.core.gates import Facts, Gates
from sandbox.faults.catalog import Selection, read
from sandbox.faults.effects.base import World
from sandbox.faults.scenario import VERBS, Scenario
from sandbox.fhir.library import Stored, entry_address

FHIR = Facts(method="GET", path="/fhir/Patient", resource="Patient", caller="c1")


def world(seed: str = "1") -> World:
    """A world whose counters live in memory and whose clock stands."""
    counts: Counter[str] = Counter()
    windows: dict[str, tuple[int, int]] = {}

    def count(name: str) -> int:
        counts[name] += 1
        return counts[name]

    def window(name: str, now: int, length: int) -> tuple[int, int]:
        made, since = windows.get(name, (0, now))
        windows[name] = (1, now) if since + length <= now else (made + 1, since)
        return windows[name]

    def resources(patient: str, kind: str, most: int) -> list[Stored]:
        return [Stored(1, kind, patient, patient, b"{}", "1", 0, entry_address(kind, patient))][:most]

    clock = FrozenClock(datetime(2025, 6, 15, tzinfo=UTC))
    return World(clock, seed, count, window, fhir="http://h/fhir", resources=resources)


def scenario(id: str = "some", **more: Any) -> Scenario:
    return Scenario.model_validate(
        {
            "id": id,
            "title": "Something happens",
            "story": "It hurts.",
            "area": "data",
            "expect": {},
            "shows": [{"sign_in": "maria"}],
            "reproduce": "payer-sandbox serve",
            **more,
        }
    )


def gates(*rules: dict[str, Any], at: World | None = None, id: str = "some") -> Gates:
    return Selection((scenario(id, rules=list(rules)),)).bind(at or world())


def act(verb: str, value: Any, /, facts: Facts = FHIR, at: World | None = None, **parameters: Any) -> Any:
    """What a verb makes of a value."""
    effect = VERBS[verb].model_validate({"do": verb, **parameters})
    return effect(value, facts, at or world())


GOOD = """
id: some
title: Something happens
story: It hurts.
area: data
expect: {}
shows: [{sign_in: maria}]
reproduce: payer-sandbox serve
"""
"""A file of a scenario, to which tests add."""


def complaints(folder: Path, text: str, name: str = "some.yaml") -> list[str]:
    """What is said of a file that is no scenario."""
    (folder / name).write_text(text)
    problems = read(folder / name)
    assert isinstance(problems, list), problems
    return problems
