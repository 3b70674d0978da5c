"""Interactions: where scenarios together may earn more than the lower of them.

The list is data (tests/scenarios/interactions.yaml) over kinds of scenarios, and the kinds are derived from
what a scenario is made of, so that a new scenario is on the list without being written there.

    excused(scenarios) -> {metric: why}      the metrics of a combination that may exceed the lower
    lower(scenarios)   -> {metric: points}   what the lower of them earns, for each metric

`python -m support.interactions > ../docs/interactions.md` (in tests/) makes the page.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import permutations
from pathlib import Path

from sandbox.core.files import read_yaml
from sandbox.faults.scenario import Rule, Scenario
from sandbox.score import rubric
from sandbox.score.fhir.searches import SEARCHES

TOP = Path(__file__).parents[2]
MOST = {metric.id: metric.points for metric in rubric.load("2025-05").metrics}

LIMITS = {"rate_limit", "expire_early"}
NARROWING = {
    "narrow_types", "narrow_scopes", "keep_scopes", "narrow_token", "set_token_field", "omit_patient",
}  # fmt: skip
SHORTENING = {
    "cap_count", "fix_count", "drop_next_link", "empty_search", "hide_by_age", "hide_share",
    "truncate_bundle", "forget_link_params", "loop_next_link", "rewrite_link", "rename_link_relation",
    "drop_element", "data_absent", "rename_element", "insert_empty_page", "add_outcome",
}  # fmt: skip
EXPIRING = {"expire_early"}
REFUSING = {
    "refuse", "refuse_search", "reject_param", "require_param", "redirect", "maintenance", "drop_connection",
    "change_status", "reply_with", "damage_json", "gzip_body", "lie_about_length", "truncate_body",
    "block_bots", "revoke_grant",
}  # fmt: skip
WHO_SYNCS = {"supported_lines", "minors", "separate_credentials"}
"""Policies that decide which five members sync: of each line the first who gets in."""


def points(scenario: Scenario) -> dict[str, float]:
    """What a scenario costs at its setting. Raises KeyError for one that its file does not speak of."""
    for case in scenario.cases:
        settings = scenario.normalize({name: str(value) for name, value in case.settings.items()})
        if scenario.name == scenario.id + "".join(f",{name}={value}" for name, value in settings.items()):
            return case.points
    raise KeyError(f"{scenario.name}: its file does not say what it costs at this setting")


def _of_searches(rule: Rule) -> bool:
    """Whether a rule reaches the searches of a sync."""
    if rule.when.resource is not None:
        return rule.when.resource in SEARCHES
    return any(fnmatchcase(f"/fhir/{kind}", rule.when.path or "*") for kind in SEARCHES)


def _does(scenario: Scenario, verbs: Iterable[str]) -> bool:
    return any(rule.then.do in verbs and _of_searches(rule) for rule in scenario.rules)


def _counts(scenario: Scenario, *, sign_ins: bool) -> bool:
    return any(
        (rule.when.counts or rule.then.do in LIMITS)
        and (rule.when.path or "").startswith("/auth/") is sign_ins
        for rule in scenario.rules
    )


def _asks_less(scenario: Scenario) -> bool:
    return (
        bool(WHO_SYNCS & set(scenario.payer))
        or "withheld_types" in scenario.payer
        or any(rule.then.do in NARROWING for rule in scenario.rules)
        or any((rule.when.path or "").startswith("/fhir/metadata") for rule in scenario.rules)
        or any(rule.then.do == "drop_field" and rule.when.path == "/auth/token" for rule in scenario.rules)
    )


def _shows_less(scenario: Scenario) -> bool:
    return _asks_less(scenario) or _does(scenario, SHORTENING | REFUSING | LIMITS)


def _changes_the_sync(scenario: Scenario) -> bool:
    timed = {"delay", "stall_body"}
    more = {"add_link", "copy_entry", "alias_id", "mix_in_patient"}
    other_everything = _costs("everything")(scenario)  # the sync begins with it
    return (
        _shows_less(scenario)
        or other_everything
        or _does(scenario, timed | more)
        or _counts(scenario, sign_ins=True)
    )


def _breaks_pages(scenario: Scenario) -> bool:
    return _costs("request-success")(scenario) and _does(scenario, {"rewrite_link"})


def _turns_fewer_pages(scenario: Scenario) -> bool:
    return _shows_less(scenario) or "everything" in scenario.payer


def _says_200(scenario: Scenario) -> bool:
    """Whether a search is answered 200 whatever comes of it."""
    return any(getattr(rule.then, "status", None) == 200 and _of_searches(rule) for rule in scenario.rules)


def _costs(metric: str) -> Callable[[Scenario], bool]:
    """Who costs the metric while members get in and something is read: else nothing could hide it."""

    def costs(scenario: Scenario) -> bool:
        found = points(scenario)
        shut = found.get("request-success") == 0 and found.get("sync-speed") == 0
        return not shut and found.get(metric, MOST[metric]) < MOST[metric]

    return costs


KINDS: dict[str, Callable[[Scenario], bool]] = {
    "no-sign-in-succeeds": lambda scenario: points(scenario).get("eligibility-errors") == 2,
    "fails-some-sign-ins": lambda scenario: _counts(scenario, sign_ins=True),
    "fails-a-refresh": lambda scenario: any(
        rule.when.counts and rule.when.grant_type == "refresh_token" for rule in scenario.rules
    ),
    "expires-tokens": lambda scenario: any(rule.then.do in EXPIRING for rule in scenario.rules),
    "counts-requests": lambda scenario: _counts(scenario, sign_ins=False),
    "prevents-sign-ins": _costs("authorization-success"),
    "fewer-requests": _asks_less,
    "fewer-results": _shows_less,
    "changes-requests": _changes_the_sync,
    "fewer-pages": _turns_fewer_pages,
    "broken-page-links": _breaks_pages,
    "returns-200": _says_200,
    "excludes-lines": lambda scenario: bool(WHO_SYNCS & set(scenario.payer)),
    "costs-resource-types": _costs("carin-resources"),
    "costs-inactive": _costs("inactive-members"),
    "costs-eligibility": _costs("eligibility-errors"),
    "costs-requests": _costs("request-success"),
    "costs-references": _costs("reference-resolution"),
    "costs-speed": _costs("sync-speed"),
    "costs-everything": _costs("everything"),
}
"""The kinds. `fewer-results` includes `fewer-requests`, and `changes-requests` includes both."""


@dataclass(frozen=True)
class Interaction:
    """One row of the list. `hidden` and `by` are both empty where one policy is changed by both."""

    name: str
    why: str
    metrics: tuple[str, ...]
    shows: str
    rises: str
    hidden: str = ""
    by: str = ""

    def holds(self, hidden: Scenario, by: Scenario) -> bool:
        """Whether the second scenario may hide the first one's effect."""
        if not self.hidden:
            return bool(set(hidden.payer) & set(by.payer))
        return _is(hidden, self.hidden) and _is(by, self.by)

    def may_rise(self, hidden: Scenario, by: Scenario) -> tuple[str, ...]:
        """The metrics that the hidden one costs and the other does not cost as much."""
        costs, others = points(hidden), points(by)
        return tuple(
            metric
            for metric in self.metrics or costs
            if metric in costs and costs[metric] < others.get(metric, MOST[metric])
        )


