"""Find the causes of a verdict, and the exchanges to show."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from sandbox.score.causes import data, documents, entry
from sandbox.score.causes.model import MOST_EXCHANGES, LossCause, merge
from sandbox.score.evidence import Evidence, Exchange, Verdict

Finder = Callable[[Verdict, Evidence], Iterable[LossCause]]

FINDERS: dict[str, Finder] = {
    "status": documents.find_claimed,
    "sandbox": documents.find_claimed,
    "capability-statement": documents.find_capability_statement,
    "smart-configuration": documents.find_smart_configuration,
    "authorization-success": entry.find_failed_attempts,
    "refresh-token": entry.find_refresh,
    "inactive-members": entry.find_lapsed,
    "portal-opt-in": entry.find_opt_in,
    "eligibility-errors": entry.find_eligibility,
    "lines-of-business": entry.find_lines,
    "request-success": data.find_requests,
    "reference-resolution": data.find_references,
    "carin-resources": data.find_carin,
    "clinical-resources": data.find_clinical,
    "sync-speed": data.find_speed,
    "everything": data.find_everything,
    "developer-portal": documents.find_developer_portal,
}
"""Metric → what finds its causes. A cause without a name only shows what is well."""

_CLAIMED = ("status", "sandbox", "developer-portal")


def find_causes(verdict: Verdict, evidence: Evidence, needs: tuple[str, ...]) -> tuple[LossCause, ...]:
    """Return the causes of a verdict, most frequent first. A cause without id only shows exchanges."""
    if verdict.source == "unseen":
        return merge(_find_unseen(verdict, evidence, needs))
    return merge(FINDERS[verdict.metric](verdict, evidence))


def _find_unseen(verdict: Verdict, evidence: Evidence, needs: tuple[str, ...]) -> Iterator[LossCause]:
    """Yield the cause that the observation names; else the claim or account that is missing."""
    for name in needs:
        observation = evidence[name]
        if not observation.seen and observation.cause and observation.unseen == verdict.reason:
            shown = observation.exchanges[-1:]
            if not shown and observation.cause.startswith("sign-in-"):
                shown = evidence["sign-ins"].exchanges[-1:]
            yield LossCause(observation.cause, exchanges=shown or evidence["facts"].exchanges[-1:])
            return
    if verdict.metric in _CLAIMED or "does not say" in verdict.reason:
        yield LossCause("not-claimed", exchanges=evidence["facts"].exchanges[-1:])
    elif verdict.metric == "lines-of-business" and evidence["lines"].seen:
        yield LossCause("line-without-account", exchanges=evidence["facts"].exchanges[-1:])
    else:
        yield LossCause("not-looked-at")


def select_exchanges(
    causes: Iterable[LossCause], needs: Iterable[str], evidence: Evidence
) -> tuple[Exchange, ...]:
    """Select up to five exchanges: the first of each cause, then the second of each, and so on."""
    rounds = [
        (turn, place, exchange)
        for place, cause in enumerate(causes)
        for turn, exchange in enumerate(cause.exchanges)
    ]
    shown = [exchange for _, _, exchange in sorted(rounds, key=lambda entry: entry[:2]) if exchange.url]
    return tuple(shown[:MOST_EXCHANGES]) or _any(needs, evidence)


def _any(needs: Iterable[str], evidence: Evidence) -> tuple[Exchange, ...]:
    """Select exchanges where no cause has one: failed ones first, one of each kind before a second."""
    turns: dict[tuple[int, str, str], int] = {}
    ordered = []
    for place, exchange in enumerate(e for name in needs for e in evidence[name].exchanges if e.url):
        kind = (exchange.status, exchange.step, exchange.resource)
        turns[kind] = turns.get(kind, 0) + 1
        failed = exchange.status == 0 or exchange.status >= 400 or bool(exchange.flaw)
        ordered.append((not failed, turns[kind], place, exchange))
    return tuple(entry[3] for entry in sorted(ordered, key=lambda entry: entry[:3])[:MOST_EXCHANGES])
