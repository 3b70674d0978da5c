"""Caches hold bytes, not things: whatever strangers send, a process keeps a fixed amount of it."""

from __future__ import annotations

import ast
import itertools
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest

from sandbox.auth import scopes
from sandbox.core.cache import ENTRY, SHARE, ByteBoundedCache, bounded
from sandbox.core.errors import SandboxProblem
from sandbox.faults.catalog import Catalog, load
from sandbox.fhir import dates
from sandbox.fhir.schema import paths
from sandbox.fhir.schema.model import Param
from sandbox.fhir.search import query
from sandbox.settings import root
from sandbox.web import negotiation
from sandbox.web.http import compression
from sandbox.web.rest import page_token
from sandbox.web.stored_reads import _arguments as parse_arguments
from sandbox.web.stored_reads import _base as base


def deep(value: Any, seen: set[int]) -> int:
    """Bytes of an object and all that only it holds. The search table is everybody's."""
    if id(value) in seen or value is None or isinstance(value, (bool, Param, type)):
        return 0
    seen.add(id(value))
    size = sys.getsizeof(value)
    if isinstance(value, (str, bytes, int, float)):
        return size
    if isinstance(value, dict):
        return size + sum(deep(k, seen) + deep(v, seen) for k, v in value.items())
    if isinstance(value, (tuple, list, set, frozenset)):
        return size + sum(deep(each, seen) for each in value)
    if is_dataclass(value):
        return size + sum(deep(getattr(value, each.name), seen) for each in fields(value))
    return size + (deep(vars(value), seen) if hasattr(value, "__dict__") else 0)


def test_the_first_in_is_the_first_out_once_it_is_full() -> None:
    cache: ByteBoundedCache[int, int] = ByteBoundedCache(20 * (ENTRY + 100), lambda key, value: 100)
    for number in range(30):
        cache.keep(number, number)
    assert len(cache) == 20
    assert [cache.get(number) for number in (0, 9, 10, 29)] == [None, None, 10, 29]
    assert cache.bytes <= 20 * (ENTRY + 100)


def test_what_is_kept_twice_weighs_once() -> None:
    cache: ByteBoundedCache[str, str] = ByteBoundedCache(1 << 20)
    for _ in range(1000):
        cache.keep("a", "b")
    once: ByteBoundedCache[str, str] = ByteBoundedCache(1 << 20)
    once.keep("a", "b")
    assert cache.bytes == once.bytes


