"""Rules about records: equal records of two members, and references without an address.

Of each member only digests and counts are kept, never a record.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

from sandbox.core import files
from sandbox.score.fhir import bundles
from sandbox.score.fhir.searches import SEARCHES

PERSONAL = frozenset(SEARCHES) - {"Provenance"}
"""Types of records that are about one member."""
MOST_RECORDS = 400
"""Of one member that are compared: a claim alike may be chance, hundreds are not."""
LEAST_RECORDS = 3
LEAST_REFERENCES = 5
DEEPEST = 40
_UNSAID = frozenset({"id", "meta", "text", "identifier", "reference", "display", "resourceType"})
"""What makes two copies of one record look different, or different ones alike."""
_TELLING = re.compile(r"\d{4}-\d\d|\d+\.\d\d")


@dataclass
class _Member:
    patient: str
    keys: set[str] = field(default_factory=set)
    prints: set[bytes] = field(default_factory=set)


class Records:
    """The records of one examination, by member."""

    def __init__(self) -> None:
        self._members: list[_Member] = []
        self._literal: Counter[str] = Counter()
        self._logical: Counter[str] = Counter()

    def begin(self, patient: str) -> None:
        """Start a member: the records that follow were returned for this patient."""
        self._members.append(_Member(patient))

    def take(self, resource: dict[str, Any], key: str) -> None:
        """Add a resource that was returned."""
        if not self._members or not key or bundles.type_of(f"{key}/") not in PERSONAL:
            return
        member = self._members[-1]
        if key in member.keys or len(member.keys) >= MOST_RECORDS:
            return
        member.keys.add(key)
        values, telling = [], 0
        for name, value in leaves(resource, self._count):
            values.append(f"{name}={value}")
            telling += bool(_TELLING.match(str(value))) or type(value) is float
        if telling >= 2:
            member.prints.add(hashlib.sha256(files.json_bytes(sorted(values))).digest())

    def notes(self) -> Iterator[tuple[str, str]]:
        """Yield (rule, text) of what is wrong."""
        for first, second in combinations(self._members, 2):
            if first.patient == second.patient:
                continue
            if first.keys and first.keys == second.keys:
                yield "same-records", "two members get the same records"
            elif len(first.prints) >= LEAST_RECORDS and first.prints == second.prints:
                yield "same-records", "two members have the same records under different ids"
        logical, literal = self._logical.total(), self._literal.total()
        if logical >= LEAST_REFERENCES and logical > literal:
            counts = f"{logical} references have only an identifier, {literal} have an address"
            yield "references-logical", f"to organizations, practitioners and locations {counts}"
            return
        for name, count in sorted(self._logical.items()):
            if count >= LEAST_REFERENCES and count > self._literal[name]:
                counts = f"{count} references have only an identifier, {self._literal[name]} have an address"
                yield "references-logical", f"in {name} {counts}"

    def _count(self, name: str, reference: dict[str, Any]) -> None:
        """Count a Reference to anything but the member's own records, by its element."""
        address = reference.get("reference")
        if isinstance(address, str) and address:
            kind = bundles.type_of(f"{address}/")
            self._literal[name] += address[:1] != "#" and kind not in PERSONAL and kind != "Patient"
        elif isinstance(reference.get("identifier"), dict):
            self._logical[name] += reference.get("type") not in (*PERSONAL, "Patient")


def leaves(resource: dict[str, Any], referred: Any = None) -> Iterator[tuple[str, Any]]:
    """Yield name and value of each primitive in a resource, except _UNSAID.

    `referred` is called with the name and value of each Reference.
    """
    waiting: list[tuple[str, Any, int]] = [("", resource, 0)]
    while waiting:  # not recursive: a stranger decides how deep this goes
        name, value, depth = waiting.pop()
        if depth > DEEPEST:
            continue
        if type(value) is dict:
            if referred is not None and depth and ("reference" in value or _is_logical(value)):
                referred(name, value)
            waiting += [(inner, item, depth + 1) for inner, item in value.items() if inner not in _UNSAID]
        elif type(value) is list:
            waiting += [(name, item, depth + 1) for item in value]
        else:
            yield name, value


def _is_logical(value: dict[str, Any]) -> bool:
    """Whether a dict is a Reference by identifier, with nothing but the fields of References."""
    return type(value.get("identifier")) is dict and value.keys() <= {"identifier", "type", "display", "id"}
