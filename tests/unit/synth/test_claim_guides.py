"""What editions of CARIN Blue Button want of claims; the guides agree, where they are present."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
from support.conformance import validate
from unit.synth.dossiers import elements, explanations, of_every_profile

from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.synth.config.spec import Spec
from sandbox.synth.fhir.guides import Guides
from sandbox.synth.population import Dossier, generate

pytestmark = pytest.mark.slow

GUIDES = Path(__file__).resolve().parents[4] / "shared" / "igs"
PACKAGES = ("hl7.terminology.r4#7.0.1", "hl7.fhir.us.core#7.0.0", "hl7.fhir.us.carin-bb#2.2.0")
LATEST = Guides(carin="2.2.0", us_core="7.0.0")
BASIS = Guides(carin="2.2.0", us_core="7.0.0", basis=True)
NAMES = {
    "Inpatient-Institutional",
    "Outpatient-Institutional",
    "Professional-NonClinician",
    "Pharmacy",
    "Oral",
}
ABOUT_CLAIMS = {"ExplanationOfBenefit", "Patient", "Coverage", "Organization", "Practitioner"}


def made(spec: Spec, today: date, guides: Guides, members: int = 40) -> list[Dossier]:
    return list(generate(spec, members=members, seed=1, today=today, guides=guides))


@pytest.mark.parametrize(
    ("guides", "ending"), [(Guides(), "|2.0.0"), (LATEST, "|2.2.0"), (BASIS, "-Basis|2.2.0")]
)
def test_all_five_profiles_occur_in_every_edition(
    spec: Spec, today: date, guides: Guides, ending: str
) -> None:
    profiles = {p for e in explanations(*made(spec, today, guides, 60)) for p in e["meta"]["profile"]}
    assert {p.rpartition("C4BB-ExplanationOfBenefit-")[2] for p in profiles} == {n + ending for n in NAMES}


def test_without_money_there_is_none_and_all_else_is_there(spec: Spec, today: date) -> None:
    bare, full = (explanations(*made(spec, today, guides)) for guides in (BASIS, LATEST))
    assert [e["id"] for e in bare] == [e["id"] for e in full]
    for eob, whole in zip(bare, full, strict=True):
        assert not {"amount", "net", "total", "currency"} & {name for name, _ in elements(eob)}, eob["id"]
        assert set(whole) - set(eob) == {"total"}
        assert len(eob["item"]) == len(whole["item"])


def test_the_oldest_edition_has_no_claims_without_money() -> None:
    with pytest.raises(UsageError, match=r"2\.0\.0 has no profiles without money"):
        Guides(carin="2.0.0", basis=True)


def test_one_of_every_profile_without_money_conforms(spec: Spec, today: date) -> None:
    of_each = {e["meta"]["profile"][0]: e for e in explanations(*made(spec, today, BASIS, 60))}
    assert [validate(eob) for eob in of_each.values()] == [[]] * len(NAMES)


@pytest.mark.guides
@pytest.mark.skipif(
    not GUIDES.is_dir(), reason="the Implementation Guide packages are not beside the checkout"
)
@pytest.mark.parametrize(
    ("guides", "packages"),
    [(Guides(), ()), (LATEST, PACKAGES), (BASIS, PACKAGES)],
    ids=["2.0", "2.2", "basis"],
)
def test_the_guides_find_no_error_in_claims(
    spec: Spec, today: date, tmp_path: Path, guides: Guides, packages: tuple[str, ...]
) -> None:
    told = (r for d in made(spec, today, guides) for r in d.resources if r["resourceType"] in ABOUT_CLAIMS)
    lines = [json_bytes(resource) for resource in of_every_profile(told)]
    (tmp_path / "all.ndjson").write_bytes(b"\n".join(lines))
    igs = [argument for package in packages for argument in ("--ig", package)]
    command = [sys.executable, str(GUIDES / "validate"), "--require-profile", *igs, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
