"""One endpoint's result in a file: its card, or why there is none."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem
from sandbox.score.fleet.roster import Endpoint, Fleet, named
from sandbox.score.report.card_file import CardFile


class EndpointResult(BaseModel):
    """The result of one endpoint. `rules`: edition and readings; other rules do not resume it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    endpoint: Endpoint
    rules: str
    card: CardFile | None = None
    error: str = ""


def keep(folder: Path, result: EndpointResult) -> None:
    body = files.json_pretty(result.model_dump(mode="json"))
    files.write_whole(folder / f"{named(result.endpoint)}.json", body)


def kept(folder: Path, endpoint: Endpoint, rules: str) -> EndpointResult | None:
    """Return the result of an earlier run of this endpoint by these rules; None for a broken file."""
    path = folder / f"{named(endpoint)}.json"
    if not path.is_file():
        return None
    try:
        result = EndpointResult.model_validate(files.read_json(path))
    except (FileProblem, ValidationError):
        return None
    return result if (result.endpoint.url, result.rules) == (endpoint.url, rules) else None


def all_kept(folder: Path, fleet: Fleet, rules: str) -> list[EndpointResult]:
    results = (kept(folder, endpoint, rules) for endpoint in fleet.counted)
    return [result for result in results if result is not None]
