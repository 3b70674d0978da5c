"""Read the guidance of a metric from its file."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from sandbox.core import files

FOLDER = Path(__file__).parent


class _GuidanceModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Advice(_GuidanceModel):
    """One cause: what happened, what the payer can do (`fix`), what the grader can do (`next`)."""

    means: str
    fix: str = ""
    next: str = ""

    @model_validator(mode="after")
    def _addressed(self) -> Advice:
        if not (self.fix or self.next):
            raise ValueError("a cause has a fix, a next, or both")
        return self


class GuidanceLink(_GuidanceModel):
    """A place in a regulation, guide or RFC."""

    text: str
    url: str


class Guidance(_GuidanceModel):
    """What a metric measures, how it is counted, and its own causes; `uses` names groups of shared ones."""

    measures: str
    counted: list[str]
    uses: list[str] = []
    causes: dict[str, Advice] = {}
    links: list[GuidanceLink]

    @property
    def all_causes(self) -> dict[str, Advice]:
        """Its own causes, then the shared ones that it does not override."""
        shared = read_shared()
        causes = dict(self.causes)
        for group in (*self.uses, "unseen"):
            for name, advice in shared[group].items():
                causes.setdefault(name, advice)
        return causes


@cache
def read_guidance(metric: str) -> Guidance | None:
    """Read the guidance of a metric; None for a metric of a user's own edition."""
    path = FOLDER / f"{metric}.yaml"
    return Guidance.model_validate(files.read_yaml(path)) if path.is_file() else None


@cache
def read_shared() -> dict[str, dict[str, Advice]]:
    """Group → cause → advice."""
    groups = files.read_yaml(FOLDER / "shared.yaml")
    return {
        group: {name: Advice.model_validate(entry) for name, entry in causes.items()}
        for group, causes in groups.items()
    }
