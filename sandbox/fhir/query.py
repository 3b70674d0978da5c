"""A search, parsed: `parse(type, args)` → `Query`, or BadRequest naming the parameter.

Source: R4 §3.1.1 (search), CARIN BB 2.0.0 and US Core 6.1.0 for which parameters exist (`params`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from sandbox.core.errors import bad_request, forbidden, not_found
from sandbox.fhir import dates
from sandbox.fhir.params import SHARED, TYPES, Param, find, fold, literal


@dataclass(frozen=True)
class Token:
    """`code`, `system|code`, `|code` (system ""), `system|` (code None). system None: any."""

    system: str | None
    code: str | None


@dataclass(frozen=True)
class Moment:
    """A date with its prefix, as the range it stands for."""

    prefix: str
    low: int
    high: int


@dataclass(frozen=True)
class Target:
    """A reference: type None means any type the parameter may point to."""

    type: str | None
    id: str


@dataclass(frozen=True)
class Text:
    """A string, folded unless `exact`; `exact` and `contains` are the modifiers, otherwise a prefix."""

    text: str
    mode: str = "prefix"


Value = Token | Moment | Target | Text


@dataclass(frozen=True)
class Clause:
    """One parameter: any of the values (comma), all of the clauses (repetition)."""

    param: Param
    values: tuple[Value, ...]


AnyOf = tuple[tuple[Clause, ...], ...]
"""Lists of clauses of which a resource must meet one whole list; empty: no condition."""


@dataclass(frozen=True)
class Include:
    """`_include=Type:param`, already resolved in the table."""

    source: str
    param: str
    target: str | None = None
    iterate: bool = False


@dataclass(frozen=True)
class Query:
    """What to look for. `patient` is the compartment; `any_of` is what granular scopes reach;
    `after` the key the previous page ended on; `ignored` the parameters we did not understand (told
    in an outcome entry)."""

    type: str
    clauses: tuple[Clause, ...] = ()
    includes: tuple[Include, ...] = ()
    patient: str | None = None
    count: int = 50
    after: int = 0
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
        for clause in self.clauses if refuse else ():
            if clause.param.kind == "reference" and clause.param.targets == ("Patient",):
                asked = {v.id for v in clause.values if isinstance(v, Target)}
                if patient not in asked:
                    forbidden("This token is for another patient than the one asked for")
        return replace(self, patient=patient)


RESULT_PARAMS = frozenset(
    {"_count", "_include", "_include:iterate", "_page", "_format", "_pretty", "_total", "_summary"}
)


VALUES_MAX = 200
TEXT_MAX = 1000
"""Values of a search, and characters of a text, beyond which the library is not asked."""


def parse(
    kind: str,
    args: Iterable[tuple[str, str]],
    *,
    page_size: int = 50,
    page_size_max: int = 500,
    strict: bool = False,
    base: str = "",
) -> Query:
    """The query in `args`; absolute references must begin with `base`, our own address.

    Raises BadRequest (value or, when strict, unknown parameter), NotFound (type).
    """
    if kind not in TYPES:
        not_found(f"This payer holds no {kind}", "not-supported")
    listed = tuple(args)
    clauses: list[Clause] = []
    includes: list[Include] = []
    ignored: list[str] = []
    count, summary_only, untold = page_size, False, False
    for name, text in listed:
        if name == "_count":
            count, nothing = _count(text, page_size_max)
            summary_only = summary_only or nothing
        elif name in ("_include", "_include:iterate"):
            includes.extend(_include(kind, text, iterate=name.endswith("iterate")))
        elif name == "_summary":
            if text not in ("count", "false"):
                bad_request("_summary is count or false here", "_summary")
            summary_only = summary_only or text == "count"
        elif name == "_total":
            untold = text == "none"
            if text not in ("none", "estimate", "accurate"):
                bad_request("_total is none, estimate or accurate", "_total")
        elif name not in RESULT_PARAMS:
            clause = _clause(kind, name, text.replace(f"{base}/", "") if base else text)
            if clause is None:
                ignored.append(name)
            elif clause.values:
                clauses.append(clause)
    if sum(len(clause.values) for clause in clauses) > VALUES_MAX:
        name = max(clauses, key=lambda clause: len(clause.values)).param.name
        bad_request(f"A search takes at most {VALUES_MAX} values", name)
    if ignored and strict:
        bad_request(f"{kind} has no search parameter {ignored[0]}", ignored[0])
    return Query(
        kind,
        tuple(clauses),
        tuple(dict.fromkeys(includes)),
        count=count,
        ignored=tuple(ignored),
        summary_only=summary_only,
        untold=untold and not summary_only,
        args=listed,
    )


def _count(text: str, most: int) -> tuple[int, bool]:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        bad_request("_count is a whole number, 0 or more", "_count")
    number = int(text)
    return (min(number, most), False) if number else (0, True)


def _include(kind: str, text: str, *, iterate: bool) -> Sequence[Include]:
    if text == "*":
        text = f"{kind}:*"
    source, _, rest = text.partition(":")
    name, _, target = rest.partition(":")
    if source not in TYPES or not name:
        bad_request(f"_include wants Type:parameter, not {text!r}", "_include")
    if name == "*":
        return [
            Include(source, p.name, iterate=iterate) for p in TYPES[source].params if p.kind == "reference"
        ]
    param = find(source, name)
    if param is None or param.kind != "reference":
        bad_request(f"{source} has no reference parameter {name}", "_include")
    if target and target not in param.targets:
        bad_request(f"{source}:{name} does not point to {target}", "_include")
    return [Include(source, name, target or None, iterate)]


def _clause(kind: str, name: str, text: str) -> Clause | None:
    stem, _, modifier = name.partition(":")
    param = find(kind, stem)
    if param is None or not param.searchable:
        return None
    if not _fits(param, modifier):
        bad_request(f"{stem} does not take the modifier :{modifier}", name)
    values = tuple(_value(param, modifier, part, name) for part in split(text) if part)
    return Clause(param, values)


def _fits(param: Param, modifier: str) -> bool:
    if not modifier:
        return True
    if param.kind == "string":
        return modifier in ("exact", "contains")
    return param.kind == "reference" and modifier in param.targets


def split(text: str, at: str = ",") -> list[str]:
    r"""Values separated by commas; `\,` `\|` `\$` `\\` are escapes (R4 §3.1.1.4.7)."""
    parts = [""]
    for unit in re.findall(r"(?s)\\?.", text):  # an escape stays with what it escapes
        if unit == at:
            parts.append("")
        else:
            parts[-1] += unit
    return parts


def _unescape(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text)


def _value(param: Param, modifier: str, text: str, name: str) -> Value:
    if param.kind == "token":
        return _token(text)
    if param.kind == "date":
        return _moment(text, name)
    if param.kind == "reference":
        return _target(param, modifier, text, name)
    if len(text) > TEXT_MAX:
        bad_request(f"A text is at most {TEXT_MAX} characters", name)
    plain = _unescape(text)
    return Text(plain if modifier == "exact" else fold(plain), modifier or "prefix")


def _token(text: str) -> Token:
    system, *code = split(text, "|")
    if not code:
        return Token(None, _unescape(system))
    return Token(_unescape(system), _unescape("|".join(code)) or None)


def _moment(text: str, name: str) -> Moment:
    prefix, rest = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    if prefix not in dates.PREFIXES:
        bad_request(f"{prefix} is not a prefix of a date", name)
    try:
        # A client that forgot to encode the + of a timezone sends a space.
        low, high = dates.parse(rest.replace(" ", "+"))
    except (ValueError, OverflowError):
        bad_request("The value is not a FHIR date (yyyy, yyyy-mm, yyyy-mm-dd or a dateTime)", name)
    return Moment(prefix, low, high)


def _target(param: Param, modifier: str, text: str, name: str) -> Target:
    if "/" in text:
        found = literal(text)
        if not found or found[0] not in param.targets:
            bad_request(f"{param.name} takes an id, {param.targets[0]}/id or an absolute URL", name)
        if "://" in text:
            bad_request(f"{param.name} names a resource of another server", name)
        return Target(*found)
    if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", text):
        bad_request("The value is not a FHIR id", name)
    return Target(modifier or None, text)
