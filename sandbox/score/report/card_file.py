"""A card as a file: the published form (`card.schema.json`), and reading one back for a comparison.

A card may come from another version of the scorer: fields that are not known are ignored.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem, describe_first
from sandbox.score.evidence import Source
from sandbox.score.findings import Level


class _CardModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class MetricEntry(_CardModel):
    id: str
    points: int = Field(ge=0)
    max: int = Field(ge=0, description="0 when the edition leaves the metric out")
    band: str
    value: str | float | list[str] | None = Field(description="A number in the metric's unit, or names")
    n: int = Field(ge=0, description="The number of attempts, requests or other items that were counted")
    source: Source
    reason: str = Field(description="What was observed, in one line")
    fix: str = Field(
        description="What the payer can do to gain the lost points; the same as `next` if only the person"
        " who grades can do something; empty when no points are lost"
    )


class VendorEntry(_CardModel):
    score: int
    max: int
    score_stated: int
    max_stated: int


class VendorView(_CardModel):
    metrics: list[str] = Field(description="The metrics that the report marks for vendors")
    stated_adds: list[str] = Field(description="The metrics that make up the difference to the stated sum")
    note: str


class Gain(_CardModel):
    metric: str
    points: int
    seen: bool = Field(description="false: the scorer could not see whether the points are earned")
    fix: str
    next: str = ""
    help: str = ""


class LintEntry(_CardModel):
    rule: str
    level: Level
    text: str
    count: int = Field(ge=1)
    where: str
    request_id: str
    cite: str
    fix: str
    help: str = ""


class CauseEntry(_CardModel):
    id: str
    count: int
    about: list[str]
    means: str
    fix: str
    next: str
    help: str


class ExchangeEntry(_CardModel):
    method: str
    url: str
    status: int = Field(description="0 without a complete response; `note` then says why")
    ms: float
    step: str
    request_id: str
    note: str
    flaw: str


class Detail(_CardModel):
    title: str
    area: str
    unit: str
    vendor: bool
    why: str
    cites: list[str]
    disagreement: str = Field(description="How a claim, a log and an observation differ")
    next: str = Field("", description="What the person who grades can do so that the scorer sees more")
    help: str = Field("", description="The documentation page of this metric, at the first cause")
    causes: list[CauseEntry] = Field([], description="Why points are lost, most frequent first")
    evidence: list[ExchangeEntry]


class CardFile(_CardModel):
    """What a payer earned. The true score lies in `range`; its upper end counts unseen metrics in full."""

    model_config = ConfigDict(frozen=True, extra="ignore", title="Score card of a Patient Access API")

    edition: str
    target: str
    taken: str = Field("", description="UTC, ISO 8601; empty if it is not known")
    sample_seed: int | None = Field(
        None, description="The seed of the sample of members; null without a sample"
    )
    score: int
    max: int
    range: tuple[int, int]
    metrics: list[MetricEntry]
    vendor: VendorEntry
    vendor_view: VendorView | None = Field(
        None, description="Which metrics count, and why there are two sums"
    )
    notes: list[str] = Field([], description="What the person who grades should know about this examination")
    findings: list[str] = Field([], description="Where claims, logs and observations differ, one line each")
    gains: list[Gain] = []
    lint: list[LintEntry] = Field([], description="Findings that do not affect the score")
    details: dict[str, Detail] = {}

    def points(self) -> dict[str, int]:
        return {entry.id: entry.points for entry in self.metrics}


def schema() -> bytes:
    """The JSON Schema of a card, as published."""
    return files.json_schema(CardFile.model_json_schema())


def read(path: Path) -> CardFile:
    """A card in a JSON file. Raises FileProblem naming the file and the first thing wrong with it."""
    try:
        return CardFile.model_validate(files.read_json(path))
    except ValidationError as problem:
        raise FileProblem(f"{path}: not a score card: {describe_first(problem, 'the document')}") from None
