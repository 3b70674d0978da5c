"""A library of a few dictionaries, and gates that do what a test says: fhir without a database."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sandbox.core.files import json_bytes
from sandbox.core.gates import Facts, Stage
from sandbox.fhir.library import Everything, Page, Stored, entry_address
from sandbox.fhir.schema.paths import owner
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.query import Query


def stored(resource: dict[str, Any], key: int = 1) -> Stored:
    kind, id = resource["resourceType"], resource["id"]
    return Stored(key, kind, id, owner(resource), json_bytes(resource), "1", 0, entry_address(kind, id))


class FakeLibrary:
    """Answers every search with all of a type; remembers what it was asked."""

    def __init__(self, resources: Sequence[dict[str, Any]]):
        self.rows = [stored(resource, key) for key, resource in enumerate(resources, 1)]
        self.asked: list[Query | Everything] = []
        self.points_to: tuple[Stored, ...] = tuple(self.rows)

    def read(self, kind: str, id: str, now: int) -> Stored | None:
        return next((s for s in self.rows if (s.type, s.id) == (kind, id)), None)

    def versions(self, kind: str, id: str, now: int) -> tuple[Stored, ...]:
        found = [s for s in self.rows if (s.type, s.id) == (kind, id) and s.updated <= now]
        return tuple(sorted(found, key=lambda s: -s.updated))

    def search(self, query: Query, now: int) -> Page:
        self.asked.append(query)
        found = tuple(s for s in self.rows if s.type == query.type and query.patient in (None, s.patient))
        return Page(found, total=len(found), last=found[-1].key if found else 0)

    def include(
        self, found: Sequence[Stored], includes: Iterable[Include], now: int, patient: str | None = None
    ) -> tuple[Stored, ...]:
        return tuple(s for s in self.points_to if s not in found)

    def everything(self, asked: Everything, now: int) -> Page:
        self.asked.append(asked)
        found = tuple(s for s in self.rows if s.patient == asked.patient)
        return Page(found, total=len(found))


class ArmedGates:
    """Gates armed with one function a stage; `met` lists the stages that ran, with the facts' type."""

    def __init__(self, **acts: Callable[[Any], Any]):
        self.acts = {Stage[name]: act for name, act in acts.items()}
        self.met: list[tuple[str, str | None]] = []

    def armed(self, stage: Stage) -> bool:
        return stage in self.acts

    def run(self, stage: Stage, value: Any, facts: Facts) -> Any:
        self.met.append((stage.name, facts.resource))
        return self.acts[stage](value) if stage in self.acts else value

    def fired(self) -> tuple[str, ...]:
        return ()
