"""Which scopes to ask for: what the payer lists, and less where it refuses them.

SMART App Launch 2.2 lists supported scopes in `scopes_supported`, and tells v1 from v2 by the
capabilities `permission-v1` and `permission-v2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PERSON = ("openid", "fhirUser", "launch/patient", "offline_access")
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
MOST_SCOPES = 60  # an authorize URL has to stay shorter than servers refuse
_CLINICAL = re.compile(r"patient/(\*|[A-Z][A-Za-z]+)\.(read|\*|c?r?u?d?s?)(\?.*)?")


class Scopes:
    """The scopes of one payer's sign-ins: the widest first, each next one narrower.

    What was refused once is not asked again in the same examination.
    """

    def __init__(self, supported: Iterable[str] = (), capabilities: Iterable[str] = (), asked: str = ""):
        self._steps = [asked] if asked else ladder(tuple(supported), tuple(capabilities))
        self._place = 0

    @property
    def current(self) -> str:
        return self._steps[self._place]

    def narrow(self) -> bool:
        """Go on to narrower scopes; False when there are none."""
        if self._place + 1 >= len(self._steps):
            return False
        self._place += 1
        return True


def ladder(supported: tuple[str, ...], capabilities: tuple[str, ...] = ()) -> list[str]:
    """What to ask, and what to ask where that is an invalid_scope."""
    older = "permission-v1" in capabilities and "permission-v2" not in capabilities
    data = _data(supported) or (["patient/*.read"] if older else ["patient/*.rs"])
    person = [name for name in PERSON if not supported or name in supported]
    steps = [" ".join([*person, *data])]
    if not supported:
        other = "patient/*.rs" if older else "patient/*.read"
        steps.append(" ".join([*person, other]))
    steps.append(" ".join([*(n for n in person if n in ("launch/patient", "offline_access")), *data]))
    steps.append(" ".join([*(n for n in person if n == "launch/patient"), *data]))
    return list(dict.fromkeys(steps))


def _data(supported: tuple[str, ...]) -> list[str]:
    """The listed scopes that read a patient's data: for all types, else for each; v2 before v1."""
    for scope in ("patient/*.rs", "patient/*.read", "patient/*.cruds", "patient/*.*"):
        if scope in supported:
            return [scope]
    newer, older = [], []
    for scope in supported:
        found = _CLINICAL.fullmatch(scope)
        if found is None or found[3]:
            continue
        if found[2] in ("read", "*"):
            older.append(scope)
        elif "r" in found[2] or "s" in found[2]:
            newer.append(scope)
    return (newer or older)[:MOST_SCOPES]
