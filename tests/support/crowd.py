"""A population for the oracle: generated members, two odd ones, and a library made of them."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

from sandbox.core.files import json_bytes, json_value
from sandbox.fhir.dates import milliseconds
from sandbox.settings import Settings
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build
from sandbox.synth.population import generate, load_spec
from support.odd_data import odd_member
from support.oracle import Oracle
from support.stores import place

BASE = "https://payer.example/s/x/fhir"
TODAY = date(2026, 1, 15)
NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)


class Crowd:
    """`library` answers of `resources`, `oracle` knows better; both at `now` (milliseconds)."""

    def __init__(self, folder: Path, members: int, seed: int):
        made = generate(load_spec(Settings().fixtures), members=members, seed=seed, today=TODAY)
        people = [list(dossier.resources) for dossier in made]
        other = next(r["id"] for p in people for r in p if r["resourceType"] == "Encounter")
        people += [list(odd_member(id, other, BASE)) for id in ("odd-1", "odd-2")]
        build(place(folder / "library.db"), [(None, person) for person in people])
        self.library = SqlLibrary(place(folder / "library.db"))
        self.now = milliseconds(NOW)
        self.resources = [json_value(json_bytes(r)) for p in people for r in p]
        self.oracle = Oracle(self.resources, NOW, BASE)
