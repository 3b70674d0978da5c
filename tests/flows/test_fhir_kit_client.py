"""npm's fhir-kit-client, in Node: discovery, reads, searches, and paging to the end and back."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from support.smart_app import SmartApp

FOLDER = Path(__file__).parents[1] / "browser"
NODE = shutil.which("node")


@pytest.fixture
def seen(maria: SmartApp) -> dict[str, Any]:
    """What it saw of a member's data."""
    if NODE is None or not (FOLDER / "node_modules" / "fhir-kit-client").is_dir():
        pytest.skip("no Node, or no fhir-kit-client from npm here: make browser-packages")
    told = {"base": f"{maria.base}/fhir", "token": maria.tokens["access_token"], "patient": maria.patient}
    done = subprocess.run(
        [NODE, "fhir-kit.mjs"],
        input=json.dumps(told),
        cwd=FOLDER,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def test_fhir_kit_client_discovers_reads_searches_and_pages(seen: dict[str, Any], maria: SmartApp) -> None:
    assert seen["smart"] == {"authorize": f"{maria.base}/auth/authorize", "token": f"{maria.base}/auth/token"}
    assert {"patient", "type", "service-date", "_id", "_lastUpdated"} <= set(seen["searchable"])
    assert seen["can"] == ["read", "vread", "search-type"]
    assert seen["family"] == "Delgado"
    assert seen["posted"] == seen["got"] != []
    assert set(seen["included"]) == {"Organization", "Coverage"}
    assert (seen["insurer"], seen["version"], seen["history"]) == ("Organization", True, "history")
    assert [status[:3] for status in seen["batch"]] == ["200", "404"]
    assert seen["missing"] == {"status": 404, "type": "OperationOutcome"}
    for name, path in (
        ("walked", f"ExplanationOfBenefit?patient={maria.patient}"),
        ("sorted", f"ExplanationOfBenefit?patient={maria.patient}&_sort=-service-date"),
        ("everything", f"Patient/{maria.patient}/$everything"),
    ):
        pages = seen[name]["pages"]
        whole = [id for page in pages for id in page]
        assert whole == [resource["id"] for resource in maria.everything(path)], name
        assert len(whole) == seen[name]["total"], name
        assert len(pages) > 2, name
        assert len({len(page) for page in pages[:-1]}) == 1, name
        assert seen[name]["back"] == pages[::-1], name
