"""Granular scopes against a reference model: a scope is a set of (context, type, action, categories)."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.auth.scopes import excess, limit, narrow, narrow_system, parse, resource_scopes, subset
from sandbox.fhir.search.clause import AnyOf
from sandbox.fhir.search.value import TokenValue

LAB, VITAL = "patient/Observation.rs?category=s|lab", "patient/Observation.rs?category=s|vital"

# the model

KINDS = ("Observation", "Condition", "Coverage")
CODINGS = (("s", "lab"), ("s", "vital"), ("t", "lab"))
RESOURCES = [frozenset(c) for n in range(4) for c in itertools.combinations(CODINGS, n)]
"""A resource is the set of its categories."""

Value = tuple[str | None, str | None]


@dataclass(frozen=True)
class Asked:
    """A scope as its parts; `filters` are clauses (all), each of values (any)."""

    context: str
    kind: str
    letters: str
    filters: tuple[tuple[Value, ...], ...]

    @property
    def text(self) -> str:
        query = "&".join("category=" + ",".join(map(_written, values)) for values in self.filters)
        return f"{self.context}/{self.kind}.{self.letters}" + (f"?{query}" if query else "")

    @property
    def actions(self) -> str:
        return {"read": "rs", "write": "cud", "*": "cruds"}.get(self.letters, self.letters)

    def means(self) -> set[tuple[str, str, str, frozenset[tuple[str, str]]]]:
        kinds = KINDS if self.kind == "*" else (self.kind,)
        found = [r for r in RESOURCES if all(any(_has(r, v) for v in values) for values in self.filters)]
        return {(self.context, k, a, r) for k in kinds for a in self.actions for r in found}


def _written(value: Value) -> str:
    system, code = value
    return (f"{system}|" if system is not None else "") + (code or "")


def _has(resource: frozenset[tuple[str, str]], value: Value) -> bool:
    system, code = value
    return any((system in (None, s)) and (code in (None, c)) for s, c in resource)


def model(scopes: Iterable[Asked]) -> set[tuple[str, str, str, frozenset[tuple[str, str]]]]:
    return set().union(*(scope.means() for scope in scopes))


_VALUES = st.sampled_from([("s", "lab"), ("s", "vital"), ("t", "lab"), (None, "lab"), ("s", None)])
_CLAUSES = st.lists(_VALUES, min_size=1, max_size=2, unique=True).map(tuple)
_LETTERS = st.sampled_from(["r", "s", "rs", "cruds", "cud", "ru", "read", "write", "*"])


@st.composite
def _scopes(draw: st.DrawFn, contexts: tuple[str, ...] = ("patient", "user", "system")) -> Asked:
    kind, letters = draw(st.sampled_from([*KINDS, "*"])), draw(_LETTERS)
    granular = kind in ("Observation", "Condition") and letters not in ("read", "write", "*")
    filters = draw(st.lists(_CLAUSES, max_size=2).map(tuple)) if granular else ()
    return Asked(draw(st.sampled_from(contexts)), kind, letters, filters)


def joined(scopes: Iterable[Asked]) -> str:
    return " ".join(scope.text for scope in scopes)


def meets(resource: frozenset[tuple[str, str]], any_of: AnyOf) -> bool:
    """What the library does with a limit, on a set of categories."""

    def holds(value: object) -> bool:
        assert isinstance(value, TokenValue)
        return _has(resource, (value.system, value.code))

    return not any_of or any(all(any(map(holds, c.values)) for c in clauses) for clauses in any_of)


def reread(texts: Iterable[str]) -> list[Asked]:
    """Granted texts, understood by the model's own reading."""
    found = []
    for text in texts:
        head, _, query = text.partition("?")
        context, _, rest = head.partition("/")
        kind, _, letters = rest.partition(".")
        filters = []
        for clause in query.split("&") if query else []:
            values: list[Value] = []
            for written in clause.removeprefix("category=").split(","):
                system, bar, code = written.partition("|")
                values.append((system, code or None) if bar else (None, system))
            filters.append(tuple(values))
        found.append(Asked(context, kind, letters, tuple(filters)))
    return found


# the properties

_LISTS = st.lists(_scopes(), max_size=4)


@settings(deadline=None)
@given(_scopes())
def test_what_is_parsed_is_written_back_as_it_was(scope: Asked) -> None:
    found = parse(scope.text)
    assert found is not None
    assert (found.text, found.actions, len(found.clauses)) == (
        scope.text,
        set(scope.actions),
        len(scope.filters),
    )
    again = parse(found.form("".join(a for a in "cruds" if a in found.actions)))
    assert again is not None
    if scope.letters not in ("write", "*"):  # of those, only the reading part is ever written back
        assert (again.actions, again.clauses) == (found.actions, found.clauses)


@settings(deadline=None)
@given(_LISTS)
def test_a_token_reaches_what_its_scopes_mean_and_nothing_else(scopes: list[Asked]) -> None:
    meant = {(kind, action, resource) for _, kind, action, resource in model(scopes)}
    parsed = resource_scopes(scope.text for scope in scopes)
    for kind, action in itertools.product(KINDS, "cruds"):
        any_of = limit(parsed, kind, action)
        for resource in RESOURCES:
            reached = any(s.covers(kind, action) for s in parsed) and meets(resource, any_of)
            assert reached is ((kind, action, resource) in meant)


@settings(deadline=None)
@given(_LISTS)
def test_narrowing_never_widens_and_keeps_what_a_member_may_read(scopes: list[Asked]) -> None:
    granted = narrow(joined(scopes), KINDS)
    kept = model(reread(granted))
    readable = {each for each in model(scopes) if each[0] != "system" and each[2] in "rs"}
    assert kept == readable
    assert subset(" ".join(granted), joined(scopes))
    assert narrow(" ".join(granted), KINDS) == granted


