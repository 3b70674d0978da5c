"""The resource types of R4 that no guide speaks of: served as they are loaded, with the basic searches.

`r4_types.json` says of each what follows from R4's own definitions: where its patient is, whether it is
shared, what it requires. A type is *shared* where nothing that R4 lets it refer to is about a person, or
where it is a definition. The others without a patient (a Group, a Slot, a PaymentNotice) are for backend
services alone: they may be about several members, or about one whom nothing here can tell.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sandbox.core.files import read_json
from sandbox.fhir.schema.model import ANY_ID, LAST_UPDATED, PATIENT, Param, Type, date, token


def other_types() -> tuple[dict[str, Type], frozenset[str]]:
    """The rows of these types by name, and the names of those that are shared."""
    listed = read_json(Path(__file__).with_name("r4_types.json"))["types"]
    rows = {name: _row(name, entry) for name, entry in listed.items()}
    return rows, frozenset(name for name, entry in listed.items() if entry.get("shared"))


def _row(name: str, entry: dict[str, Any]) -> Type:
    paths = tuple(entry.get("patient", ()))
    params = [token(ANY_ID, "id"), date(LAST_UPDATED, "meta.lastUpdated")]
    if paths:
        several = entry.get("several", False)
        params.append(Param(PATIENT, "reference", paths, ("Patient",), several=several))
        if entry.get("subject"):
            params.append(
                Param("subject", "reference", paths, ("Patient",), same_as=PATIENT, several=several)
            )
    if entry.get("identifier"):
        params.append(token("identifier"))
    return Type(name, tuple(params), paths, required=tuple(entry.get("required", ())))
