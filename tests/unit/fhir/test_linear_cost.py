"""No value of any parameter costs more than in proportion to its length, with every limit taken away;
and with the limits on, what is long is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial

import pytest
from support.costs import Counted, calls, is_linear
from support.reach import reader
from unit.fhir.fake_library import FakeLibrary

from sandbox.apis.patient_access import docref
from sandbox.core import limits
from sandbox.core.errors import SandboxProblem
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.clause import chains, modifiers
from sandbox.fhir.search.query import RESULT_PARAMS, parse

pytestmark = pytest.mark.slow

BASE = "http://127.0.0.1/fhir"
SIZES = (250, 500, 1000, 2000)

VALUES = {
    "token": ("a,", "s|c,", r"a\|b|c\,d,", "|", "\\"),
    "date": ("2024,", "ge2024-01-01,", "2024-01-01T00:00:00.", "9"),
    "reference": ("a,", "Patient/", f"{BASE}/Patient/a,", "a:b"),
    "string": ("a,", "a", r"\,", "\ufdfa"),
    "result": ("a,", "1", "-_id,", "status,", "id", "*", "Patient:", ":", "Patient:general-practitioner,"),
}
"""What values of each kind are made of: all of them for one parameter of the kind in each type, the
first for the others."""


def built(unit: str, size: int) -> str:
    return (unit * (size // len(unit) + 1))[:size]


def cases(kind: str) -> Iterator[tuple[str, str]]:
    """Every parameter of a type, each with something its value may be made of."""
    seen: set[tuple[str, str]] = set()
    for name, values in names(kind):
        like = values, name.partition(":")[2] if values != "result" else name
        yield from ((name, unit) for unit in (VALUES[values][:1] if like in seen else VALUES[values]))
        seen.add(like)


def names(kind: str) -> Iterator[tuple[str, str]]:
    """Every parameter of a type, with its modifiers and chains, and the kind of value it takes."""
    for param in TYPES[kind].params:
        if param.searchable:
            yield param.name, param.kind
            yield from ((f"{param.name}:{each}", param.kind) for each in modifiers(param))
            yield from ((f"{param.name}.{each}", "token") for each in chains(param))
    if kind in ("Patient", "ExplanationOfBenefit"):  # they are the same for every type
        yield from ((name, "result") for name in sorted(RESULT_PARAMS))


@pytest.fixture
def limitless(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in vars(limits):
        if name.endswith("_MAX"):
            monkeypatch.setattr(limits, name, 10**9)
    monkeypatch.setattr("sandbox.fhir.search.value.TEXT_LENGTH_MAX", 10**9)
    for name in ("CLAUSES", "ELEMENTS", "INCLUDES", "SORTS", "VALUES"):
        monkeypatch.setattr(f"sandbox.fhir.search.query.{name}_MAX", 10**9)
    # and nothing is remembered
    monkeypatch.setattr("sandbox.core.cache.ByteBoundedCache.keep", lambda cache, key, value: value)


def cost(ask: Callable[[], object]) -> int:
    """In calls; a refusal is an answer too."""

    def run() -> None:
        with suppress(SandboxProblem):
            ask()

    return calls(run)


@pytest.mark.parametrize("kind", TYPES)
def test_values_cost_no_more_than_their_length(limitless: None, kind: str) -> None:
    for name, unit in cases(kind):
        costs = [cost(partial(parse, kind, [(name, built(unit, n))], base=BASE)) for n in SIZES]
        assert is_linear(costs, 8), (name, unit, costs)


@pytest.mark.parametrize("kind", ["Patient", "ExplanationOfBenefit", "Observation"])
@pytest.mark.parametrize("name", ["unknown{}", "unknown", "_count", "_include", "_id", "_elements:{}"])
def test_parameters_cost_no_more_than_their_number(limitless: None, kind: str, name: str) -> None:
    text = f"{kind}:x" if name == "_include" else "1"

    def ask(number: int) -> None:
        _ = parse(kind, [(Counted(name.format(each)), text) for each in range(number)]).link_query

    costs = [cost(partial(ask, n)) for n in SIZES]
    assert is_linear(costs, 8), costs


@pytest.mark.parametrize("name", ["_type", "start", "_since", "_count", "unknown", "unknown{}", "type"])
@pytest.mark.parametrize("operation", ["$everything", "$docref"])
def test_operations_cost_no_more_than_what_they_are_given(limitless: None, operation: str, name: str) -> None:
    def ask(number: int, text: str) -> None:
        given = [(Counted(name.format(each)), text) for each in range(number)]
        if operation == "$everything":
            reader(FakeLibrary([]), "a").parse_everything("a", given)
        else:
            docref.docref([("patient", "a"), *given], 50, 500, False, BASE)

    for text in ("Patient", "2024", ""):
        costs = [cost(partial(ask, n, text)) for n in SIZES]
        assert is_linear(costs, 8), (text, costs)
    for unit in VALUES["result"]:
        costs = [cost(partial(ask, 1, built(unit, n))) for n in SIZES]
        assert is_linear(costs, 8), (unit, costs)


@pytest.mark.parametrize("kind", TYPES)
def test_what_is_long_is_refused_by_the_name_of_its_parameter(kind: str) -> None:
    for name, unit in cases(kind):
        if name == "_page":
            continue  # read by `Pages`
        with pytest.raises(SandboxProblem) as refused:
            parse(kind, [(name, built(unit, 40_000))], base=BASE)
        assert refused.value.status == 413
        assert refused.value.expression == name
