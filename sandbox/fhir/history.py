"""vread and the history of one resource (R4 §3.1.0.3, §3.1.0.14): what was seen of it, and when.

A version that the tenant's clock has not come to does not exist. Who may not read the resource as it is
now reads none of its versions; each version must be within the token's reach itself, too: it may have
been another member's, or outside the part that granular scopes reach. Of what was deleted nothing is told but
that (410).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sandbox.core.errors import not_found
from sandbox.core.gates import Facts, Gates
from sandbox.fhir.library import Library, Stored
from sandbox.fhir.reader import part, shown, visible, within_reach


def version(
    library: Library,
    kind: str,
    id: str,
    version: str,
    patient: str | None,
    now: int,
    gates: Gates,
    facts: Facts,
    terms: Mapping[str, Any],
) -> Stored:
    """One version. `terms` are the keywords of `within_reach`, and so are the errors."""
    seen = _seen(library, kind, id, patient, now, terms)
    found = tuple(stored for stored in seen if stored.version == version)
    if not found:
        not_found(f"No such version of this {kind}")
    return shown(found, gates, facts)[0]


def history(
    library: Library,
    kind: str,
    id: str,
    patient: str | None,
    now: int,
    gates: Gates,
    facts: Facts,
    terms: Mapping[str, Any],
    since: int = 0,
) -> tuple[Stored, ...]:
    """The versions that came at `since` (ms) or later (R4 §3.1.0.14 `_since`), the newest first."""
    seen = _seen(library, kind, id, patient, now, terms)
    return shown(tuple(stored for stored in seen if stored.updated >= since), gates, facts)


def _seen(
    library: Library, kind: str, id: str, patient: str | None, now: int, terms: Mapping[str, Any]
) -> list[Stored]:
    within_reach(library, kind, id, patient, now, **terms)
    mine = [s for s in library.versions(kind, id, now) if visible(s, patient)]
    if not (limit := terms.get("limit")):
        return mine
    # At the moment when it began, a version is the one that a search finds.
    return [s for s in mine if part(library, [s], {kind: limit}, s.updated)]
