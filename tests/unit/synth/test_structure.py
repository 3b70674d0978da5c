"""Every kind of resource has the R4 structure and CARIN's must-haves; the guides agree, where present."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from support.conformance import validate
from unit.synth.dossiers import of_every_profile

from sandbox.core.files import json_bytes
from sandbox.synth.config.spec import Spec
from sandbox.synth.population import generate

pytestmark = pytest.mark.slow

GUIDES = Path(__file__).resolve().parents[4] / "shared" / "igs"
SAMPLE = 4  # of each profile: the models are slow


def test_a_sample_of_every_profile_conforms(resources: list[dict[str, Any]]) -> None:
    sample = list(of_every_profile(resources, SAMPLE))
    assert {resource["id"]: problems for resource in sample if (problems := validate(resource))} == {}
    assert len({resource["meta"]["profile"][0] for resource in sample}) >= 50


@pytest.mark.guides
@pytest.mark.skipif(
    not GUIDES.is_dir(), reason="the Implementation Guide packages are not beside the checkout"
)
def test_the_guides_find_no_error_in_fifty_members(spec: Spec, today: date, tmp_path: Path) -> None:
    """Of every profile, resources from all over the population: `make validate` takes every one."""
    made = generate(spec, members=50, seed=1, today=today)
    lines = [json_bytes(resource) for resource in of_every_profile(r for d in made for r in d.resources)]
    (tmp_path / "all.ndjson").write_bytes(b"\n".join(lines))
    command = [sys.executable, str(GUIDES / "validate"), "--require-profile", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
