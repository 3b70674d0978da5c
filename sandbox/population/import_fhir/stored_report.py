"""The report that a library keeps of the load that made it."""

from __future__ import annotations

from pathlib import Path

from sandbox.core.files import json_value
from sandbox.population.import_fhir.report import Report
from sandbox.store.library import read
from sandbox.store.library.schema import LOADED


def kept(place: str | Path) -> Report | None:
    """The report; None for a library that there is not, or that no load made. Raises FileProblem."""
    stored = read.noted(place, LOADED) if read.exists(place) else None
    return Report.from_json(json_value(stored)) if stored else None