def test_what_is_too_large_is_not_kept_but_given() -> None:
    cache: ByteBoundedCache[str, str] = ByteBoundedCache(1 << 20)
    assert cache.keep("a" * (1 << 20), "value") == "value"
    assert (len(cache), cache.bytes) == (0, 0)
    cache.keep("a" * ((1 << 20) // SHARE - 1000), "value")
    assert len(cache) == 1


def test_a_bounded_function_is_called_once_for_what_it_knows() -> None:
    calls: list[Any] = []

    @bounded(1 << 20)
    def double(number: int) -> int | None:
        calls.append(number)
        return None if number < 0 else number * 2

    assert [double(4), double(4), double(-1), double(-1)] == [8, 8, None, None]
    assert calls == [4, -1]


def _catalog() -> Catalog:
    return load(root() / "scenarios")


CATALOG = _catalog()
SIZES = (1, 10, 100, 1000)
Inputs = Callable[[int], Iterator[tuple[Any, ...]]]


def _words(size: int) -> Iterator[str]:
    return (f"{number:08}{'x' * size}" for number in itertools.count())


def _queries(size: int) -> Iterator[tuple[Any, ...]]:
    """Searches of every shape: many parameters, many values, long values, tokens and references."""
    for number in itertools.count():
        for args in (
            tuple(("_id", f"{number}-{n}") for n in range(min(size, 100))),
            (("_id", ",".join(f"{number}-{n}" for n in range(min(size, 100)))),),
            (("identifier", f"s{number}|{'x' * size}"),),
            tuple((f"unknown{number}{n}", "") for n in range(size)),
            (("patient", f"Patient/{number}"), ("service-date", f"ge2020-01-01T00:00:00.{number:06}Z")),
            (("_id", str(number)), *[("_include", "ExplanationOfBenefit:patient")] * size),
        ):
            yield ("ExplanationOfBenefit", args, 50, 500, False, "")


def _scopes(size: int) -> Iterator[tuple[Any, ...]]:
    for number in itertools.count():
        values = ",".join(f"s|{number}{n}" for n in range(min(size, 15)))
        yield (f"patient/Observation.rs?category={values}",)


def _selections(size: int) -> Iterator[tuple[Any, ...]]:
    for number in itertools.count():
        yield (f"slow-responses,seconds={number % 100}.{number}~s{number}"[:900],)
        yield (f"~{number}",)


CACHES: dict[str, tuple[Any, Inputs]] = {
    "search": (query._parsed, _queries),
    "query string": (
        parse_arguments,
        lambda size: ((f"a{w}=1&b=2&" + "c&" * size,) for w in _words(1)),
    ),
    "prefix": (
        base,
        lambda size: (("http", f"h{w[:200]}", "h", "80", "") for w in _words(size)),
    ),
    "Accept": (negotiation.takes_json, lambda size: ((f"text/{w}",) for w in _words(size))),
    "Accept-Encoding": (compression.wanted, lambda size: ((w,) for w in _words(size))),
    "page signer": (page_token._serializer, lambda size: (("key", w) for w in _words(size))),
    "reference": (paths._literal, lambda size: ((f"Patient/{w}",) for w in _words(size))),
    "string": (paths.fold, lambda size: ((f"é{w}",) for w in _words(size))),
    "date": (dates.parse, lambda size: ((f"2020-01-01T00:00:00.{n:09}Z",) for n in itertools.count())),
    "scope": (scopes._parse, _scopes),
    "selection": (CATALOG._parsed, _selections),
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", CACHES)
def test_hostile_inputs_fill_a_cache_to_its_limit_and_no_further(name: str, size: int) -> None:
    function, inputs = CACHES[name]
    cache: ByteBoundedCache[Any, Any] = function.cache
    sent = 0
    for arguments in itertools.islice(inputs(size), 30_000):
        try:
            function(*arguments)
        except (SandboxProblem, ValueError):
            continue
        sent += cache._weights.get(arguments, 0)
        if sent > 2 * cache._most:
            break
    assert cache.bytes <= cache._most
    assert len(cache) > 0 or size == 1000
    seen: set[int] = set()
    real = sum(deep(key, seen) + deep(value, seen) for key, value in cache._held.items())
    real += sys.getsizeof(cache._held) + sys.getsizeof(cache._weights)
    assert real <= 1.25 * cache.bytes + 10_000, f"{real} bytes in {len(cache)} entries of {cache.bytes}"


SERVER = Path(__file__).parents[3] / "sandbox"
NOT_STRANGERS = {
    "auth/tokens/id_token.py": "the payer's own keys",
    "apis/discovery.py": "what is installed",
    "apis/developer/guides.py": "one folder of guides",
    "core/outbound.py": "one trust store",
    "fhir/capability.py": "types of the table, and those that a payer withholds",
    "store/ledger/repositories/work.py": "names of databases",
    "store/ledger/repositories/journal.py": "names of databases",
    "faults/listing.py": "one file of metrics",
    "faults/search.py": "the catalog, and one file of synonyms",
    "web/i18n.py": "one file of words",
    "fhir/schema/paths.py": "types of the table, elements of our code, and dates of a library as it is built",
    "store/ledger/database.py": "names of databases",
    "store/ledger/quota.py": "names of databases",
    "store/ledger/repositories/counters.py": "names of databases",
    "store/ledger/repositories/repository.py": "tables and columns of our code",
    "store/library/traits.py": "a library as it is built",
    "store/library/read.py": "which of five parameters are given",
}
"""Where `lru_cache` may count things, and what its keys are."""


def test_caches_that_count_things_are_not_for_strangers() -> None:
    found = set()
    for folder in ("apis", "auth", "core", "faults", "fhir", "store", "web"):
        for path in (SERVER / folder).rglob("*.py"):
            names = {n.id for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.Name)}
            if names & {"lru_cache", "cache"} - ({"cache"} if folder == "core" else set()):
                found.add(str(path.relative_to(SERVER)))
    assert found == set(NOT_STRANGERS)