@settings(deadline=None)
@given(_LISTS, _LISTS, _LISTS)
def test_subset_is_an_order_that_agrees_with_the_model(
    a: list[Asked], b: list[Asked], c: list[Asked]
) -> None:
    assert subset(joined(a), joined(a))
    assert subset(joined(a), joined([*a, *b]))
    if subset(joined(a), joined(b)):
        assert model(a) <= model(b)
        if subset(joined(b), joined(c)):
            assert subset(joined(a), joined(c))


@settings(deadline=None)
@given(_scopes(("patient",)), _scopes(("patient",)))
def test_without_repeated_filters_subset_is_exactly_the_models(a: Asked, b: Asked) -> None:
    """With one filter of one value each side, nothing that is less is refused."""
    if all(len(s.filters) <= 1 and all(len(values) == 1 for values in s.filters) for s in (a, b)):
        below_wildcard = a.kind == "*" and b.kind != "*"  # all types of the model are not all types
        assert subset(a.text, b.text) is (model([a]) <= model([b]) and not below_wildcard)


@settings(deadline=None)
@given(_LISTS, _LISTS)
def test_a_backend_service_gets_at_most_what_it_is_registered_for(
    asked: list[Asked], registered: list[Asked]
) -> None:
    granted = narrow_system(joined(asked), joined(registered), KINDS)
    kept = model(reread(granted))
    assert kept <= model(asked) & model(registered)
    assert {each[0] for each in kept} <= {"system"}


# by example


@pytest.mark.parametrize(
    ("asked", "granted", "less"),
    [
        (LAB, "patient/Observation.rs", True),
        (LAB, "patient/*.rs", True),
        (LAB, "patient/*.read", True),
        (LAB, LAB, True),
        (LAB + "&code=c", LAB, True),
        (LAB, LAB + "&code=c", False),
        ("patient/Observation.r?category=s|lab", LAB, True),
        (LAB, "patient/Observation.r?category=s|lab", False),
        (LAB, "patient/Observation.r?category=s|lab patient/Observation.s", True),
        ("patient/Observation.rs", LAB, False),
        ("patient/*.rs", LAB, False),
        (LAB, VITAL, False),
        (LAB, "patient/Observation.rs?category=lab", True),
        (LAB, "patient/Observation.rs?category=s|", True),
        ("patient/Observation.rs?category=lab", LAB, False),
        (LAB, "patient/Observation.rs?category=s|vital,s|lab", True),
        ("patient/Observation.rs?category=s|vital,s|lab", LAB, False),
        (LAB, "user/Observation.rs", False),
        (LAB, "patient/Condition.rs", False),
        ("patient/Observation.rs?category=" + quote("s|lab", safe=""), LAB, True),
    ],
)
def test_a_granular_scope_is_less_than_what_it_narrows(asked: str, granted: str, less: bool) -> None:
    assert subset(asked, granted) is less


def test_one_whole_scope_of_a_type_lifts_the_filters_of_the_others() -> None:
    def parts(action: str, *texts: str) -> AnyOf:
        return limit(resource_scopes(texts), "Observation", action)

    ((clause,),) = parts("s", LAB, VITAL)  # one condition of a search, however many scopes
    assert set(clause.values) == {TokenValue("s", "lab"), TokenValue("s", "vital")}
    assert parts("s", LAB, VITAL, "user/*.s") == ()
    assert parts("r", LAB, VITAL, "user/*.s") == ((clause,),)
    assert len(parts("r", LAB, LAB)) == 1
    assert len(parts("r", LAB, VITAL, LAB + "&code=a", LAB + "&code=b")) == 3


SCOPES = {
    "as many as there may be": (" ".join(f"patient/Observation.rs?category=c{n}" for n in range(100)), None),
    "many granular ones": (" ".join(f"patient/Observation.rs?category=c{n}" for n in range(101)), "granular"),
    "many": (" ".join(f"patient/X{n}.rs" for n in range(201)), "more than 200"),
    "long": ("openid " + "x" * 8186, "8192 characters"),
    "many values": (
        " ".join(f"patient/Observation.rs?category={n}," + "a," * 9 for n in range(40)),
        "values",
    ),
    "many values, encoded": (
        " ".join("patient/Observation.rs?category=" + "a%2C" * 19 + str(n) for n in range(21)),
        "values",
    ),
    "many combined filters": (
        " ".join(f"patient/Observation.rs?category=c{n}&status=s{n}" for n in range(11)),
        "several parameters",
    ),
    "some combined filters": (
        " ".join(f"patient/Observation.rs?category=c{n}&status=s{n}" for n in range(10)),
        None,
    ),
    "the same again and again": ("openid " * 1000, None),
}


@pytest.mark.parametrize("what", SCOPES)
def test_a_scope_parameter_is_bounded(what: str) -> None:
    """Each filter becomes a part of every search: a member's yes must not become a query of any size."""
    text, words = SCOPES[what]
    problem = excess(text)
    assert problem is None if words is None else words in str(problem)


def test_backend_scopes_are_reduced_to_the_registered_ones() -> None:
    registered = "system/Observation.rs system/Coverage.read"
    asked = "system/*.rs system/Observation.r system/Coverage.rs patient/Coverage.rs openid"
    assert narrow_system(asked, registered, KINDS) == ["system/Observation.r", "system/Coverage.rs"]
    assert narrow_system(asked, None, KINDS) == []
    assert narrow_system("system/Coverage.cruds", registered, KINDS) == ["system/Coverage.rs"]
    assert narrow_system(None, registered, KINDS) == []
