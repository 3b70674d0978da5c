"""A search, parsed: `parse(type, args)` → `Query`, or BadRequest naming the parameter.

Source: R4 §3.1.1 (search), CARIN BB 2.0.0 and US Core 6.1.0 for which parameters exist (`params`).
A parameter without a value asks nothing; one that is known but cannot be understood is always 400.
Results come in the order of the library unless `_sort` says otherwise: a member's resources in the
order they were made, which is by member and type. Sorted, what has no value comes last, whatever the
direction, and equals keep the order of the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sandbox.core.cache import bounded
from sandbox.core.errors import bad_request, forbidden, not_found
from sandbox.fhir import includes
from sandbox.fhir.clauses import AnyOf, Clause, clause
from sandbox.fhir.includes import Include
from sandbox.fhir.params import SHARED, TYPES, Param, find
from sandbox.fhir.values import Canonical, Elsewhere, Moment, Target, Text, Token, Value, split

__all__ = [
    "VALUES_MAX",
    "AnyOf",
    "Canonical",
    "Clause",
    "Elsewhere",
    "Include",
    "Moment",
    "Query",
    "Sort",
    "Target",
    "Text",
    "Token",
    "Value",
    "parse",
    "split",
]

VALUES_MAX = 200
"""Values of a search beyond which the library is not asked."""

SORTS_MAX = 8
"""Keys of `_sort`, likewise."""


@dataclass(frozen=True)
class Sort:
    """One key of `_sort`: by the least value of the parameter, or from the greatest down."""

    param: Param
    descending: bool = False


@dataclass(frozen=True)
class Query:
    """What to look for. `patient` is the compartment; `any_of` is what granular scopes reach; `after`
    the key of the row that the page starts after, or, going `back`, ends before; `ignored` the
    parameters we did not understand (told in an outcome entry); `elements` what is shown of each match
    (empty: all of it)."""

    type: str
    clauses: tuple[Clause, ...] = ()
    includes: tuple[Include, ...] = ()
    sorts: tuple[Sort, ...] = ()
    elements: tuple[str, ...] = ()
    patient: str | None = None
    count: int = 50
    after: int = 0
    back: bool = False
    ignored: tuple[str, ...] = ()
    summary_only: bool = False
    untold: bool = False
    args: tuple[tuple[str, str], ...] = ()
    any_of: AnyOf = ()

    def links_to(self) -> str:
        """The query string of this search without its page and without what was not understood: what
        `self` and `next` repeat."""
        return urlencode([(k, v) for k, v in self.args if k != "_page" and k not in self.ignored])

    def within(self, patient: str | None, *, refuse: bool = True) -> Query:
        """The compartment rule: a member's search never leaves the member's compartment.

        Shared types are not narrowed. Asking for another patient by name is refused with 403, or
        finds nothing when the payer does not `refuse`. None: a backend service, bound to nobody.
        """
        if patient is None or self.type in SHARED:
            return self
        for asks in self.clauses if refuse else ():
            if asks.param.kind == "reference" and asks.param.targets == ("Patient",):
                asked = {v.id for v in asks.values if isinstance(v, Target)}
                if asked and patient not in asked:
                    forbidden(
                        "This token is for another patient than the one asked for", None, asks.param.name
                    )
        return replace(self, patient=patient)


def parse(
    kind: str,
    args: Iterable[tuple[str, str]],
    *,
    page_size: int = 50,
    page_size_max: int = 500,
    strict: bool = False,
    base: str = "",
) -> Query:
    """The query in `args`; absolute references that do not begin with `base`, our own address, find
    nothing.

    Raises BadRequest (value or, when strict, unknown parameter), NotFound (type).
    """
    return _parsed(kind, tuple(args), page_size, page_size_max, strict, base)


@bounded(8 << 20, 8)
def _parsed(
    kind: str,
    listed: tuple[tuple[str, str], ...],
    page_size: int,
    page_size_max: int,
    strict: bool,
    base: str,
) -> Query:
    if kind not in TYPES:
        not_found(f"This payer holds no {kind}", "not-supported")
    results: dict[str, Any] = {"count": page_size}
    clauses: list[Clause] = []
    included: list[Include] = []
    ignored: list[str] = []
    for name, text in listed:
        if "\0" in text:
            bad_request("A value holds a character that no data has", name)
        if name in _RESULTS:
            results |= _RESULTS[name](kind, text, page_size_max)
        elif name.partition(":")[0] in ("_include", "_revinclude"):
            included.extend(includes.includes(kind, name, text) if text else ())
        elif name not in _ELSEWHERE:
            asks = clause(kind, name, text, base)
            if asks is None:
                ignored.append(name)
            elif asks.asks:
                clauses.append(asks)
    _check(clauses)
    if results.get("summary_only"):
        results["untold"] = False
    if ignored and strict:
        bad_request(f"{kind} has no search parameter {ignored[0]}", ignored[0])
    return Query(
        kind,
        tuple(clauses),
        includes=tuple(dict.fromkeys(included)),
        ignored=tuple(ignored),
        args=listed,
        **results,
    )


def _check(clauses: Iterable[Clause]) -> None:
    asked = [(c.param.name, len(each.values)) for c in clauses for each in c.walk()]
    if sum(number for _, number in asked) > VALUES_MAX:
        name, _ = max(asked, key=lambda each: each[1])
        bad_request(f"A search takes at most {VALUES_MAX} values", name)


# --- parameters about the result: each gives fields of the Query ------------------------------------


def _count(kind: str, text: str, most: int) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        bad_request("_count is a whole number, 0 or more", "_count")
    number = int(text)
    return {"count": min(number, most)} if number else {"summary_only": True}


def _summary(kind: str, text: str, most: int) -> dict[str, Any]:
    if text not in ("", "count", "false"):
        bad_request("_summary is count or false here", "_summary")
    return {"summary_only": True} if text == "count" else {}


def _total(kind: str, text: str, most: int) -> dict[str, Any]:
    """An estimate of ours is exact."""
    if text not in ("", "none", "estimate", "accurate"):
        bad_request("_total is none, estimate or accurate", "_total")
    return {"untold": text == "none"}


def _sort(kind: str, text: str, most: int) -> dict[str, Any]:
    sorts = []
    for key in filter(None, text.split(",")):
        param = find(kind, key.removeprefix("-"))
        if param is None or not param.searchable:
            bad_request(f"{kind} cannot be sorted by this", "_sort")
        sorts.append(Sort(param, key.startswith("-")))
    if len(sorts) > SORTS_MAX:
        bad_request(f"_sort takes at most {SORTS_MAX} keys", "_sort")
    return {"sorts": tuple(sorts)} if sorts else {}


def _elements(kind: str, text: str, most: int) -> dict[str, Any]:
    names = tuple(name.removesuffix("[x]") for name in text.split(",") if name)
    if not all(re.fullmatch(r"[A-Za-z]{1,64}", name) for name in names):
        bad_request("_elements is a list of elements at the top of the resource", "_elements")
    return {"elements": names} if names else {}


_RESULTS: dict[str, Callable[[str, str, int], dict[str, Any]]] = {
    "_count": _count,
    "_summary": _summary,
    "_total": _total,
    "_sort": _sort,
    "_elements": _elements,
}

_ELSEWHERE = frozenset({"_page", "_format", "_pretty"})
"""Understood by the web."""

_FOLLOWED = frozenset(
    f"{name}{iterate}" for name in ("_include", "_revinclude") for iterate in ("", ":iterate")
)

RESULT_PARAMS = frozenset(_RESULTS) | _ELSEWHERE | _FOLLOWED
"""Parameters of every search, besides those of its type."""
