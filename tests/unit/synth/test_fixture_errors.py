"""A wrong fixture is refused in one line that names the file and the field."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from sandbox.core.errors import FileProblem
from sandbox.synth.population import load_spec

FIXTURES = Path(__file__).resolve().parents[3] / "fixtures"


@pytest.mark.parametrize(
    ("file", "right", "wrong", "text"),
    [
        ("codes/conditions.yaml", "    visits: 2", "    visits: two", "chronic.diabetes.visits: "),
        ("codes/conditions.yaml", "    code: E11.9\n", "", "chronic.diabetes: 'code' is missing"),
        ("codes/conditions.yaml", "system: ", "sistem: ", "'system' is missing"),
        ("codes/services.yaml", 'fee: "149.00"', "fee: much", "services.office-visit.fee: "),
        ("codes/drugs.yaml", '"99999010101"', '"999990101"', "drugs.metformin: an NDC has 11 digits"),
        (
            "codes/drugs.yaml",
            'ndc: "99999090101"',
            'ndc: "1"',
            "compounds.omeprazole-suspension.ingredients.1",
        ),
        ("codes/vaccines.yaml", "2005-07-01", "2005-07-41", "vaccines.influenza-quadrivalent.used.0: "),
        ("codes/labs.yaml", "with: {diabetes", "when: {diabetes", "tests.a1c: 'with' is missing"),
        (
            "codes/allergies.yaml",
            "reaction: rash",
            "reaction: joy",
            "allergens.amoxicillin: 'joy' is missing",
        ),
        ("codes/allergies.yaml", 'rxnorm: "723"', 'rx: "723"', "a code stands under one of rxnorm, snomed"),
        ("codes/answers.yaml", "weight: 60", "weight: most", "questions.smoking.weights.0: "),
        ("codes/hospital.yaml", "nights: [2, 5]", "nights: [2]", "stays.pneumonia.nights.1"),
        (
            "members.yaml",
            "[diabetes, hypertension]",
            "[luck]",
            "members.0.conditions.0: no chronic condition",
        ),
        ("members.yaml", "role: eligible", "role: king", "members.0: no role 'king'"),
        ("members.yaml", "gender: female", "gender: unknown", "members.0.gender: "),
        ("members.yaml", "username: walter", "username: maria", "a username is there twice: maria"),
        (
            "members.yaml",
            "of: family\n    relation: spouse",
            "of: maria\n    relation: spouse",
            "maria is not the first",
        ),
        (
            "members.yaml",
            "relation: spouse",
            "relation: friend",
            "`of` goes with `relation`, one of spouse, child",
        ),
        ("members.yaml", "line: chip", "line: lottery", "a line of business is one of"),
        ("names.yaml", "\npostal_codes:", "\nzip_codes:", "'postal_codes' is missing"),
        ("population.yaml", "years: 1.5", "years: some", "years: "),
        ("population.yaml", "[2.2, 1.0, 1.1, 1.2]", "[2.2]", "stories.illness: a rate by age is 4 numbers"),
        ("population.yaml", "  diabetes: [0", "  luck: [0", "prevalence.luck.*: no chronic condition 'luck'"),
        ("population.yaml", "state: OR", "state: ZZ", "payer.state must be a state of names.yaml, not ZZ"),
        ("population.yaml", "  qhp:\n", "  lottery:\n", "lines must be "),
    ],
)
def test_one_line_names_file_and_field(tmp_path: Path, file: str, right: str, wrong: str, text: str) -> None:
    shutil.copytree(FIXTURES, tmp_path / "fixtures")
    path = tmp_path / "fixtures" / file
    content = path.read_text()
    assert right in content
    path.write_text(content.replace(right, wrong, 1))
    with pytest.raises(FileProblem, match=rf"{file}: .*{text}") as refused:
        load_spec(tmp_path / "fixtures")
    assert "\n" not in str(refused.value)
