"""Causes of refusals: an id, why it happens and how to repair it, from the causes.yaml of each API.

A refusal carries the id of its cause from where it is raised to the journal. A refusal without one gets
the general cause of its status.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from sandbox.core.errors import FileProblem
from sandbox.core.files import parse_yaml
from sandbox.faults import one_shot
from sandbox.faults.verbs import VERBS
from sandbox.web.api import Apis

_REFUSING = {"REQUEST", "AUTHORIZE", "QUERY", "RESPONSE"}
"""Gates whose effects may refuse a request."""


class Cause(BaseModel):
    """Why a request was refused and how to repair it, one sentence or two each.

    `cites` are sections of specifications. `status` makes it the general cause of that status (0: of every
    other one). `repairs` replaces `repair` for some statuses.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    why: str
    repair: str
    cites: tuple[str, ...] = ()
    status: int | None = None
    repairs: Mapping[int, str] = {}


_FILE = TypeAdapter(dict[str, Cause])


@dataclass(frozen=True)
class Causes:
    """All causes by id, and the ids of the general ones by status."""

    by_id: Mapping[str, Cause]
    general: Mapping[int, str]


def files_of_causes(apis: Apis) -> list[Traversable]:
    """Return the files of what any request may meet, and of each API."""
    return [resources.files(__package__) / "causes.yaml", *apis.causes()]


def load_causes(files: Iterable[Traversable]) -> Causes:
    """Return the causes of all these files. Raises FileProblem naming the file and the entry."""
    by_id: dict[str, Cause] = {}
    for file in files:
        try:
            causes = _FILE.validate_python(parse_yaml(file.read_text("utf-8"), str(file)))
        except ValidationError as problem:
            raise FileProblem(f"{file}: {problem.errors()[0]['loc']}: {problem.errors()[0]['msg']}") from None
        if twice := by_id.keys() & causes.keys():
            raise FileProblem(f"{file}: {min(twice)} is a cause of another file already")
        by_id |= causes
    general = {cause.status: id for id, cause in by_id.items() if cause.status is not None}
    return Causes(by_id, general)


def explain(entry: Mapping[str, Any], titles: Mapping[str, str], causes: Causes) -> dict[str, str]:
    """Return `cause`, `why` and `repair` of the journal entry of a refusal.

    `titles` are those of the scenarios by id.
    """
    effects = [effect for effect in entry["effects"] if _may_refuse(effect)]
    cause_id = _id_of_effect(effects[-1]) if effects else entry.get("cause") or ""
    if cause_id not in causes.by_id:
        cause_id = causes.general.get(entry["status"], causes.general[0])
    cause = causes.by_id[cause_id]
    earlier = [_describe(effect, titles, causes) for effect in entry.get("because", ())]
    why = [_describe(effects[-1], titles, causes)] if effects else [cause.why, *earlier]
    return {
        "cause": cause_id,
        "why": " ".join(why),
        "repair": cause.repairs.get(entry["status"], cause.repair),
    }


def _may_refuse(effect: str) -> bool:
    verb = VERBS.get(effect.partition(":")[2])
    return verb is not None and not verb.silent and verb.stage.name in _REFUSING


def _id_of_effect(effect: str) -> str:
    return "armed-fault" if effect.startswith(f"{one_shot.NAME}:") else "scenario-effect"


def _describe(effect: str, titles: Mapping[str, str], causes: Causes) -> str:
    scenario, _, verb = effect.partition(":")
    title = titles.get(scenario)
    why = causes.by_id[_id_of_effect(effect)].why
    return why.format(scenario=scenario, verb=verb if title is None else f"{verb}; “{title}”")
