"""SMART scopes, v1 and v2: parse, narrow, allow (pure).

Source: SMART App Launch 2.2.0 "Scopes and Launch Context": `(patient|user|system)/(Type|*).[cruds]`,
v1 `.read` = rs, `.write` = cud, `.*` = cruds. Letters out of order make a scope we do not grant.
A v2 scope may end in `?param=value[&param=value…]` and then means only the resources that this search
finds: parameters are all met, commas are alternatives, several scopes add up.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from urllib.parse import unquote

from sandbox.core.cache import bounded
from sandbox.core.errors import BadRequest
from sandbox.fhir.schema.types import TYPES, find
from sandbox.fhir.search.clause import AnyOf, Clause
from sandbox.fhir.search.query import parse as parse_query
from sandbox.fhir.search.value import TokenValue, Value

_RESOURCE = re.compile(r"(patient|user|system)/([A-Z][A-Za-z]*|\*)\.(c?r?u?d?s?|read|write|\*)(\?.+)?")
_V1 = {"read": "rs", "write": "cud", "*": "cruds"}

LASTING = frozenset({"offline_access", "online_access"})
"""Scopes that ask for a refresh token."""
LAUNCH = frozenset({"openid", "fhirUser", "profile", "launch/patient"}) | LASTING

USER = "fhirUser"
"""With openid it lets an app read who signed in (SMART "Scopes for requesting identity data")."""

_LENGTH_MAX, _VALUES_MAX = 1000, 20
"""Characters of a scope, and values of its filter. What is beyond is not granted."""

TEXT_MAX, SCOPES_MAX, GRANULAR_MAX, FILTER_MAX = 8192, 200, 100, 400
"""Characters of a `scope` parameter, scopes in it, granular ones among them, and the values of all their
filters. What is beyond is refused wherever it enters: a filter becomes a part of every search."""

COMBINED_MAX = 20
"""Parameters of all filters that have several. Filters by one parameter become one condition together,
but each of these is a subquery for every resource."""


@dataclass(frozen=True)
class Scope:
    """A resource scope. `text` is how the client wrote it, and how it is returned. A resource must meet all
    `clauses` of a granular scope (none: everything of the type)."""

    context: str
    type: str
    actions: frozenset[str]
    text: str
    clauses: tuple[Clause, ...] = ()

    def covers(self, kind: str, action: str) -> bool:
        return self.type in ("*", kind) and action in self.actions

    def within(self, other: Scope) -> bool:
        """Whether `other` covers every resource that this scope covers, whatever the actions."""
        return (
            self.context == other.context
            and other.type in ("*", self.type)
            and all(any(_implies(mine, theirs) for mine in self.clauses) for theirs in other.clauses)
        )

    def form(self, actions: str) -> str:
        """Return the same scope with these actions (in the order of `cruds`), in the client's grammar."""
        name, mark, filters = self.text.partition("?")
        letters = "read" if name.rpartition(".")[2] in _V1 else actions
        return f"{self.context}/{self.type}.{letters}{mark}{filters}"


def parse(text: str) -> Scope | None:
    """Return a resource scope, or None for another one. A filter must be a token parameter of the type: to
    grant a scope without its filter would grant more than was requested."""
    return _parse(text) if len(text) <= _LENGTH_MAX else None


@bounded(4 << 20, 20)
def _parse(text: str) -> Scope | None:
    match = _RESOURCE.fullmatch(text)
    if not match or not match[3]:
        return None
    context, kind, letters, filters = match.groups()
    clauses: tuple[Clause, ...] | None = ()
    if filters:
        clauses = None if letters in _V1 else _clauses(kind, filters[1:])
    if clauses is None:
        return None
    return Scope(context, kind, frozenset(_V1.get(letters, letters)), text, clauses)


def _clauses(kind: str, filters: str) -> tuple[Clause, ...] | None:
    args = []
    for part in filters.split("&"):
        name, _, value = part.partition("=")
        param = find(kind, unquote(name)) if kind in TYPES else None
        if param is None or param.kind != "token" or not param.searchable or not value:
            return None
        args.append((unquote(name), unquote(value)))
    try:
        clauses = parse_query(kind, args, strict=True).clauses
    except BadRequest:
        return None
    values = sum(len(clause.values) for clause in clauses)
    # A parameter without a value is no filter at all.
    return clauses if len(clauses) == len(args) and values <= _VALUES_MAX else None


def _implies(clause: Clause, granted: Clause) -> bool:
    """Whether whatever meets one clause meets the other (both are of token parameters)."""
    return clause.param == granted.param and all(
        any(_narrower(value, wider) for wider in granted.values if isinstance(wider, TokenValue))
        for value in clause.values
        if isinstance(value, TokenValue)
    )


