"""Find the clock of a fresh payer, and move it."""

from __future__ import annotations

from itertools import takewhile

from sandbox.score.evidence import Exchange
from sandbox.score.http.client import HttpClient
from sandbox.score.http.guard import origin
from sandbox.score.instruments import facts

NONE = "the payer provides no test clock"
NOWHERE = "the payer provides a test clock, but no fresh payer in which to move it"
NOT_ITS_OWN = "the test clock does not belong to the fresh payer, so it was not moved"


def find_clock(
    http: HttpClient, base: str, target: str, lent: str, *, own: bool = False
) -> tuple[str, str, tuple[Exchange, ...]]:
    """Return the clock of the fresh payer at `base`, or why it has none, and the exchanges.

    `lent` is the clock that the payer at `target` names. Only the fresh payer's own clock is moved: `lent`
    itself when it is its `own`, else the one at the corresponding address, else the one that the fresh
    payer's facts name.
    """
    if not lent or own:
        return lent, "" if lent else NONE, ()
    if address := beside(base, target, lent):
        return address, "", ()
    answer = http.get(base + facts.PATH, step="discovery", headers={"Accept": "application/json"})
    instruments = answer.json().get("instruments")
    named = instruments.get("clock") if isinstance(instruments, dict) else None
    if isinstance(named, str) and named != lent and origin(named) == origin(base):
        return named, "", (answer.exchange,)
    return "", NOT_ITS_OWN, (answer.exchange,)


def beside(base: str, target: str, lent: str) -> str:
    """Return the address that relates to `base` as `lent` relates to `target`.

    Empty when there is none, or when it is `lent` itself. A clock at the fresh payer's own server is
    returned as it is.
    """
    if origin(lent) != origin(target):
        return lent if origin(lent) == origin(base) else ""
    ours, clock, fresh = _path(target), _path(lent), _path(base)
    pairs = zip(ours, clock, strict=False)
    shared = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    end = ours[shared:]
    if end and fresh[-len(end) :] != end:
        return ""
    stem = fresh[: len(fresh) - len(end)]
    if stem == clock[:shared] and origin(base) == origin(target):
        return ""
    return "/".join(["/".join(base.split("/")[:3]), *stem, *clock[shared:]])


def advance(http: HttpClient, url: str, days: int) -> tuple[str, Exchange]:
    """Move the clock by whole days. Return why it did not move (empty when it answered 2xx)."""
    answer = http.send("POST", url, step="clock", json={"advance": f"P{days}D"})
    is_moved = 200 <= answer.status < 300
    why = "" if is_moved else f"the test clock answered {answer.status or answer.exchange.note}"
    return why, answer.exchange


def _path(url: str) -> list[str]:
    """Return the segments of a URL's path."""
    return [part for part in url.partition("?")[0].split("/")[3:] if part]
