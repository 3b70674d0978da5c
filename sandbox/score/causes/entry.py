"""Causes of the metrics about access: sign-ins, refresh tokens, ineligible and former members."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from sandbox.score.causes.http import find_deciding, name_cause
from sandbox.score.causes.model import LossCause
from sandbox.score.evidence import Evidence, Exchange, Observation, Verdict
from sandbox.score.signin.eligibility import speaks_of_eligibility
from sandbox.score.signin.outcomes import entered

_OUTCOMES = {
    "STATE_MISMATCH": "state-lost",
    "LOGIN_FAILED": "login-refused",
    "CONSENT_DENIED": "declined",
    "INELIGIBLE_CALLBACK": "ineligible",
    "INELIGIBLE_PAGE": "ineligible",
    "BOUNCED": "unfinished",
    "CREATED": "unfinished",
    "CODE_ISSUED": "unfinished",
    "EXPIRED": "unfinished",
}
_ERRORS = {
    "access_denied": "declined",
    "invalid_scope": "invalid-scope",
    "unauthorized_client": "client-refused",
    "invalid_client": "client-refused",
    "server_error": "callback-server-error",
    "temporarily_unavailable": "callback-server-error",
}
_PAGE_REFUSED = ("bad-request", "gone")
"""Of a page in the middle of a sign-in these mean that the pages before it were forgotten."""

_SERVER_AT_FAULT = (0, *range(500, 600))


def find_failed_attempts(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield why eligible members could not sign in."""
    sign_ins = evidence["sign-ins"]
    first = 0
    for attempt in sign_ins.value or ():
        if not entered(attempt):
            cause = _attempt(attempt, sign_ins)
            place = attempt.get("exchange")
            is_later = isinstance(place, int) and place > first
            yield replace(cause, id="flow-lost") if is_later and cause.id in _PAGE_REFUSED else cause
        first = (attempt.get("exchange") or 0) + 1
    if not sign_ins.value:
        yield LossCause("no-attempt", exchanges=sign_ins.exchanges)


