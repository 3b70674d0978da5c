"""Bundle verbs: pages of results with wrong totals, missing links, or missing and repeated entries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from sandbox.core.files import json_bytes, json_exact, json_value
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.bundle import outcome
from sandbox.fhir.library import Page, Stored, entry_address


class LieAboutTotal(Effect, stage=Stage.BUNDLE):
    """Return this `total` instead of the real one."""

    do: Literal["lie_about_total"]
    total: int = Field(ge=0)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, total=self.total)


class DropNextLink(Effect, stage=Stage.BUNDLE):
    """Leave out the `next` link, so that the remaining results cannot be read."""

    do: Literal["drop_next_link"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, more=False)


class InsertEmptyPage(Effect, stage=Stage.BUNDLE):
    """Put an empty page with a `next` link before the first page of results."""

    do: Literal["insert_empty_page"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        if not value.matches or facts.page not in (None, 1):
            return value
        return replace(value, matches=(), included=(), more=True, last=0, first=0)


class MixInPatient(Effect, stage=Stage.BUNDLE):
    """Add resources of another patient to the first page of a search for the type: at most `most`, as they
    are in that patient's record."""

    do: Literal["mix_in_patient"]
    patient: str = Field(pattern=r"^[A-Za-z0-9.-]{1,64}$")
    type: str = "ExplanationOfBenefit"
    most: int = Field(default=1, ge=1, le=50)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        if facts.resource != self.type or facts.page not in (None, 1):
            return value
        present = {stored.id for stored in value.matches}
        others = [s for s in world.resources(self.patient, self.type, self.most) if s.id not in present]
        total = None if value.total is None else value.total + len(others)
        return replace(value, matches=(*value.matches, *others), total=total) if others else value


class AddOutcome(Effect, stage=Stage.BUNDLE):
    """Add an OperationOutcome to the first page as if it were a match; with `only`, in place of all
    matches."""

    do: Literal["add_outcome"]
    only: bool = False
    severity: Literal["error", "warning", "information"] = "error"
    code: str = "exception"
    text: str = "The search failed in a system behind this one"

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        if facts.page not in (None, 1):
            return value
        body = json_bytes(outcome(self.code, self.text, severity=self.severity))
        address = entry_address("OperationOutcome", "search")
        added = Stored(0, "OperationOutcome", "search", None, body, "1", 0, address)
        if self.only:
            return Page((added,), total=None if value.total is None else 0)
        return replace(value, matches=(added, *value.matches))


class RepeatEntry(Effect, stage=Stage.BUNDLE):
    """Return the last entry of a page twice."""

    do: Literal["repeat_entry"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=(*value.matches, *value.matches[-1:]))


class ReverseEntries(Effect, stage=Stage.BUNDLE):
    """Return the entries of a page in reverse order."""

    do: Literal["reverse_entries"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=value.matches[::-1])


class CountIncludes(Effect, stage=Stage.BUNDLE):
    """Count included resources in `total`."""

    do: Literal["count_includes"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return value if value.total is None else replace(value, total=value.total + len(value.included))


class OmitTotal(Effect, stage=Stage.BUNDLE):
    """Leave out `total`."""

    do: Literal["omit_total"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, total=None)


class DropIncluded(Effect, stage=Stage.BUNDLE):
    """Leave out included resources."""

    do: Literal["drop_included"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, included=())


class EmptySearch(Effect, stage=Stage.BUNDLE):
    """Return an empty Bundle with a total of 0."""

    do: Literal["empty_search"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return Page((), total=0)


class TruncateBundle(Effect, stage=Stage.BUNDLE):
    """Return only the first `most` entries and no `next` link; `total` stays correct."""

    do: Literal["truncate_bundle"]
    most: int = Field(ge=0)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=value.matches[: self.most], more=False)


def _without(value: Page, is_hidden: Callable[[Stored], bool]) -> Page:
    """Return the page without the hidden matches, and `total` without those of this page."""
    kept = tuple(stored for stored in value.matches if not is_hidden(stored))
    hidden = len(value.matches) - len(kept)
    if not hidden:
        return value
    total = None if value.total is None else max(0, value.total - hidden)
    return replace(value, matches=kept, total=total)


class HideShare(Effect, stage=Stage.BUNDLE):
    """Leave out a share of the matches, always the same ones."""

    do: Literal["hide_share"]
    share: float = Field(gt=0, le=1)
    types: list[str] = Field(default_factory=list)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        def is_hidden(stored: Stored) -> bool:
            applies = not self.types or stored.type in self.types
            return applies and world.share(f"hidden:{stored.type}/{stored.id}") < self.share

        return _without(value, is_hidden)


_DATES = (
    "billablePeriod.start", "effectiveDateTime", "effectivePeriod.start", "performedDateTime",
    "performedPeriod.start", "occurrenceDateTime", "authoredOn", "whenHandedOver", "recordedDate",
    "onsetDateTime", "period.start", "date", "created",
)  # fmt: skip
"""Elements that hold the day of care; the first that is present counts."""


class HideByAge(Effect, stage=Stage.BUNDLE):
    """Leave out matches older than `older_than_days`, or newer than `newer_than_days`. Matches without a
    date of care stay."""

    do: Literal["hide_by_age"]
    older_than_days: int | None = Field(default=None, ge=0, le=36_525)
    newer_than_days: int | None = Field(default=None, ge=0, le=36_525)
    types: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _has_limit(self) -> HideByAge:
        if self.older_than_days is None and self.newer_than_days is None:
            raise ValueError("needs older_than_days or newer_than_days")
        return self

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        today = world.clock.now().date()
        oldest = "" if self.older_than_days is None else str(today - timedelta(days=self.older_than_days))
        newest = (
            "9999-12-31"
            if self.newer_than_days is None
            else str(today - timedelta(days=self.newer_than_days))
        )

        def is_hidden(stored: Stored) -> bool:
            if self.types and stored.type not in self.types:
                return False
            day = _day_of_care(json_value(stored.body))
            return day is not None and not oldest <= day <= newest

        return _without(value, is_hidden)


def _day_of_care(resource: dict[str, Any]) -> str | None:
    for path in _DATES:
        node: Any = resource
        for step in path.split("."):
            node = node.get(step) if isinstance(node, dict) else None
        if isinstance(node, str):
            return node[:10]
    return None


class CopyEntry(Effect, stage=Stage.BUNDLE):
    """Add copies of a type's resources under prefixed ids, as if several systems held the same person."""

    do: Literal["copy_entry"]
    type: str = "Patient"
    prefixes: list[str] = Field(default=["SRC1-", "SRC2-", "SRC3-"], min_length=1)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        copies = tuple(
            stored._replace(
                id=id,
                body=json_bytes({**json_exact(stored.body), "id": id}),
                address=entry_address(stored.type, id),
            )
            for stored in value.matches
            if stored.type == self.type
            for id in (f"{prefix}{stored.id}"[:64] for prefix in self.prefixes)
        )
        return replace(value, matches=(*value.matches, *copies)) if copies else value
