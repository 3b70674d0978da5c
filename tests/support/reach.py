"""Readers for tests below HTTP: a reach that is what a test says, and a reader that has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sandbox.core.gates import OPEN, Facts, Gates
from sandbox.core.payer import BASELINE, PayerProfile
from sandbox.fhir.library import Library
from sandbox.fhir.reader import Reader
from sandbox.fhir.schema.types import KNOWN
from sandbox.fhir.search.clause import AnyOf

ALL = frozenset(KNOWN)


@dataclass(frozen=True)
class FixedReach:
    """The compartment, the types, and for some types what a resource must meet."""

    patient: str | None
    types: frozenset[str] = ALL
    parts: Mapping[str, AnyOf] = field(default_factory=dict)

    def is_user(self, kind: str, id: str) -> bool:
        return False

    def readable(self, kinds: Sequence[str]) -> frozenset[str]:
        return self.types.intersection(kinds)

    def limit(self, kind: str, action: str) -> AnyOf:
        return self.parts.get(kind, ())

    def limits(self, kinds: Sequence[str]) -> Mapping[str, AnyOf]:
        return self.parts


def reader(
    library: Library,
    patient: str | None,
    now: int = 0,
    *,
    gates: Gates = OPEN,
    payer: PayerProfile = BASELINE,
    **reach: Any,
) -> Reader:
    """A reader at a time of the clock (ms); `reach` are further fields of the reach."""
    return Reader(library, FixedReach(patient, **reach), tuple(KNOWN), payer, now, gates, Facts())
