"""The corpus of small folders is loaded as its table says; the examples of published guides load as they
come."""

from __future__ import annotations

import tarfile
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from data_folders import FOLDERS, body

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.population.import_fhir import Report, load

TODAY = date(2026, 12, 1)
PACKAGES = Path(__file__).resolve().parents[4] / "shared" / "igs" / "packages"
PUBLISHED = sorted(PACKAGES.glob("*.tgz")) if PACKAGES.is_dir() else []


def written(folder: Path, files: dict[str, Any]) -> Path:
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body(content))
    return folder


def loaded(folder: Path, **options: Any) -> tuple[Report, str]:
    """The report, and all that was handed over as text."""
    contents, report = load(folder, today=TODAY, **options)
    given = [each for _, resources in contents for each in resources]
    texts = [
        each if isinstance(each, bytes) else json_bytes(each) for each in given if not isinstance(each, tuple)
    ]
    return report, "\n".join(text.decode() for text in texts)


def counts(report: Report) -> dict[str, Any]:
    """What the report counts, without what is zero."""
    told = json_value(json_bytes(report)).items()
    plain = {name: value["count"] if set(value) == {"count", "first"} else value for name, value in told}
    return {name: value for name, value in plain.items() if value}


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_is_loaded_or_explained(name: str, tmp_path: Path) -> None:
    folder = FOLDERS[name]
    place = written(tmp_path / name, folder.files)
    if folder.problem:
        with pytest.raises(FileProblem) as refused:
            loaded(place)
        assert folder.problem in str(refused.value)
        assert len(str(refused.value).splitlines()) == 1
        return
    report, text = loaded(place)
    assert counts(report) == folder.report, folder.shows
    for kept in folder.kept:
        assert kept in text.replace('": ', '":')
    assert ("nobody can sign in" in str(report)) == ("logins" not in folder.report)


@pytest.mark.parametrize("name", [name for name, folder in FOLDERS.items() if folder.problem])
def test_what_cannot_be_used_is_left_out_and_counted_where_that_is_wanted(name: str, tmp_path: Path) -> None:
    place = written(tmp_path / name, FOLDERS[name].files)
    if name == "nothing-but-strays":
        return
    report, _ = loaded(place, skip_bad=True)
    assert report.bad.count >= 1


def test_the_corpus_shows_every_kind() -> None:
    assert len(FOLDERS) >= 40
    told = {folder.shows.partition(":")[0] for folder in FOLDERS.values()}
    assert {f"D{number}" for number in range(1, 17)} <= told


@pytest.mark.guides
@pytest.mark.skipif(not PUBLISHED, reason="the Implementation Guide packages are not beside the checkout")
@pytest.mark.parametrize("package", PUBLISHED, ids=lambda path: path.stem)
def test_the_examples_of_a_published_guide_load_as_they_come(package: Path, tmp_path: Path) -> None:
    with tarfile.open(package) as archive:
        found = [m for m in archive.getmembers() if m.isfile() and m.name.startswith("package/example/")]
        if not found:
            pytest.skip("a package without examples")
        archive.extractall(tmp_path, members=found, filter="data")
    report, text = loaded(tmp_path)
    handed = sum(report.loaded.values())
    assert report.bad.count == 0
    assert handed == len(text.splitlines()) > 0
    reported = sum(
        sum(count.values())
        for count in (report.same, report.existing, report.superseded, report.left_out, report.other_versions)
    )
    assert handed + reported + report.differing.count + report.personal.count == report.read >= len(found)
    assert report.left_out.keys() <= {"Parameters", "OperationOutcome"}
