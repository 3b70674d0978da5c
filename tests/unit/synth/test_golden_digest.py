"""The bytes of a small population, kept as a digest, so that a change of them is never an accident.

After a change that is meant, rewrite the digest and commit it with the change:

    python tests/unit/synth/test_golden_digest.py
"""

from __future__ import annotations

import hashlib
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
GOLDEN = ROOT / "fixtures" / "golden" / "digest.json"
SEED, MEMBERS, TODAY = 1, 20, date(2025, 11, 1)


def measure() -> dict[str, Any]:
    """What is compared."""
    from sandbox.core.files import json_bytes
    from sandbox.synth.population import generate, load_spec

    digest, count = hashlib.sha256(), 0
    for dossier in generate(load_spec(ROOT / "fixtures"), members=MEMBERS, seed=SEED, today=TODAY):
        for resource in dossier.resources:
            digest.update(json_bytes(resource) + b"\n")
            count += 1
    return {
        "seed": SEED,
        "members": MEMBERS,
        "today": TODAY.isoformat(),
        "resources": count,
        "sha256": digest.hexdigest(),
    }


def test_the_bytes_are_those_of_the_golden_digest() -> None:
    from sandbox.core.files import read_json

    assert measure() == read_json(GOLDEN)


def test_no_installed_library_decides_what_people_are_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lists of Faker change with its releases: `make names` copies them, on purpose."""
    from sandbox.synth.population import generate, load_spec

    monkeypatch.setitem(sys.modules, "faker", None)
    assert len(list(generate(load_spec(ROOT / "fixtures"), members=3, seed=SEED, today=TODAY))) == 4


def test_the_lists_can_be_made_anew() -> None:
    from sandbox.core.files import parse_yaml, read_yaml
    from sandbox.synth.config import faker_pools, fixture, name_pools

    fresh = parse_yaml(faker_pools.render())
    assert set(fresh) == set(read_yaml(ROOT / "fixtures" / "names.yaml"))
    assert name_pools.sample(fixture.parse(fresh, name_pools.Names, "names.yaml"), SEED, "OR").state == "OR"


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    from sandbox.core.files import json_pretty

    GOLDEN.write_bytes(json_pretty(measure()))
    print(f"rewrote {GOLDEN}")
