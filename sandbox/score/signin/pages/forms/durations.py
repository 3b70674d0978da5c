"""Finds the longest of several durations of access that a page offers."""

from __future__ import annotations

import re
from collections.abc import Sequence

from sandbox.score.signin.pages.words import normalize

_DAYS = {"minute": 1 / 1440, "hour": 1 / 24, "day": 1.0, "week": 7.0, "month": 30.0, "year": 365.0}
_SPANISH = {"minuto": 1 / 1440, "hora": 1 / 24, "dia": 1.0, "semana": 7.0, "mes": 30.0, "ano": 365.0}
_FRENCH = {"heure": 1 / 24, "jour": 1.0, "semaine": 7.0, "moi": 30.0, "an": 365.0}
_UNITS = {**_DAYS, **_SPANISH, "mese": 30.0, **_FRENCH}
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "six": 6, "un": 1, "una": 1, "une": 1}
_SPAN = re.compile(rf"(?<!\w)(\d{{1,4}}|{'|'.join(_NUMBERS)})[ -]({'|'.join(_UNITS)})s?(?!\w)")
_ONCE = re.compile(
    r"(?<!\w)(once|one[- ]time|just this time|only this time|this session|"
    r"una (sola )?vez|une (seule )?fois)(?!\w)"
)
_ALWAYS = re.compile(
    r"(?<!\w)(all|until i (revoke|cancel|stop|change|turn)|until revoked|indefinite(ly)?|forever|always|"
    r"no expiration|no end date|(does not|doesn't|never) expires?|"
    r"hasta que (yo )?(lo )?(revoque|cancele)|siempre|jusqu'a ce que|toujours)(?!\w)"
)
_ALWAYS_DAYS = 1e6
MOST_WORDS = 8  # of a label that is a duration and little else


def longest(labels: Sequence[str]) -> int | None:
    """Return the place of the longest; None unless two or more, and nearly all, are durations.

    A bare `Never` among them may be about expiry or about sharing, so it does not count.
    """
    spans = [(days, -place) for place, label in enumerate(labels) if (days := _days(label)) is not None]
    if len(spans) < 2 or len(spans) < len(labels) - 1:
        return None
    return -max(spans)[1]


def _days(label: str) -> float | None:
    plain = normalize(label)
    if len(plain.split()) > MOST_WORDS or re.search(r"\bold\b", plain):
        return None
    if _ALWAYS.search(plain):
        return _ALWAYS_DAYS
    if _ONCE.search(plain):
        return 0.0
    if (span := _SPAN.search(plain)) is None:
        return None
    number = _NUMBERS.get(span[1]) or float(span[1])
    return number * _UNITS[span[2]]
