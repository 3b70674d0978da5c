"""Who made an exchange, where it was not the app: the sandbox's own tools, or a person in a browser.

The default payer is used by everybody: the grader and `token` sign in as its apps, and people open its
addresses to have a look. None of that says anything of the app under review.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

from sandbox.review.journal import JournalExchange

TOOLS = "payer-sandbox's own grader and commands"
PERSON = "a person who opened an address in a browser"
NOBODY = "requests to authorize that name no app"

_TOOL = re.compile(r"payer-sandbox(?:-|/|\Z)")


def other_maker(exchange: JournalExchange) -> str | None:
    """Who made it; None: the app, as far as can be told."""
    if _TOOL.match(exchange.agent):
        return TOOLS
    if exchange.client or exchange.token:
        return None
    if exchange.path == "/auth/authorize":
        return NOBODY
    opened = exchange.method == "GET" and "text/html" in exchange.accept
    return PERSON if opened and exchange.path.startswith(("/fhir", "/auth/.well-known/")) else None


def sorted_out(exchanges: Iterable[JournalExchange]) -> tuple[tuple[JournalExchange, ...], Counter[str]]:
    """The exchanges that may be the app's, and how many others each maker made."""
    kept: list[JournalExchange] = []
    others: Counter[str] = Counter()
    for exchange in exchanges:
        if maker := other_maker(exchange):
            others[maker] += 1
        else:
            kept.append(exchange)
    return tuple(kept), others
