"""Types that no guide speaks of are their patient's alone, everybody's or nobody's: by read, by search, by
include in both directions, by `$everything` and by history."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from support.reach import reader
from unit.fhir.fhir_samples import member

from sandbox.core.errors import BadRequest, Forbidden, NotFound
from sandbox.fhir.dates import FOREVER
from sandbox.fhir.library import Everything
from sandbox.fhir.schema.types import KNOWN, OTHERS, SHARED, TYPES, find
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from sandbox.store.library.write import build

NOW = FOREVER - 1
OWNED = sorted(kind for kind, row in OTHERS.items() if row.owner)
SEVERAL = sorted(kind for kind in OWNED if find(kind, "patient").several)  # type: ignore[union-attr]
NOBODYS = sorted(kind for kind, row in OTHERS.items() if not row.owner and kind not in SHARED)
PATIENTS = ("p1", "p2")


def at(path: str, *references: str) -> dict[str, Any]:
    """An element at a path, once for each reference."""
    head, dot, rest = path.partition(".")
    each = [at(rest, one) if dot else {"reference": one} for one in references]
    return {head: each if len(each) > 1 else each[0]}


def resource(kind: str, id: str, *patients: str) -> dict[str, Any]:
    path = OTHERS[kind].owner[0] if OTHERS[kind].owner else ""
    named = at(path, *(f"Patient/{patient}" for patient in patients)) if path and patients else {}
    number = [{"system": "urn:x", "value": f"{kind}-{id}"}]
    return {"resourceType": kind, "id": id, "identifier": number, **named}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    contents: list[Any] = [
        (None, [*member(patient), *(resource(kind, f"of-{patient}", patient) for kind in OWNED)])
        for patient in PATIENTS
    ]
    several = [resource(kind, "of-both", *PATIENTS) for kind in SEVERAL]
    several += [resource(kind, "of-none") for kind in OWNED]
    contents.append((None, [*several, *(resource(kind, "x") for kind in NOBODYS)]))
    contents.append((None, [resource(kind, "x") for kind in OTHERS if kind in SHARED]))
    path: Path = tmp_path_factory.mktemp("others") / "library.db"
    build(path, contents)
    return SqlLibrary(path)


def searched(library: SqlLibrary, patient: str | None, kind: str, *args: tuple[str, str]) -> list[str]:
    query = parse(kind, args, strict=True, page_size=500)
    page = reader(library, patient, NOW).search(query)
    return sorted(f"{s.type}/{s.id}" for s in (*page.matches, *page.included))


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("kind", OWNED)
def test_each_patient_sees_their_own_and_nothing_else(library: SqlLibrary, kind: str, patient: str) -> None:
    mine, other = f"of-{patient}", next(f"of-{each}" for each in PATIENTS if each != patient)
    assert reader(library, patient, NOW).read(kind, mine).patient == patient
    hidden = [other, "of-none", *(["of-both"] if kind in SEVERAL else [])]
    for id in hidden:
        with pytest.raises(NotFound):
            reader(library, patient, NOW).read(kind, id)
        with pytest.raises(NotFound):
            reader(library, patient, NOW).history(kind, id)
        for asked in ([("_id", id)], [("_id:not", mine)], [("_lastUpdated:missing", "true"), ("_id", id)]):
            assert searched(library, patient, kind, *asked) == []
    names = [name for name in ("patient", "subject") if find(kind, name)]
    for name in names:
        assert searched(library, patient, kind, (name, f"Patient/{patient}")) == [f"{kind}/{mine}"]
        with pytest.raises(Forbidden):
            searched(library, patient, kind, (name, other.removeprefix("of-")))
        assert searched(library, patient, kind, (f"{name}:missing", "true")) == []
    assert searched(library, patient, kind) == [f"{kind}/{mine}"]
    if find(kind, "identifier"):
        assert searched(library, patient, kind, ("identifier", f"urn:x|{kind}-{other}")) == []
        assert searched(library, patient, kind, ("identifier", f"{kind}-{mine}")) == [f"{kind}/{mine}"]


@pytest.mark.parametrize("patient", PATIENTS)
@pytest.mark.parametrize("kind", OWNED)
def test_includes_in_both_directions_stay_inside(library: SqlLibrary, kind: str, patient: str) -> None:
    here = sorted([f"{kind}/of-{patient}", f"Patient/{patient}"])
    assert searched(library, patient, kind, ("_include", f"{kind}:patient")) == here
    assert searched(library, patient, "Patient", ("_revinclude", f"{kind}:patient")) == here
    assert searched(library, patient, kind, ("_include:iterate", f"{kind}:*")) == here


@pytest.mark.parametrize("patient", PATIENTS)
def test_everything_is_the_patients_own_and_of_every_type(library: SqlLibrary, patient: str) -> None:
    asked = Everything(patient, types=tuple(KNOWN), count=1000)
    page = reader(library, patient, NOW).everything(asked)
    found = {(s.type, s.patient) for s in page.matches if s.type in OTHERS}
    assert found == {(kind, patient) for kind in OWNED}


@pytest.mark.parametrize("kind", [*OWNED, *NOBODYS])
def test_a_backend_service_sees_all_of_them(library: SqlLibrary, kind: str) -> None:
    found = searched(library, None, kind)
    if kind in NOBODYS:
        assert found == [f"{kind}/x"]
        for patient in PATIENTS:
            assert searched(library, patient, kind) == []
            with pytest.raises(NotFound):
                reader(library, patient, NOW).read(kind, "x")
        return
    both = [f"{kind}/of-both"] if kind in SEVERAL else []
    assert found == [*both, f"{kind}/of-none", f"{kind}/of-p1", f"{kind}/of-p2"]
    assert searched(library, None, kind, ("patient", "p1")) == [*both, f"{kind}/of-p1"]


@pytest.mark.parametrize("kind", sorted(kind for kind in OTHERS if kind in SHARED))
def test_what_is_shared_is_everybodys(library: SqlLibrary, kind: str) -> None:
    for patient in (*PATIENTS, None):
        assert searched(library, patient, kind) == [f"{kind}/x"]


def test_the_library_knows_which_types_it_has_beyond_the_guides(library: SqlLibrary, tmp_path: Path) -> None:
    assert library.others() == tuple(sorted(OTHERS))
    build(tmp_path / "plain.db", [(None, member("p1"))])
    assert SqlLibrary(tmp_path / "plain.db").others() == ()


def test_the_table_says_of_every_type_whose_it_is() -> None:
    assert not set(OTHERS) & set(TYPES)
    assert {"Claim", "Task", "Appointment", "Composition"} <= set(OWNED)
    assert {"PractitionerRole", "HealthcareService", "ValueSet", "InsurancePlan"} <= SHARED
    assert {"Group", "Slot", "Subscription", "Binary", "PaymentNotice", "Linkage"} <= set(NOBODYS)
    for kind in OWNED:
        assert kind not in SHARED
    with pytest.raises(BadRequest):
        parse("Claim", [("_include", "Claim:provider")])