def _is(scenario: Scenario, side: str) -> bool:
    return KINDS[side](scenario) if side in KINDS else scenario.id == side


def _read() -> Iterator[Interaction]:
    for row in read_yaml(TOP / "tests" / "scenarios" / "interactions.yaml"):
        metrics = () if row["metrics"] == "its-own" else tuple(row["metrics"])
        yield Interaction(**row | {"metrics": metrics, "why": " ".join(row["why"].split())})


INTERACTIONS: Sequence[Interaction] = tuple(_read())


def excused(scenarios: Sequence[Scenario]) -> dict[str, str]:
    """The metrics of a combination that may earn more than the lower of them, with the reason."""
    found: dict[str, str] = {}
    for hidden, by in permutations(scenarios, 2):
        for row in INTERACTIONS:
            if row.holds(hidden, by):
                for metric in row.may_rise(hidden, by):
                    found.setdefault(metric, f"{row.name}: {hidden.name} behind {by.name}")
    return found


def lower(scenarios: Sequence[Scenario]) -> dict[str, float]:
    """For each metric what the lower of the scenarios earns."""
    each = [points(scenario) for scenario in scenarios]
    return {metric: min(costs.get(metric, most) for costs in each) for metric, most in MOST.items()}


OPENING = """\
# Interactions

Use this page when you combine scenarios and compare scores. For each metric, a combination scores no more
than the lowest of its scenarios, except in the cases below: there, one scenario (`by`) keeps the scorer from
measuring what the other (`hidden`) does. The last column has a combination in which a metric rises.
`make combinations` checks this list.

| what happens | hidden | by | metrics that may rise | example |
|---|---|---|---|---|
"""


def page(scenarios: Iterable[Scenario]) -> str:
    """Return docs/interactions.md."""
    kept = list(scenarios)
    parts = [OPENING]
    for row in INTERACTIONS:
        metrics = ", ".join(row.metrics) or "those that the hidden scenario costs"
        sides = f"{row.hidden or 'any'} | {row.by or 'one that changes the same policy'}"
        parts.append(
            f"| {row.name}. {row.why} | {sides} | {metrics} | `/s/{row.shows}/fhir`: {row.rises} |\n"
        )
    parts.append("\nThe kinds contain these scenarios, with their default parameters:\n\n")
    parts.append("| kind | scenarios |\n|---|---|\n")
    for kind in sorted({side for row in INTERACTIONS for side in (row.hidden, row.by)} & set(KINDS)):
        names = ", ".join(f"`{one.id}`" for one in kept if _is(one, kind))
        parts.append(f"| {kind} | {names} |\n")
    return "".join(parts)


def _main() -> None:
    from sandbox.faults.catalog import load

    print(page(load(TOP / "scenarios").by_id.values()), end="")


if __name__ == "__main__":
    _main()
