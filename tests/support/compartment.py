"""`$everything` said slowly and plainly, as `oracle` says searches; and what is asked of it, drawn.

Written from R4 (Patient/$everything): what is in the patient's compartment and in force, by the dates of
care where there are any, and the shared resources that it refers to anywhere. Nothing of the server's is
imported.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from support.oracle import PARAMETERS, SHARED, Oracle, Resource, at, named, span, spans
from support.searches import Answer, Args

CARE = {
    "ExplanationOfBenefit": ("billablePeriod",),
    "CarePlan": ("period",),
    "Condition": ("recordedDate", "onsetDateTime", "onsetPeriod"),
    "DiagnosticReport": ("effectiveDateTime", "effectivePeriod"),
    "DocumentReference": ("date",),
    "Encounter": ("period",),
    "Immunization": ("occurrenceDateTime",),
    "Media": ("createdDateTime", "createdPeriod"),
    "MedicationDispense": ("whenHandedOver",),
    "MedicationRequest": ("authoredOn",),
    "Observation": ("effectiveDateTime", "effectivePeriod", "effectiveTiming", "effectiveInstant"),
    "Procedure": ("performedDateTime", "performedPeriod"),
    "QuestionnaireResponse": ("authored",),
    "ServiceRequest": ("authoredOn",),
}
"""Type → when the care was; what is not here has no date of care and is always in."""


@dataclass(frozen=True)
class Asked:
    """One call of the operation on a patient."""

    patient: str
    args: tuple[tuple[str, str], ...]


def everything(oracle: Oracle, asked: Asked) -> list[Resource]:
    """All that the answer holds, in order."""
    args = dict(asked.args)
    own = [r for r in _current(oracle) if r["resourceType"] not in SHARED and oracle.sees(r, asked.patient)]
    own = [r for r in own if _cared(r, args.get("start"), args.get("end"))]
    pointed = {name for r in own for name in _mentioned(r)}
    found = [*own, *(r for r in _current(oracle) if _name(r) in pointed and r["resourceType"] in SHARED)]
    if types := {t for name, text in asked.args if name == "_type" for t in text.split(",")}:
        found = [r for r in found if r["resourceType"] in types]
    if "_since" in args:
        since = span(args["_since"])[0]
        found = [r for r in found if _updated(r) >= since]
    return sorted(found, key=lambda r: oracle.place[_name(r)])


def _current(oracle: Oracle) -> Iterator[Resource]:
    return (oracle.order[place] for place in oracle.place.values())


def _name(resource: Resource) -> tuple[str, str]:
    return resource["resourceType"], resource["id"]


def _updated(resource: Resource) -> Any:
    return span(resource["meta"]["lastUpdated"])[0]


def _cared(resource: Resource, start: str | None, end: str | None) -> bool:
    """Whether the care was between, in part at least; from its first to its last date."""
    seen = [
        s for path in CARE.get(resource["resourceType"], ()) for v in at(resource, path) for s in spans(v)
    ]
    if not seen:
        return True
    lows, highs = [s[0] for s in seen], [s[1] for s in seen]
    last: datetime | None = None if None in highs else max(h for h in highs if h)
    first: datetime | None = None if None in lows else min(low for low in lows if low)
    after = start is None or last is None or last > _edge(start, 0)
    before = end is None or first is None or first < _edge(end, 1)
    return after and before


def _edge(text: str, side: int) -> datetime:
    edge = span(text)[side]
    assert edge is not None
    return edge


def _mentioned(node: Any) -> Iterator[tuple[str, str]]:
    """Whatever a resource refers to, however deep."""
    if isinstance(node, list):
        for each in node:
            yield from _mentioned(each)
    elif isinstance(node, dict):
        if isinstance(node.get("reference"), str) and (found := named(node)):
            yield found
        for each in node.values():
            yield from _mentioned(each)


def calls(oracle: Oracle, patients: Sequence[str] = ()) -> st.SearchStrategy[Asked]:
    """Calls drawn from what the data of these patients hold, or of any."""
    if not patients:
        everybody = [str(r["id"]) for r in oracle.by_type["Patient"]]
        patients = everybody + [p for p in everybody if p.startswith("odd")] * 3
    kinds = sorted(PARAMETERS)

    @st.composite
    def drawn(draw: st.DrawFn) -> Asked:
        patient = draw(st.sampled_from(patients))
        mine = [r for r in _current(oracle) if r["resourceType"] not in SHARED and oracle.sees(r, patient)]
        dates = [
            t for r in mine for p in CARE.get(r["resourceType"], ()) for v in at(r, p) for t in _texts(v)
        ]
        args: Args = []
        for name in ("start", "end"):
            if dates and draw(st.booleans()):
                args.append((name, _cut(draw, draw(st.sampled_from(dates)))))
        if draw(st.integers(0, 3)) == 0:
            text = draw(st.sampled_from([r["meta"]["lastUpdated"] for r in mine]))
            args.append(("_since", text if draw(st.booleans()) else text[:10]))
        if draw(st.booleans()):
            some = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=4, unique=True))
            split = draw(st.booleans())
            args += [("_type", kind) for kind in some] if split else [("_type", ",".join(some))]
        if draw(st.booleans()):
            args.append(("_count", str(draw(st.sampled_from((0, 1, 3, 10, 50, 200, 500))))))
        return Asked(patient, tuple(args))

    return drawn()


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [value[edge] for edge in ("start", "end") if edge in value]


def _cut(draw: st.DrawFn, text: str) -> str:
    return text[: draw(st.sampled_from((4, 7, 10, 10, 99)))]


def agree(oracle: Oracle, asked: Asked, answer: Answer) -> None:
    """Server and oracle agree: the same resources in the same order, the total, the pages' lengths."""
    ids = [_name(r) for r in everything(oracle, asked)]
    size = int(dict(asked.args).get("_count", 50))
    assert answer.total == len(ids), asked
    if size == 0:
        assert (answer.matches, answer.pages) == ([], [0]), asked
        return
    assert answer.matches == ids, asked
    lengths = [size] * (len(ids) // size) + ([len(ids) % size] if len(ids) % size else [])
    assert answer.pages == (lengths or [0]), asked