def find_refresh(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    refresh = evidence["refresh"]
    if verdict.source == "declared":
        name = "claimed-none" if verdict.value == "none" else "claimed-short"
        yield LossCause(name, exchanges=evidence["facts"].exchanges)
        return
    tokens = [exchange for exchange in refresh.exchanges if exchange.step == "token"]
    steps = refresh.value["steps"]
    if not refresh.value["refresh"]:
        yield LossCause("no-refresh-token", exchanges=tuple(tokens[-1:]))
    elif steps and not steps[-1]["works"]:
        last = _noted(tokens[-1:], steps[-1]["why"])
        name = "ends-early" if any(step["works"] for step in steps) else "refused"
        yield LossCause(_name_fault(last, name), exchanges=last)
    elif verdict.value == "unknown_max" or not refresh.value.get("clock"):
        yield LossCause("unknown-length", exchanges=tuple(tokens[-1:]))
    else:
        yield LossCause("", exchanges=tuple(tokens[-1:]))


def find_lapsed(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield why the shortest lapse beyond the longest that works was refused."""
    lapsed = evidence["lapsed"]
    if verdict.source == "declared" or not lapsed.seen:
        name = "claimed-none" if verdict.value == "not_available" else "claimed-short"
        yield LossCause(name, exchanges=evidence["facts"].exchanges)
        return
    failed = {int(days): entry for days, entry in lapsed.value.items() if not entry["works"]}
    longest = max((int(days) for days, entry in lapsed.value.items() if entry["works"]), default=-1)
    beyond = [days for days in sorted(failed) if days > longest]
    if not beyond:
        last = lapsed.value[str(longest)] if longest >= 0 else {}
        name = "" if verdict.value == "indefinite" else "longest-lent"
        yield LossCause(name, exchanges=find_deciding(last, lapsed))
        return
    entry = failed[beyond[0]]
    last_try = find_deciding(entry, lapsed)
    name = "still-covered" if entry.get("contradicts") else _lapsed(last_try)
    yield LossCause(
        name, about=(f"{beyond[0]} days after coverage ended",), exchanges=_noted(last_try, entry["why"])
    )


def _lapsed(last: tuple[Exchange, ...]) -> str:
    if last and last[0].step == "probe":
        return name_cause(last[0]) or "no-data"
    return _name_fault(last, "refused")


def _name_fault(last: tuple[Exchange, ...], refusal: str) -> str:
    """Name the fault of a server; the cause is `refusal` where the server refused on purpose."""
    return name_cause(last[0]) if last and last[0].status in _SERVER_AT_FAULT else refusal


def find_opt_in(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    opt_in = evidence["opt-in"]
    if opt_in.value["works"]:
        yield LossCause("", exchanges=opt_in.exchanges[-1:])
        return
    last = _noted(opt_in.exchanges[-1:], opt_in.value["why"])
    yield LossCause(_name_fault(last, "opt-in-required"), exchanges=last)


def find_eligibility(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield what ineligible members met instead of an error on the callback."""
    ineligible = evidence["ineligible-sign-in"]
    if not ineligible.value:
        yield LossCause("not-tried")
        return
    if verdict.value == "unknown":
        yield LossCause(
            "nobody-gets-in",
            exchanges=_noted(find_deciding(ineligible.value[0], ineligible), ineligible.value[0]["reason"]),
        )
        return
    for attempt in ineligible.value:
        last = _noted(find_deciding(attempt, ineligible), attempt["reason"])
        if verdict.value == "yes":
            name = ""
        elif entered(attempt):
            name = "token-for-ineligible"
        elif attempt["outcome"] in ("CALLBACK_ERROR", "INELIGIBLE_CALLBACK"):
            name = "bare-refusal"
        else:
            name = _name_fault(last, "no-callback")
        yield LossCause(name, exchanges=last)


def find_lines(verdict: Verdict, evidence: Evidence) -> Iterator[LossCause]:
    """Yield the lines of business whose members cannot sign in, with an attempt of each."""
    lines, sign_ins = evidence["lines"], evidence["sign-ins"]
    closed = sorted(line for line, works in lines.value.items() if not works)
    attempts = [a for a in sign_ins.value or () if a.get("line") in closed and not entered(a)]
    for line in closed:
        shown = [_attempt(a, sign_ins).exchanges for a in attempts if a["line"] == line]
        yield LossCause("line-closed", about=(line,), exchanges=shown[0] if shown else ())
    if not closed:
        only_mandated = verdict.value == "all_offered_are_mandated"
        yield LossCause(
            "only-mandated-offered" if only_mandated else "", exchanges=evidence["facts"].exchanges
        )


def _attempt(attempt: Mapping[str, Any], sign_ins: Observation) -> LossCause:
    last = _noted(find_deciding(attempt, sign_ins), attempt["reason"])
    about = (attempt["line"],) if attempt.get("line") and _is_told_ineligible(attempt) else ()
    return LossCause(_name(attempt, last), about=about, exchanges=last)


def _is_told_ineligible(attempt: Mapping[str, Any]) -> bool:
    words = (attempt["error"], attempt["description"], attempt.get("error_uri", ""))
    return attempt["outcome"] == "CALLBACK_ERROR" and speaks_of_eligibility(*words)


def _name(attempt: Mapping[str, Any], last: tuple[Exchange, ...]) -> str:
    outcome = attempt["outcome"]
    if _is_told_ineligible(attempt):
        return "ineligible"
    if outcome == "CALLBACK_ERROR":
        return _ERRORS.get(attempt["error"], "callback-error" if attempt["error"] else "callback-empty")
    if outcome == "EXCHANGE_FAILED":
        if "names no patient" in attempt["reason"]:
            return "no-patient"
        if last and last[0].status == 200:
            return "no-access-token"
        return _name_fault(last, "code-refused")
    if outcome == "ERROR_PAGE":
        failed = last and (last[0].status >= 400 or not last[0].status)
        return name_cause(last[0]) if failed else "dead-end"
    return _OUTCOMES.get(outcome, "dead-end")


def _noted(exchanges: tuple[Exchange, ...] | list[Exchange], why: str) -> tuple[Exchange, ...]:
    """Add a note to exchanges that have none."""
    return tuple(replace(exchange, note=exchange.note or why) for exchange in exchanges)
