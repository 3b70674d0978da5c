"""Writers that create, replace and delete at random, by clocks that jump: a tenant's layer for the oracle."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from sandbox.core.clock import FrozenClock
from sandbox.core.files import json_value
from sandbox.fhir.dates import milliseconds
from sandbox.fhir.library import Library
from sandbox.fhir.schema.paths import owner
from sandbox.store.layered.library import TenantLibraries
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.written import WrittenChange
from support.crowd import BASE, NOW, Crowd
from support.oracle import PARAMETERS, Oracle, Resource, Written, named
from support.stores import place

DAYS = (-4000, -300, -30, -2, -1, 0, 0, 0, 1, 40)
"""Where the clock stands when something is written, in days from NOW."""

_OWNERS = ("patient", "subject", "beneficiary", "target")


class Scribbled:
    """A tenant of `crowd` whose clients have written `number` times. `library(now)` answers."""

    def __init__(self, folder: Path, crowd: Crowd, number: int, seed: int):
        self.ledger = Ledger(place(folder / "ledger.db"), FrozenClock(NOW))
        self.tenant = self.ledger.tenant("~scribbled")
        self.libraries = TenantLibraries(crowd.library)
        self.written: list[Written] = []
        self._crowd, self._random, self._names = crowd, Random(seed), 0
        self._resources = [r for r in crowd.oracle.order if r["resourceType"] in PARAMETERS]
        self._fresh: dict[str, list[str]] = {}
        while len(self.written) < number:
            self._write()

    def library(self) -> Library:
        return self.libraries.of_tenant(self.tenant.written, self.tenant.tenant_state().revision)

    def oracle(self, now: datetime) -> Oracle:
        return Oracle(self._crowd.resources, now, BASE, self.written)

    def _write(self) -> None:
        chance = self._random
        at = NOW + timedelta(days=chance.choice(DAYS), milliseconds=chance.randrange(3))
        model = chance.choice(self._resources)
        kind = model["resourceType"]
        if chance.random() < 0.4:
            self._names += 1
            id = f"new-{self._names}"
        else:
            written = [w.id for w in self.written if w.kind == kind]
            built = [r["id"] for r in self._resources if r["resourceType"] == kind]
            id = chance.choice(chance.choice([built, written or built]))
        current = self.library().read(kind, id, milliseconds(at))
        resource = None
        if current is None or chance.random() < 0.7:
            resource = self._retargeted(model) | {"id": id}
            self._fresh.setdefault(kind, []).append(id)
        patient = owner(resource) if resource else None
        if resource and kind == "Provenance":
            patient = self._crowd.oracle._owner(resource)
        change = WrittenChange(kind, id, resource, patient, current)
        (version,) = self.tenant.written.write([change], milliseconds(at))
        self.written.append(Written(kind, id, at, json_value(version.body) if version.body else None))

    def _retargeted(self, model: Resource) -> dict[str, Any]:
        """A copy of which some references point to what was written; the patient's stay."""

        def changed(node: Any, name: str = "") -> Any:
            if isinstance(node, list):
                return [changed(each, name) for each in node]
            if not isinstance(node, dict):
                return node
            target = named(node) if isinstance(node.get("reference"), str) else None
            fresh = self._fresh.get(target[0]) if target else None
            if target and fresh and name not in _OWNERS and self._random.random() < 0.5:
                return node | {"reference": f"{target[0]}/{self._random.choice(fresh)}"}
            return {key: changed(value, key) for key, value in node.items()}

        copy: dict[str, Any] = changed(json.loads(json.dumps(model)))
        return copy


def moments() -> list[datetime]:
    """Clocks at which a scribbled tenant is asked: between and after what was written."""
    return [NOW + timedelta(days=days, hours=1) for days in (-5000, -200, -1, 0, 41)] + [
        NOW + timedelta(milliseconds=1)
    ]
