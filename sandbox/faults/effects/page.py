"""Bundle verbs: pages of results that lie, repeat themselves or hold less than there is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Literal

from pydantic import Field, model_validator

from sandbox.core.files import json_bytes, json_exact, json_value
from sandbox.core.gates import Facts, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.fhir.library import Page, Stored, entry_address


class LieAboutTotal(Effect, stage=Stage.BUNDLE):
    """Report another `total` than there is."""

    do: Literal["lie_about_total"]
    total: int = Field(ge=0)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, total=self.total)


class DropNextLink(Effect, stage=Stage.BUNDLE):
    """Leave out the `next` link: the rest of the results cannot be reached."""

    do: Literal["drop_next_link"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, more=False)


class RepeatEntry(Effect, stage=Stage.BUNDLE):
    """Show the last entry of a page twice."""

    do: Literal["repeat_entry"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=(*value.matches, *value.matches[-1:]))


class ReverseEntries(Effect, stage=Stage.BUNDLE):
    """Show the entries of a page in the opposite order."""

    do: Literal["reverse_entries"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=value.matches[::-1])


class CountIncludes(Effect, stage=Stage.BUNDLE):
    """Count included resources into `total`."""

    do: Literal["count_includes"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return value if value.total is None else replace(value, total=value.total + len(value.included))


class OmitTotal(Effect, stage=Stage.BUNDLE):
    """Do not say how many there are."""

    do: Literal["omit_total"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, total=None)


class DropIncluded(Effect, stage=Stage.BUNDLE):
    """Leave the included resources out of the page."""

    do: Literal["drop_included"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, included=())


class EmptySearch(Effect, stage=Stage.BUNDLE):
    """Find nothing: the data was never loaded."""

    do: Literal["empty_search"]

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return Page((), total=0)


class TruncateBundle(Effect, stage=Stage.BUNDLE):
    """Show the first entries only and no way to the rest; `total` still tells the truth."""

    do: Literal["truncate_bundle"]
    most: int = Field(ge=0)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        return replace(value, matches=value.matches[: self.most], more=False)


def _without(value: Page, hidden: Callable[[Stored], bool]) -> Page:
    """The page without some matches; `total` is less by those that were on it."""
    kept = tuple(stored for stored in value.matches if not hidden(stored))
    gone = len(value.matches) - len(kept)
    if not gone:
        return value
    total = None if value.total is None else max(0, value.total - gone)
    return replace(value, matches=kept, total=total)


class HideShare(Effect, stage=Stage.BUNDLE):
    """Leave out a share of the matches, always the same ones."""

    do: Literal["hide_share"]
    share: float = Field(gt=0, le=1)
    types: list[str] = Field(default_factory=list)

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        def hidden(stored: Stored) -> bool:
            named = not self.types or stored.type in self.types
            return named and world.share(f"hidden:{stored.type}/{stored.id}") < self.share

        return _without(value, hidden)


_DATES = (
    "billablePeriod.start", "effectiveDateTime", "effectivePeriod.start", "performedDateTime",
    "performedPeriod.start", "occurrenceDateTime", "authoredOn", "whenHandedOver", "recordedDate",
    "onsetDateTime", "period.start", "date", "created",
)  # fmt: skip
"""Where the day of care is written, first found."""


class HideByAge(Effect, stage=Stage.BUNDLE):
    """Leave out what happened longer ago than `older_than_days`, or later than `newer_than_days` ago.
    What has no date of care stays."""

    do: Literal["hide_by_age"]
    older_than_days: int | None = Field(default=None, ge=0, le=36_525)
    newer_than_days: int | None = Field(default=None, ge=0, le=36_525)
    types: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _said(self) -> HideByAge:
        if self.older_than_days is None and self.newer_than_days is None:
            raise ValueError("older_than_days or newer_than_days is wanted")
        return self

    def __call__(self, value: Page, facts: Facts, world: World) -> Page:
        today = world.clock.now().date()

        def edge(days: int | None) -> str | None:
            return None if days is None else (today - timedelta(days=days)).isoformat()

        old, new = edge(self.older_than_days), edge(self.newer_than_days)

        def hidden(stored: Stored) -> bool:
            if self.types and stored.type not in self.types:
                return False
            day = _day(json_value(stored.body))
            return day is not None and ((old is not None and day < old) or (new is not None and day > new))

        return _without(value, hidden)


def _day(resource: dict[str, Any]) -> str | None:
    for path in _DATES:
        node: Any = resource
        for step in path.split("."):
            node = node.get(step) if isinstance(node, dict) else None
        if isinstance(node, str):
            return node[:10]
    return None


class CopyEntry(Effect, stage=Stage.BUNDLE):
    """Show copies of a type's resources under prefixed ids, as when several systems hold one person."""

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
