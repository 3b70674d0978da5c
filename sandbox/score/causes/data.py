"""Causes of the data metrics: requests, references, resource types, speed, `$everything`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sandbox.score import requests
from sandbox.score.causes.http import find_deciding, find_failures, find_last_tries, name_cause
from sandbox.score.causes.model import LossCause
from sandbox.score.checks import carin_resources, clinical_resources
from sandbox.score.checks.reference_resolution import found_nothing
from sandbox.score.collect.machine_load import is_busy
from sandbox.score.collect.sync import NOT_THERE
from sandbox.score.evidence import Evidence, Exchange, Observation, Verdict

SEARCH_STEPS = ("individual", "pagination", "retry")
LONG_WAIT = 0.5
"""Share of a sync's time; told waits that take more of it are the cause of its slowness."""
SLOW_MS = 250.0
"""A request that takes longer on average is slow; faster ones are many."""


def find_requests(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield a cause per status; each failed try counts, and those without a good retry come first."""
    sync = evidence["sync"]
    exchanges = [exchange for exchange in sync.exchanges if exchange.step in requests.STEPS]
    flaws = evidence.reads("A10", "failure")
    last = find_last_tries(exchanges)
    kept = {id(exchange) for exchange in last}
    mended = [replace(e, note=e.note or "tried again after this") for e in exchanges if id(e) not in kept]
    listed = _lists_types(evidence)
    shown = {
        cause.id: cause
        for cause in find_failures([*last, *mended], flaws=flaws, name=lambda e: _name_request(e, listed))
    }
    counts: dict[str, int] = {}
    for kind, n in requests.count_requests(sync).items():
        failed = Exchange("", "", kind.status, 0.0, kind.step, flaw="flaw" if kind.flawed and flaws else "")
        if name := _name_request(failed, listed) if kind.status else "":
            counts[name] = counts.get(name, 0) + n
    for name, cause in shown.items():
        yield replace(cause, count=counts.pop(name, cause.count))
    for name, n in counts.items():
        yield LossCause(name, n)
    if verdict.value == "no_data":
        yield LossCause("no-request")


def _name_request(exchange: Exchange, listed: bool) -> str:
    """Name the cause of a failed request. `listed`: metadata lists the types that can be searched."""
    if exchange.step == "everything" and exchange.status in NOT_THERE:
        return "everything-not-there"
    if exchange.step == "everything" and exchange.status == 403:
        return "everything-forbidden"
    if exchange.step == "individual" and exchange.status == 404 and not listed:
        return "type-not-listed"
    return name_cause(exchange)


def _lists_types(evidence: Evidence) -> bool:
    """Whether metadata listed the types to ask for. Of a log this is not known and assumed."""
    metadata = evidence["capability-statement"].value
    return (
        evidence["sync"].source == "traffic" or not isinstance(metadata, dict) or bool(metadata.get("types"))
    )


def find_references(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    references = evidence["references"]
    if verdict.value == "no_references":
        yield from _why_no_references(evidence["sync"])
        return
    failures = find_failures(find_last_tries(references.exchanges))
    yield from failures
    if not failures:
        yield LossCause("", exchanges=references.exchanges[:1])


def _why_no_references(sync: Observation) -> Iterator[LossCause]:
    """Yield the searches that failed or found nothing, else one that shows the references."""
    searches = [exchange for exchange in sync.exchanges if exchange.step in SEARCH_STEPS]
    good = tuple(exchange for exchange in searches if exchange.status == 200)
    if searches and not good:
        failed = find_last_tries(searches)
        yield LossCause("searches-fail", len(failed), exchanges=tuple(failed[:3]))
    elif found_nothing(sync):
        yield LossCause("nothing-found", exchanges=good[:3])
    else:
        claims = tuple(exchange for exchange in good if exchange.resource == "ExplanationOfBenefit")
        yield LossCause("no-references", exchanges=(claims or good)[:1])


def find_carin(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    there = verdict.value if isinstance(verdict.value, tuple) else ()
    yield from _missing([kind for kind in carin_resources.TYPES if kind not in there], evidence)
    if len(there) == len(carin_resources.TYPES):
        yield LossCause("", exchanges=_of_types(evidence["sync"].exchanges, there))


def find_clinical(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield clinical types whose searches failed, then the number that the payer does not offer."""
    sync = evidence["sync"]
    answered = {kind for member in sync.value["members"] for kind in member["ok_searches"]}
    searched = {e.resource for e in sync.exchanges if e.step == "individual"}
    missing = clinical_resources.TYPES - answered
    short = clinical_resources.ENOUGH - len(answered & clinical_resources.TYPES)
    if short <= 0:
        yield LossCause("", exchanges=_of_types(sync.exchanges, sorted(answered & clinical_resources.TYPES)))
        return
    refused = sorted(missing & searched)
    yield from _missing(refused, evidence)
    if len(refused) < short:
        metadata = evidence["capability-statement"].exchanges[-1:]
        name = "not-in-log" if sync.source == "traffic" else "not-offered"
        yield LossCause(name, short - len(refused), exchanges=metadata)


def find_speed(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield why syncs were slow: Retry-After, slow responses, or many requests."""
    sync = evidence["sync"]
    exchanges = [exchange for exchange in sync.exchanges if exchange.step in requests.STEPS]
    slowest = tuple(sorted(exchanges, key=lambda exchange: -exchange.ms)[:3])
    if verdict.value == "no_data":
        is_log = verdict.source == "traffic"
        if exchanges and not is_log and not any(exchange.status == 200 for exchange in exchanges):
            yield from find_failures(find_last_tries(exchanges))
        else:
            yield LossCause("not-in-log" if is_log else "nothing-synced", exchanges=tuple(exchanges[:3]))
        return
    seconds = sum(member["seconds"] or 0.0 for member in sync.value["members"])
    spent = sum(exchange.ms for exchange in exchanges) / 1000
    waited = [e for e in exchanges if e.status in (429, 503)]
    if waited and seconds and (seconds - spent) / seconds > LONG_WAIT:
        yield LossCause("told-to-wait", len(waited), exchanges=tuple(waited[:3]))
    elif exchanges and spent * 1000 / len(exchanges) > SLOW_MS:
        yield LossCause("slow-answers", len(exchanges), exchanges=slowest)
    else:
        yield LossCause("many-requests", len(exchanges), exchanges=slowest)
    if verdict.source == "observed" and is_busy(evidence):
        yield LossCause("busy-machine", 0)


def find_everything(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield what is wrong with each member's `$everything`, with the page that shows it."""
    everything = evidence["everything"]
    if not everything.value:
        yield LossCause("not-asked")
    for number, walk in enumerate(everything.value or ()):
        last = find_deciding(walk, everything) or everything.exchanges[number : number + 1]
        failed = name_cause(last[0]) if last else ""
        if walk["status"] in NOT_THERE:
            yield LossCause("not-supported", exchanges=last)
        elif walk["status"] != 200:
            yield LossCause(failed or "broken-answer", exchanges=last)
        elif not walk["unbroken"]:
            yield LossCause(_broken(walk["note"], failed), exchanges=last)
        elif walk["missing"]:
            yield LossCause("incomplete", walk["missing"], tuple(walk["missing_types"]), last)
        elif walk["entries"] == 0:
            yield LossCause("empty", exchanges=last)
        else:
            yield LossCause("", exchanges=last)


def _broken(note: str, failed: str) -> str:
    if "never end" in note:
        return "endless"
    if "readable" in note:
        return "not-fhir"
    if "no further page" in note:
        return "not-followed"
    return "another-origin" if failed == "another-origin" else "page-fails"


def _missing(kinds: Iterable[str], evidence: Evidence) -> Iterator[LossCause]:
    """Yield why each of these types never answered 200."""
    exchanges = evidence["sync"].exchanges
    is_log = evidence["sync"].source == "traffic"
    offered = (evidence["capability-statement"].value or {}).get("types")
    for kind in kinds:
        searches = [e for e in exchanges if e.resource == kind and e.step == "individual"]
        failures = find_failures(find_last_tries(searches), flaws=True)
        yield from (replace(cause, about=(kind,)) for cause in failures)
        if searches and not failures:
            yield LossCause("empty", about=(kind,), exchanges=tuple(searches[-1:]))
        elif not searches and is_log:
            yield LossCause("not-in-log", about=(kind,))
        elif not searches:
            name = "not-in-scope" if offered and kind in offered else "not-offered"
            metadata = evidence["capability-statement"].exchanges[-1:]
            yield LossCause(name, about=(kind,), exchanges=metadata)


def _of_types(exchanges: Sequence[Exchange], kinds: Iterable[str]) -> tuple[Exchange, ...]:
    """Return a 200 of each type."""
    good = {e.resource: e for e in reversed(exchanges) if e.status == 200 and e.step == "individual"}
    return tuple(good[kind] for kind in kinds if kind in good)
