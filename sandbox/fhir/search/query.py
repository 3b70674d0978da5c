"""A search, parsed: `parse(type, args)` → `Query`, or BadRequest naming the parameter.

Source: R4 §3.1.1 (search), CARIN BB 2.0.0 and US Core 6.1.0 for which parameters exist (`types`).
A parameter without a value asks nothing; one that is known but cannot be understood is always 400.
Results come in the order of the library unless `_sort` says otherwise: a member's resources in the
order they were made, which is by member and type. Sorted, what has no value comes last, whatever the
direction, and equals keep the order of the library.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from sandbox.core.cache import bounded
from sandbox.core.errors import bad_request, forbidden, not_found
from sandbox.core.limits import (
    BROAD_CLAUSES_MAX,
    BROAD_SORTS_MAX,
    BROAD_VALUES_MAX,
    CLAUSES_MAX,
    ELEMENTS_MAX,
    INCLUDES_MAX,
    SORTS_MAX,
    VALUES_MAX,
    check_number,
    check_search,
)
from sandbox.fhir.schema.model import PATIENT, Param
from sandbox.fhir.schema.types import KNOWN, SHARED, find
from sandbox.fhir.search import include
from sandbox.fhir.search.clause import AnyOf, Clause, clause
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.value import Target


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

    @cached_property
    def link_query(self) -> str:
        """Return the query string of links, without its page and what was not understood."""
        left_out = {"_page", *self.ignored}
        return urlencode([(name, text) for name, text in self.args if name not in left_out])

    @cached_property
    def cost(self) -> int:
        """About how many milliseconds the search of a member takes at most: what a batch counts."""
        conditions = sum(2 + len(part.values) // 4 for clause in self.clauses for part in clause.walk())
        shown = self.count // (10 if self.elements else 20)
        return 2 + conditions + shown + 4 * (len(self.includes) + len(self.sorts))

    @cached_property
    def is_broad(self) -> bool:
        """Whether it looks at every member, unless the token is for one only."""
        named = any(c.param.stored == PATIENT and c.is_indexed for c in self.clauses)
        return self.type not in SHARED and not named

    def check_breadth(self) -> None:
        """Raises BadRequest for a search over all members that would look at too much of each resource."""
        if not self.is_broad:
            return
        scanning = [c for c in self.clauses if not c.is_indexed]
        last = scanning[-1].param.name if scanning else ""
        values = sum(len(part.values) for c in scanning for part in c.walk())
        where = "of this kind over all members: name a patient"
        check_number(len(scanning), BROAD_CLAUSES_MAX, f"conditions {where}", last)
        check_number(values, BROAD_VALUES_MAX, f"values {where}", last)
        check_number(len(self.sorts), BROAD_SORTS_MAX, "keys to sort by over all members", "_sort")

    def within(self, patient: str | None, *, refuse: bool = True) -> Query:
        """The compartment rule: a member's search never leaves the member's compartment.

        Shared types are not narrowed. Asking for another patient by name is refused with 403, or
        finds nothing when the payer does not `refuse`. None: a backend service, bound to nobody.
        """
        if patient is None or self.type in SHARED:
            return self
        for asks in self.clauses if refuse else ():
            if asks.param.kind == "reference" and asks.param.targets == ("Patient",):
                patients = {v.id for v in asks.values if isinstance(v, Target)}
                if patients and patient not in patients:
                    forbidden(
                        "The access token is for another patient than the search.",
                        expression=asks.param.name,
                        cause="other-patient",
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

    Raises BadRequest (value or, when strict, unknown parameter), TooLarge, NotFound (type).
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
    if kind not in KNOWN:
        not_found(
            f"This payer does not have the resource type {kind}.", "not-supported", cause="type-unsupported"
        )
    check_search(listed)
    results: dict[str, Any] = {"count": page_size}
    clauses: list[Clause] = []
    included: list[Include] = []
    ignored: list[str] = []
    for name, text in listed:
        if not text:
            continue  # R4 §3.1.1.1: a parameter without a value asks nothing
        if "\0" in text:
            bad_request("The value contains a NUL character.", name)
        if name in _RESULTS:
            results.update(_RESULTS[name](kind, text, page_size_max))
        elif name.partition(":")[0] in ("_include", "_revinclude"):
            included.extend(include.includes(kind, name, text))
        elif name not in _ELSEWHERE:
            asks = clause(kind, name, text, base)
            if asks is None:
                ignored.append(name)
            elif asks.asks:
                clauses.append(asks)
    _check(clauses, included)
    if results.get("summary_only"):
        results["untold"] = False
    if ignored and strict:
        bad_request(f"{kind} has no search parameter {ignored[0]}.", ignored[0])
    return Query(
        kind,
        tuple(clauses),
        includes=tuple(dict.fromkeys(included)),
        ignored=tuple(ignored),
        args=listed,
        **results,
    )


def _check(clauses: Sequence[Clause], included: Sequence[Include]) -> None:
    """Raises BadRequest naming a parameter of which there is too much."""
    sizes = [(part.param.name, len(part.values)) for c in clauses for part in c.walk()]
    if sizes:
        longest = max(sizes, key=lambda part: part[1])[0]
        check_number(sum(number for _, number in sizes), VALUES_MAX, "values", longest)
        check_number(len(sizes), CLAUSES_MAX, "conditions", sizes[-1][0])
    check_number(len(set(included)), INCLUDES_MAX, "references to include", "_include")


# --- parameters about the result: each gives fields of the Query ------------------------------------


def _count(kind: str, text: str, most: int) -> dict[str, Any]:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        bad_request("_count must be a whole number, 0 or more.", "_count")
    number = int(text)
    return {"count": min(number, most)} if number else {"summary_only": True}


def _summary(kind: str, text: str, most: int) -> dict[str, Any]:
    if text not in ("", "count", "false"):
        bad_request("_summary must be count or false: other summaries are not supported.", "_summary")
    return {"summary_only": True} if text == "count" else {}


def _total(kind: str, text: str, most: int) -> dict[str, Any]:
    """An estimate of ours is exact."""
    if text not in ("", "none", "estimate", "accurate"):
        bad_request("_total must be none, estimate or accurate.", "_total")
    return {"untold": text == "none"}


def _sort(kind: str, text: str, most: int) -> dict[str, Any]:
    sorts = []
    for key in filter(None, text.split(",")):
        param = find(kind, key.removeprefix("-"))
        if param is None or not param.searchable:
            bad_request(f"{kind} cannot be sorted by this parameter.", "_sort")
        sorts.append(Sort(param, key.startswith("-")))
    check_number(len(sorts), SORTS_MAX, "keys to sort by", "_sort")
    return {"sorts": tuple(sorts)} if sorts else {}


def _elements(kind: str, text: str, most: int) -> dict[str, Any]:
    names = tuple(dict.fromkeys(name.removesuffix("[x]") for name in text.split(",") if name))
    check_number(len(names), ELEMENTS_MAX, "elements", "_elements")
    if not all(re.fullmatch(r"[A-Za-z]{1,64}", name) for name in names):
        bad_request("_elements must be a list of top-level elements.", "_elements")
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
