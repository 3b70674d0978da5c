"""Why a metric was not seen: what the person who grades did not give, or could not be given."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.score.causes.model import LossCause
from sandbox.score.evidence import Evidence, Exchange, Verdict

_CLAIMED = ("status", "sandbox", "developer-portal")


def find_unseen(verdict: Verdict, evidence: Evidence, needs: tuple[str, ...]) -> Iterator[LossCause]:
    """The cause that the unseen observation names; else a claim or an account is missing."""
    for name in needs:
        observation = evidence[name]
        if not observation.seen and observation.cause and observation.unseen == verdict.reason:
            shown = observation.exchanges[-1:] or _failed_sign_in(observation.cause, evidence)
            yield LossCause(observation.cause, exchanges=shown or evidence["facts"].exchanges[-1:])
            return
    if verdict.metric in _CLAIMED or "does not say" in verdict.reason:
        yield LossCause("not-claimed", exchanges=evidence["facts"].exchanges[-1:])
    elif verdict.metric == "lines-of-business" and evidence["lines"].seen:
        yield LossCause("line-without-account", exchanges=evidence["facts"].exchanges[-1:])
    else:
        yield LossCause("not-looked-at")


def _failed_sign_in(cause: str, evidence: Evidence) -> tuple[Exchange, ...]:
    """The end of a sign-in, where that is why nothing further was seen."""
    return evidence["sign-ins"].exchanges[-1:] if cause.startswith("sign-in-") else ()
