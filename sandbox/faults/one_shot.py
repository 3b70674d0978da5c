"""Armed faults: rules that apply to a number of calls, then stop."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

from pydantic import Field, ValidationError

from sandbox.core.errors import BadRequest
from sandbox.faults.catalog import complaint
from sandbox.faults.effects.arrival import Refuse
from sandbox.faults.gates import BoundRule
from sandbox.faults.places import PLACES
from sandbox.faults.scenario import AnyEffect, Rule, When

NAME = "fail-next"
TIMES_MAX = 1000
ITEMS_MAX = 20
"""Faults that one header arms: each is a row of the ledger."""
COMPLAINTS_MAX = 5
"""Errors of a body that are reported: for each one the nearest valid key is searched."""
TARGETS: Mapping[str, dict[str, str]] = {
    "any": {},
    **{name: {"path": PLACES[name][0]} for name in ("token", "authorize", "fhir", "metadata")},
}
"""What the header may name besides a resource type, and what it matches."""

_ITEM = re.compile(r"([A-Za-z]{1,40})=([1-9][0-9]{0,2})(?::([45][0-9]{2}))?", re.ASCII)


class OneShot(Rule):
    """A rule with a number of times. Without `when` it matches token calls, without `then` it is a 503."""

    times: int = Field(1, ge=1, le=TIMES_MAX)
    when: When = When(**TARGETS["token"])
    then: AnyEffect = Refuse(do="refuse", status=503, retry_after=1)

    def to_json(self) -> dict[str, Any]:
        """Return the rule with the verb in full and the keys of `when` that are set."""
        return {
            "when": self.when.model_dump(exclude_none=True),
            "then": self.then.model_dump(mode="json"),
        }


def parse_body(body: Any) -> OneShot:
    """Return the fault in the body of a control call. Raises BadRequest with the valid keys."""
    try:
        return OneShot.model_validate(body)
    except ValidationError as problem:
        errors = problem.errors()[:COMPLAINTS_MAX]
        text = "; ".join(complaint(error, OneShot) for error in errors)
        raise BadRequest(text, cause="parameter-invalid") from None


def parse_header(text: str) -> list[OneShot]:
    """Return the faults in `X-Sandbox-Fail-Next: token=2, Patient=1:429 #label`. Raises BadRequest."""
    items = [item.strip() for item in text.partition("#")[0].split(",")]
    if len(items) > ITEMS_MAX:
        text = f"X-Sandbox-Fail-Next names at most {ITEMS_MAX} places"
        raise BadRequest(text, cause="fail-next-invalid", code="too-costly")
    return [_parse_item(item) for item in items]


def _parse_item(item: str) -> OneShot:
    match = _ITEM.fullmatch(item)
    if match is None or not _is_place(match[1]):
        raise BadRequest(
            f"X-Sandbox-Fail-Next is <place>=<times>[:<status>], not {item[:60]!r}; {_PLACES}",
            cause="fail-next-invalid",
        )
    place, times, status = match.groups()
    return fault_at(place, int(times), int(status or 503))


_PLACES = f"places are {', '.join(TARGETS)} and resource types"


def _is_place(text: str) -> bool:
    return text in TARGETS or text[:1].isupper()


def fault_at(place: str, times: int = 1, status: int = 503) -> OneShot:
    """Return the fault that answers calls of a place with a status. Raises BadRequest for another place."""
    if not _is_place(place):
        raise BadRequest(f"There is no place {place[:60]!r}; {_PLACES}", cause="fail-next-invalid")
    when = TARGETS.get(place, {"resource": place})
    then = Refuse(do="refuse", status=status, retry_after=1)
    return OneShot(times=times, when=When(**when), then=then)


def bind_rules(armed: Iterable[Any], take: Callable[[int], bool]) -> tuple[BoundRule, ...]:
    """Return the faults that are still armed in the ledger, as rules that use up one call each time."""
    left = [(row.number, OneShot.model_validate(row.rule)) for row in armed if row.left > 0]
    return tuple(
        BoundRule(NAME, number, rule.when, rule.then, partial(take, number)) for number, rule in left
    )
