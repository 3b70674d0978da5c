"""SMART scopes, v1 and v2: parse, narrow, allow (pure).

Source: SMART App Launch 2.2.0 "Scopes and Launch Context": `(patient|user|system)/(Type|*).[cruds]`,
v1 `.read` = rs, `.write` = cud, `.*` = cruds. Letters out of order make a scope we do not grant.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

_RESOURCE = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]*|\*)\.(c?r?u?d?s?|read|write|\*)(\?.+)?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}

LAUNCH = frozenset({"openid", "fhirUser", "profile", "launch/patient", "offline_access", "online_access"})


@dataclass(frozen=True)
class Scope:
    """One resource scope. `text` is how it was asked, which is how it is echoed."""

    context: str
    type: str
    actions: frozenset[str]
    text: str

    def covers(self, kind: str, action: str) -> bool:
        return self.type in ("*", kind) and action in self.actions


def parse(text: str) -> Scope | None:
    """A resource scope, or None for anything else. Scopes with a `?filter` are not granted: to
    grant one without its filter would give more than was asked."""
    found = _RESOURCE.fullmatch(text)
    if not found or not found[3] or found[4]:
        return None
    return Scope(found[1], found[2], frozenset(_V1.get(found[3], found[3])), text)


def split(text: str | None) -> list[str]:
    """Distinct scopes in the order asked."""
    return list(dict.fromkeys((text or "").split()))


def resource_scopes(granted: Iterable[str]) -> list[Scope]:
    return [scope for text in granted if (scope := parse(text))]


def narrow(asked: str | None, types: Collection[str]) -> list[str]:
    """What of `asked` a member may grant: launch scopes, and the reading part of patient and user
    scopes of the types this payer serves, in the form they were asked in (v1 or v2)."""
    kept = [part for text in split(asked) if (part := _grantable(text, types))]
    return list(dict.fromkeys(kept))


def _grantable(text: str, types: Collection[str]) -> str | None:
    if text in LAUNCH:
        return text
    scope = parse(text)
    if scope is None or scope.context == "system" or (scope.type != "*" and scope.type not in types):
        return None
    reading = "".join(letter for letter in "rs" if letter in scope.actions)
    if not reading:
        return None
    form = "read" if text.rpartition(".")[2] in _V1 else reading
    return f"{scope.context}/{scope.type}.{form}"


def asks_for_system(asked: str | None) -> bool:
    return any(text.startswith("system/") for text in split(asked))


def launches_patient(granted: str) -> bool:
    """Whether a patient is established (SMART "Launch context"): asked for, or needed by a scope."""
    texts = split(granted)
    return "launch/patient" in texts or any(s.context == "patient" for s in resource_scopes(texts))


def allows(granted: Iterable[str], kind: str, action: str) -> bool:
    """Whether a token with these scopes may read ("r") or search ("s") a type."""
    return any(scope.covers(kind, action) for scope in resource_scopes(granted))


def subset(asked: str, granted: str) -> bool:
    """RFC 6749 §6: a refresh may ask for less, never for more. `patient/Patient.r` is less than
    `patient/*.rs`; anything that is no resource scope must have been granted as it stands."""
    have = set(split(granted))
    return all(text in have or _covered(text, resource_scopes(have)) for text in split(asked))


def _covered(text: str, granted: Iterable[Scope]) -> bool:
    scope = parse(text)
    return scope is not None and any(
        each.context == scope.context and each.type in ("*", scope.type) and scope.actions <= each.actions
        for each in granted
    )