def _narrower(value: TokenValue, wider: TokenValue) -> bool:
    return wider.system in (None, value.system) and wider.code in (None, value.code)


def split(text: str | None) -> list[str]:
    """Return the distinct scopes in their order."""
    return list(dict.fromkeys((text or "").split()))


def excess(text: str | None) -> str | None:
    """Return why a `scope` parameter is more than this server accepts; None: it is not."""
    if text is None:
        return None
    if len(text) > TEXT_MAX:
        return f"scope is longer than {TEXT_MAX} characters"
    texts = split(text)
    if len(texts) > SCOPES_MAX:
        return f"scope holds more than {SCOPES_MAX} scopes"
    granular = [scope for scope in texts if "?" in scope]
    if len(granular) > GRANULAR_MAX:
        return f"scope holds more than {GRANULAR_MAX} granular scopes"
    filters = [scope.partition("?")[2].split("&") for scope in granular]
    if sum(1 + unquote(part).count(",") for parts in filters for part in parts) > FILTER_MAX:
        return f"The granular scopes hold more than {FILTER_MAX} values"
    if sum(len(parts) for parts in filters if len(parts) > 1) > COMBINED_MAX:
        return f"The granular scopes of several parameters hold more than {COMBINED_MAX} of them"
    return None


def resource_scopes(granted: Iterable[str]) -> list[Scope]:
    return [scope for text in granted if (scope := parse(text))]


def narrow(requested: str | None, types: Collection[str]) -> list[str]:
    """Return what of `requested` a member may grant: launch scopes, and the reading part of patient and user
    scopes of the types this payer serves, in the form they were asked in (v1 or v2)."""
    kept = (_grantable(text, types, ("patient", "user")) for text in split(requested))
    return list(dict.fromkeys(text for text in kept if text))


def narrow_system(requested: str | None, registered: str | None, types: Collection[str]) -> list[str]:
    """Return what of `requested` a backend service is granted: the reading part of the system scopes that its
    registration reaches (None: it is registered for none)."""
    kept = (_grantable(text, types, ("system",)) for text in split(requested))
    return list(dict.fromkeys(text for text in kept if text and subset(text, registered or "")))


def _grantable(text: str, types: Collection[str], contexts: Collection[str]) -> str | None:
    if text in LAUNCH:
        return text if "patient" in contexts else None
    scope = parse(text)
    if scope is None or scope.context not in contexts or (scope.type != "*" and scope.type not in types):
        return None
    reading = "".join(letter for letter in "rs" if letter in scope.actions)
    return scope.form(reading) if reading else None


def asks_for_system(requested: str | None) -> bool:
    return any(text.startswith("system/") for text in split(requested))


def reads_user(granted: Iterable[str]) -> bool:
    """Whether these scopes open the record of who signed in."""
    return {"openid", USER} <= set(granted)


def launches_patient(granted: str) -> bool:
    """Whether a patient is established (SMART "Launch context"): asked for, or needed by a scope."""
    texts = split(granted)
    return "launch/patient" in texts or any(s.context == "patient" for s in resource_scopes(texts))


def limit(granted: Iterable[Scope], kind: str, actions: str) -> AnyOf:
    """What resources of a type must meet, of which one list of clauses is enough, to be reached by
    any of `actions`; empty when these scopes reach the whole type."""
    reaching = [s for s in granted if any(s.covers(kind, action) for action in actions)]
    if not all(scope.clauses for scope in reaching):
        return ()
    return _merged(dict.fromkeys(scope.clauses for scope in reaching))


def _merged(parts: Iterable[tuple[Clause, ...]]) -> AnyOf:
    """The same parts, where those of one clause about one parameter are one clause with the values of
    all: one condition of a search instead of many."""
    values: dict[str, dict[Value, None]] = {}
    alone: dict[str, Clause] = {}
    combined: list[tuple[Clause, ...]] = []
    for part in parts:
        if len(part) == 1:
            name = part[0].param.name
            alone.setdefault(name, part[0])
            values.setdefault(name, {}).update(dict.fromkeys(part[0].values))
        else:
            combined.append(part)
    return (*((replace(alone[name], values=tuple(values[name])),) for name in alone), *combined)


def subset(requested: str, granted: str) -> bool:
    """RFC 6749 §6: a refresh may ask for less, never for more. `patient/Patient.r` is less than
    `patient/*.rs`, a granular scope less than the same without its filter; anything that is no
    resource scope must have been granted as it stands."""
    have = set(split(granted))
    held = resource_scopes(have)
    return all(text in have or _covered(text, held) for text in split(requested))


def _covered(text: str, granted: Collection[Scope]) -> bool:
    scope = parse(text)
    return scope is not None and all(
        any(action in wider.actions and scope.within(wider) for wider in granted) for action in scope.actions
    )
