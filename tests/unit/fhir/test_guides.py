"""What CARIN Blue Button and US Core ask of a server's searches is advertised, and understood."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.core.files import json_value
from sandbox.core.payer import BASELINE
from sandbox.fhir.capability import ServerDescription, capability_statement, served
from sandbox.fhir.schema.types import KNOWN, OTHERS, SHARED
from sandbox.fhir.search.query import parse

STATEMENTS = Path(__file__).resolve().parents[4] / "shared" / "igs" / "capabilities"
GUIDES = (
    "hl7.fhir.us.carin-bb-2.0.0_c4bb",
    "hl7.fhir.us.carin-bb-2.2.0_c4bb",
    "hl7.fhir.us.core-6.1.0_us-core-server",
)
NOT_HELD = {"Endpoint", "HealthcareService", "PractitionerRole", "Questionnaire", "ValueSet"}
R4 = STATEMENTS.parent / "packages" / "hl7.fhir.r4.core-4.0.1.tgz"
NEVER_KEPT = {"Bundle", "Parameters", "OperationOutcome"}
SAMPLE = {"token": "a", "date": "ge2020", "reference": "x", "string": "a"}

pytestmark = [
    pytest.mark.guides,
    pytest.mark.skipif(
        not STATEMENTS.is_dir(), reason="the Implementation Guide packages are not beside the checkout"
    ),
]


def asked(guide: str) -> Iterator[tuple[str, str]]:
    """Each resource type of a guide's CapabilityStatement, and the text about it."""
    for block in (STATEMENTS / f"{guide}.txt").read_text().split("\n\n"):
        if found := re.match(r"(\w+) \[", block.strip()):
            yield found[1], block


def listed(block: str, what: str) -> list[str]:
    found = re.search(rf"(?m)^   {what}: (.+)$", block)
    return re.split(r"[,;] ", found[1]) if found else []


def ours() -> dict[str, dict[str, Any]]:
    kinds = served(BASELINE)
    server = ServerDescription("API", "https://h/fhir", "2026-01-01", "1", BASELINE, kinds, kinds)
    statement = capability_statement(server)
    return {row["type"]: row for row in statement["rest"][0]["resource"]}


@pytest.mark.parametrize("guide", GUIDES)
def test_every_parameter_and_include_the_guide_names_is_ours(guide: str) -> None:
    rows, counted = ours(), 0
    for kind, block in asked(guide):
        if kind in NOT_HELD:
            continue
        params = {(p["name"], p["type"]) for p in rows[kind]["searchParam"]}
        for name, how in re.findall(r":([\w-]+)\((\w+)\)", " ".join(listed(block, "search"))):
            assert (name, how) in params, (kind, name)
            assert len(parse(kind, [(name, SAMPLE[how])], strict=True).clauses) == 1
            counted += 1
        for what, ours_ in (("include", "searchInclude"), ("revinclude", "searchRevInclude")):
            for text in listed(block, what):
                include = text.partition(":")[2]
                assert ":".join(include.split(":")[:2]) in rows[kind][ours_], (kind, include)
                assert parse(kind, [(f"_{what}", include), (f"_{what}:iterate", include)]).includes
                counted += 1
    assert counted >= 20


def test_every_combination_us_core_names_is_told_and_understood() -> None:
    rows, counted = ours(), 0
    for kind, block in asked(GUIDES[-1]):
        if kind in NOT_HELD:
            continue
        told = {
            tuple(sorted(part["valueString"] for part in each["extension"]))
            for each in rows[kind].get("extension", ())
        }
        for text in listed(block, "combos"):
            names = text.partition(":")[2].split("+")
            assert tuple(sorted(names)) in told, (kind, names)
            types = {p["name"]: p["type"] for p in rows[kind]["searchParam"]}
            query = parse(kind, [(name, SAMPLE[types[name]]) for name in names], strict=True)
            assert len(query.clauses) == len(names)
            counted += 1
    assert counted >= 50


def definitions(*prefixes: str) -> Iterator[dict[str, Any]]:
    """R4's own definitions whose file begins so."""
    with tarfile.open(R4) as archive:
        for member in archive:
            if member.name.startswith(tuple(f"package/{prefix}" for prefix in prefixes)):
                found = archive.extractfile(member)
                assert found is not None
                yield json_value(found.read())


def test_every_type_of_r4_is_known_and_those_of_a_patients_compartment_have_an_owner() -> None:
    shapes = {
        shape["type"]: {element["path"] for element in shape["snapshot"]["element"]}
        for shape in definitions("StructureDefinition-")
        if (shape["kind"], shape.get("derivation"), shape["abstract"])
        == ("resource", "specialization", False)
    }
    assert set(shapes) - NEVER_KEPT == set(KNOWN)
    (compartment,) = definitions("CompartmentDefinition-patient")
    inside = {row["code"] for row in compartment["resource"] if row.get("param")}
    owned = {kind for kind, row in KNOWN.items() if row.owner or row.owned_through}
    assert inside - owned == {"Group"}, "a Group is of several patients"
    assert not inside & SHARED
    for kind, row in OTHERS.items():
        for path in row.owner:
            assert {f"{kind}.{path}", f"{kind}.{path}[x]"} & shapes[kind], (kind, path)
