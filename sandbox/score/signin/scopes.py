"""Chooses the scopes to request: what the payer lists, and fewer where it refuses them.

SMART App Launch 2.2 lists supported scopes in `scopes_supported`, and tells v1 from v2 by the
capabilities `permission-v1` and `permission-v2`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

PERSON = ("openid", "fhirUser", "launch/patient", "offline_access")
SCOPE = "openid fhirUser launch/patient offline_access patient/*.rs"
MOST_SCOPES = 60  # servers refuse an authorize URL that is too long
_CLINICAL = re.compile(r"patient/(\*|[A-Z][A-Za-z]+)\.(read|\*|c?r?u?d?s?)(\?.*)?")


class Scopes:
    """The scopes of sign-ins at one payer: the widest first, then narrower ones.

    Scopes that were refused once are not requested again in the same examination.
    """

    def __init__(self, supported: Iterable[str] = (), capabilities: Iterable[str] = (), requested: str = ""):
        self._steps = [requested] if requested else ladder(tuple(supported), tuple(capabilities))
        self._place = 0

    @property
    def current(self) -> str:
        return self._steps[self._place]

    def narrow(self) -> bool:
        """Go on to narrower scopes. Return False when there are none."""
        if self._place + 1 >= len(self._steps):
            return False
        self._place += 1
        return True


def ladder(supported: tuple[str, ...], capabilities: tuple[str, ...] = ()) -> list[str]:
    """Return the scopes to request, and those to try after each invalid_scope."""
    older = "permission-v1" in capabilities and "permission-v2" not in capabilities
    data = _data(supported) or (["patient/*.read"] if older else ["patient/*.rs"])
    person = [name for name in PERSON if not supported or name in supported]
    steps = [" ".join([*person, *data])]
    if not _data(supported):
        other = "patient/*.rs" if older else "patient/*.read"
        steps.append(" ".join([*person, other]))
    steps.append(" ".join([*(n for n in person if n in ("launch/patient", "offline_access")), *data]))
    steps.append(" ".join([*(n for n in person if n == "launch/patient"), *data]))
    return list(dict.fromkeys(steps))


def _data(supported: tuple[str, ...]) -> list[str]:
    """Return listed scopes that read patient data: for all types, else for each type; v2 before v1."""
    for scope in ("patient/*.rs", "patient/*.read", "patient/*.cruds", "patient/*.*"):
        if scope in supported:
            return [scope]
    by_type: dict[str, list[tuple[str, str, bool]]] = {}
    for scope in supported:
        match = _CLINICAL.fullmatch(scope)
        if match is not None and match[2] != "":
            by_type.setdefault(match[1], []).append((scope, match[2], bool(match[3])))
    return [scope for listed in by_type.values() for scope in _of_type(listed)][:MOST_SCOPES]


def _of_type(listed: list[tuple[str, str, bool]]) -> list[str]:
    """Return what reads one type, of its scopes with permissions and whether they are granular.

    The narrowest that reads and searches, else what together does; granular ones where there is nothing else.
    """
    for granular in (False, True):
        newer = [
            (scope, p)
            for scope, p, narrow in listed
            if narrow == granular and p not in ("read", "*") and set(p) & set("rs")
        ]
        both = sorted((len(p), n) for n, (_, p) in enumerate(newer) if {"r", "s"} <= set(p))
        if both and not granular:
            return [newer[both[0][1]][0]]
        older = [
            scope
            for p in ("read", "*")
            for scope, permissions, narrow in listed
            if permissions == p and narrow == granular
        ]
        if newer or older:
            return [scope for scope, _ in newer] or older[:1]
    return []
