"""A payer of several characters: the scenarios there are, and more that change policies only."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from sandbox.settings import Settings
from support import stores
from support.running import listening


@contextmanager
def characters(settings: Settings, folder: Path, payers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A listening payer that has each of `payers` (name → changes of the character) as a scenario beside
    the usual ones. Yields its origin."""
    scenarios = folder / "scenarios"
    scenarios.mkdir()
    for path in settings.scenarios.glob("*.yaml"):
        (scenarios / path.name).write_bytes(path.read_bytes())
    for name, policies in payers.items():
        scenario = {
            "id": name,
            "title": "Other policies",
            "story": "A test's own.",
            "area": "sign-in",
            "cites": ["rfc6749#section-4.1"],
            "payer": policies,
            "expect": {},
            "shows": [{"get": "metadata", "then": {"status": 200}}],
            "reproduce": f"payer-sandbox serve --scenario {name}",
        }
        (scenarios / f"{name}.yaml").write_text(json.dumps(scenario))
    ours = replace(settings, scenarios=scenarios, ledger=stores.ledger(folder / "ledger.db"))
    with listening(ours) as origin:
        yield origin
