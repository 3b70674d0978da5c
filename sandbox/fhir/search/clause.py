"""One search parameter as it was sent: its name, modifier and chain, resolved in the table.

Source: R4 §3.1.1.4.4 (modifiers), §3.1.1.4.9 (chained parameters).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from sandbox.core.errors import BadRequest, bad_request
from sandbox.fhir.schema.model import LAST_UPDATED, Param
from sandbox.fhir.schema.paths import identifying
from sandbox.fhir.schema.types import KNOWN, find
from sandbox.fhir.search.value import (
    Canonical,
    Elsewhere,
    Moment,
    Target,
    TextValue,
    TokenValue,
    Value,
    split,
    value,
)


@dataclass(frozen=True)
class Clause:
    """One parameter: any of the values (comma), all of the clauses (repetition). `negated` (`:not`):
    none of the values; `missing` (`:missing`): whether there is no value at all. `chain`: what the
    parameter points to, a resource of that type, meets that clause; `values` are empty then."""

    param: Param
    values: tuple[Value, ...] = ()
    negated: bool = False
    missing: bool | None = None
    chain: tuple[str, Clause] | None = None

    @property
    def asks(self) -> bool:
        """Whether it asks anything: a parameter without a value does not."""
        return bool(self.values) or self.missing is not None or self.chain is not None

    @property
    def moves(self) -> bool:
        """Whether what meets it changes with the clock alone: `ap` measures from now."""
        return any(isinstance(v, Moment) and v.prefix == "ap" for c in self.walk() for v in c.values)

    @property
    def is_indexed(self) -> bool:
        """Whether the index of values finds the few resources it asks for."""
        if self.negated or self.chain or self.missing is not None or self.param.name == LAST_UPDATED:
            return False
        return all(
            isinstance(value, Target | Elsewhere | Canonical)
            or (isinstance(value, TokenValue) and value.code is not None)
            or (isinstance(value, TextValue) and value.mode == "prefix")
            for value in self.values
        )

    def walk(self) -> Iterator[Clause]:
        """The clause and those it is chained to."""
        yield self
        if self.chain:
            yield from self.chain[1].walk()


AnyOf = tuple[tuple[Clause, ...], ...]
"""Lists of clauses of which a resource must meet one whole list; empty: no condition."""


def clause(kind: str, name: str, text: str, base: str = "") -> Clause | None:
    """The clause of `name=text` on a type; None for a parameter that the type does not have.

    Raises BadRequest naming the parameter for a modifier or a value it does not take.
    """
    head, dot, tail = name.partition(".")
    stem, colon, modifier = head.partition(":")
    param = find(kind, stem)
    if param is None or not param.searchable:
        return None
    if dot:
        return _chained(param, modifier, tail, text, name, base)
    if colon and modifier not in modifiers(param):
        bad_request(f"{stem} does not support the modifier :{modifier}.", name)
    if modifier == "missing":
        return _missing(param, text, name)
    values = tuple(value(param, modifier, part, name, base) for part in split(text) if part)
    if modifier == "identifier":
        param = identifying(param)
    return Clause(param, values, negated=modifier == "not")


def modifiers(param: Param) -> tuple[str, ...]:
    """What a parameter takes after a colon."""
    if param.canonical:
        return ("missing",)
    return {
        "token": ("missing", "not"),
        "date": ("missing",),
        "string": ("missing", "exact", "contains"),
        "reference": ("missing", "identifier", *param.targets),
    }[param.kind]


def chains(param: Param) -> Iterator[str]:
    """The parameters that may follow it after a dot: those of what it points to that are values."""
    if param.chained and param.targets[0] in KNOWN:
        yield from (p.name for p in KNOWN[param.targets[0]].params if p.kind != "reference")


def _missing(param: Param, text: str, name: str) -> Clause:
    if text not in ("", "true", "false"):
        bad_request(":missing must be true or false.", name)
    return Clause(param, missing=None if not text else text == "true")


def _chained(param: Param, modifier: str, tail: str, text: str, name: str, base: str) -> Clause | None:
    stem = tail.partition(":")[0]
    if stem not in chains(param):
        return None
    kind = param.targets[0]
    if modifier not in ("", kind):
        bad_request(f"{param.name} does not refer to {modifier}.", name)
    try:
        inner = clause(kind, tail, text, base)
    except BadRequest as problem:
        problem.expression = name  # as it was sent
        raise
    if inner is None or not inner.asks:
        return Clause(param) if inner else None
    return replace(Clause(param), chain=(kind, inner))
