"""Searches, drawn from values that occur in the data and from near misses, for every type; and the
check that server and oracle agree on one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

from support.oracle import PARAMETERS, SHARED, Oracle, Parameter, Resource, codings, named, values, words

Args = list[tuple[str, str]]

PREFIXES = ("", "eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap")


@dataclass(frozen=True)
class Search:
    """One search on behalf of a patient (None: of nobody in particular)."""

    kind: str
    args: tuple[tuple[str, str], ...]
    patient: str | None


@dataclass(frozen=True)
class Answer:
    """What came back: every match in order as (type, id), the pages' lengths, the total, and what the
    first page included. `refused`: the token was for another patient."""

    matches: list[tuple[str, str]]
    pages: list[int]
    total: int | None
    included: list[tuple[str, str]]
    refused: bool = False


def escaped(text: str) -> str:
    return "".join("\\" + c if c in ",|$\\" else c for c in text)


class Drawn:
    """The values of a population, from which searches are drawn."""

    def __init__(self, oracle: Oracle, base: str = "", patients: list[str] | None = None):
        """`base` is our own address. With `patients`, searches are on behalf of these only."""
        self.oracle, self.base = oracle, base
        self.everybody = [str(r["id"]) for r in oracle.by_type["Patient"]]
        self.patients = patients or self.everybody
        self.all = patients is None
        self.links = {
            f"{kind}:{p.name}": p.more
            for kind, own in PARAMETERS.items()
            for p in own.values()
            if p.kind in ("link", "reference")
        }
        self._seen: dict[tuple[str, str, str | None], list[Any]] = {}

    def searches(self) -> st.SearchStrategy[Search]:
        return st.composite(self._search)()

    def _search(self, draw: st.DrawFn) -> Search:
        kind = draw(st.sampled_from(sorted(PARAMETERS)))
        everybody = kind in SHARED or draw(st.integers(0, 11)) == 0
        nobody = self.all and everybody and draw(st.booleans())
        patient = None if nobody else draw(st.sampled_from(self._holders(kind) or self.patients))
        # What is asked is mostly about one resource, so that several conditions may hold together.
        mine = [r for r in self.oracle.by_type.get(kind, []) if self.oracle.sees(r, patient)]
        about = draw(st.sampled_from(mine)) if mine and draw(st.integers(0, 3)) else None
        args: Args = []
        for _ in range(draw(st.sampled_from((0, 1, 1, 1, 2, 2, 3)))):
            args.append(self._clause(draw, kind, patient, about))
        if draw(st.booleans()):
            names = [p.name for p in PARAMETERS[kind].values() if p.searchable]
            keys = draw(st.lists(st.sampled_from(names), min_size=1, max_size=3))
            args.append(("_sort", ",".join(draw(st.sampled_from(("", "-"))) + key for key in keys)))
        if draw(st.integers(0, 2)):
            # A walk through everybody's claims one by one would be long and teach nothing.
            sizes = (50, 200, 500) if patient is None else (1, 2, 3, 5, 8, 20, 50, 500)
            args.append(("_count", str(draw(st.sampled_from(sizes)))))
        if draw(st.integers(0, 15)) == 0:
            args = [arg for arg in args if arg[0] != "_count"]
            args.append(draw(st.sampled_from((("_summary", "count"), ("_count", "0")))))
        if draw(st.integers(0, 15)) == 0:
            args.append(("_elements", draw(st.sampled_from(("id", "status,code", "identifier,onset[x]")))))
        if draw(st.integers(0, 3)) == 0:
            args.append(("_total", draw(st.sampled_from(("none", "accurate", "estimate")))))
        if patient is not None and draw(st.integers(0, 3)) == 0:
            args += self._includes(draw, kind)
        return Search(kind, tuple(args), patient)

    def _includes(self, draw: st.DrawFn, kind: str) -> Args:
        found: Args = []
        ahead = [text for text in self.links if text.startswith(f"{kind}:")]
        back = [text for text, targets in self.links.items() if kind in targets]
        if ahead and draw(st.booleans()):
            asked = draw(st.sampled_from([*ahead, "*", f"{kind}:*"]))
            found.append(("_include", self._aimed(draw, asked, self.links.get(asked, ()))))
            if draw(st.booleans()):
                again = draw(st.sampled_from([*self.links, "Encounter:*", "MedicationRequest:*"]))
                found.append(("_include:iterate", self._aimed(draw, again, self.links.get(again, ()))))
        if back and draw(st.booleans()):
            asked = draw(st.sampled_from(back))
            if draw(st.integers(0, 3)) == 0:
                asked = f"{asked.partition(':')[0]}:*"
            found.append(("_revinclude", self._aimed(draw, asked, (kind,))))
            if draw(st.booleans()):
                again = draw(st.sampled_from(["Provenance:target", "Provenance:target", *self.links]))
                found.append(("_revinclude:iterate", self._aimed(draw, again, self.links[again])))
        return found

    @staticmethod
    def _aimed(draw: st.DrawFn, text: str, targets: tuple[str, ...]) -> str:
        """Perhaps with the type that the reference must point to."""
        narrow = targets and text != "*" and draw(st.integers(0, 3)) == 0
        return f"{text}:{draw(st.sampled_from(targets))}" if narrow else text

    def _holders(self, kind: str) -> list[str]:
        """The patients who have resources of a type."""
        key = (kind, "", None)
        if key not in self._seen:
            owners = {self.oracle.owner[id(r)] for r in self.oracle.by_type.get(kind, [])}
            found = [p for p in self.patients if p in owners]
            odd = [p for p in found if p.startswith("odd")]
            # Where the data are odd there is more to get wrong.
            self._seen[key] = found + odd * (len(found) // 4)
        return self._seen[key]

    def _clause(
        self, draw: st.DrawFn, kind: str, patient: str | None, about: Resource | None
    ) -> tuple[str, str]:
        parameter = draw(st.sampled_from([p for p in PARAMETERS[kind].values() if p.searchable]))
        if len(parameter.more) == 1 and parameter.kind == "reference" and draw(st.integers(0, 3)) == 0:
            (target,) = parameter.more
            inner = draw(st.sampled_from([p for p in PARAMETERS[target].values() if _is_value(p)]))
            pointed = [self.oracle.get(named(v)) for v in values(about, parameter)] if about else [None]
            name, text = self._plain(draw, target, inner, patient, pointed[0] if pointed else None)
            typed = draw(st.sampled_from(("", f":{target}")))
            return f"{parameter.name}{typed}.{name}", text
        return self._plain(draw, kind, parameter, patient, about)

    def _plain(
        self, draw: st.DrawFn, kind: str, parameter: Parameter, patient: str | None, about: Resource | None
    ) -> tuple[str, str]:
        if draw(st.integers(0, 9)) == 0:
            return f"{parameter.name}:missing", draw(st.sampled_from(("true", "false")))
        how, modifiers = {
            "token": (self._token, ("", "", "not")),
            "code": (self._token, ("", "", "not")),
            "date": (self._date, ("",)),
            "string": (self._string, ("", "", "exact", "contains")),
            "reference": (self._reference, ("", "", "", "Patient", "identifier")),
            "canonical": (self._canonical, ("",)),
        }[parameter.kind]
        modifier = draw(st.sampled_from(modifiers))
        if parameter.kind == "reference":
            how = self._identifier if modifier == "identifier" else how
            modifier = modifier if modifier in ("identifier", *parameter.more) else ""
        number = draw(st.sampled_from((1, 1, 1, 2, 3)))
        seen = (values(about, parameter) if about else []) or self._occurring(kind, parameter, patient)
        of = replace(parameter, more=(modifier,)) if modifier in parameter.more else parameter
        texts = [how(draw, seen, of) for _ in range(number)]
        return parameter.name + (f":{modifier}" if modifier else ""), ",".join(texts)

    def _occurring(self, kind: str, parameter: Parameter, patient: str | None) -> list[Any]:
        """Values of the parameter, of this member's data first."""
        key = (kind, parameter.name, patient)
        if key not in self._seen:
            mine = [r for r in self.oracle.by_type.get(kind, []) if self.oracle.sees(r, patient)]
            found = [v for r in mine[:200] for v in values(r, parameter)]
            self._seen[key] = found or [
                v for r in self.oracle.by_type.get(kind, [])[:200] for v in values(r, parameter)
            ]
        return self._seen[key]

    def _token(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        pairs = [pair for value in seen for pair in codings(value)] or [(None, "none")]
        system, code = draw(st.sampled_from(pairs))
        if parameter.kind == "code":
            system = draw(st.sampled_from((parameter.more[0], "http://h/other")))
        forms: list[Callable[[], str]] = [
            lambda: escaped(code),
            lambda: escaped(code),
            lambda: f"{escaped(system or 'http://h/s')}|{escaped(code)}",
            lambda: f"|{escaped(code)}",
            lambda: f"{escaped(system or 'http://h/s')}|",
            lambda: escaped(code.swapcase()),
            lambda: escaped(code + "x"),
            lambda: f"http://h/none|{escaped(code)}",
        ]
        return draw(st.sampled_from(forms))()

    _identifier_of = Parameter("identifier", "token", ("identifier",))

    def _identifier(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        inside = [v["identifier"] for v in seen if isinstance(v, dict) and "identifier" in v]
        return self._token(draw, inside, self._identifier_of)

    def _date(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        texts = [v for v in seen if isinstance(v, str)]
        texts += [v[edge] for v in seen if isinstance(v, dict) for edge in ("start", "end") if edge in v]
        text = draw(st.sampled_from(texts or ["2024-02-29"]))
        cut = draw(st.sampled_from((4, 7, 10, 10, 16, 19, 99)))
        zone = draw(st.sampled_from(("", "Z", "-05:00", "+05:30"))) if cut in (16, 19) else ""
        text = text[:cut] if len(text) > cut else text
        text += (
            zone if "T" in text and text[-1] != "Z" and "+" not in text[10:] and "-" not in text[10:] else ""
        )
        if draw(st.integers(0, 3)) == 0:
            text = f"{int(text[:4]) + draw(st.sampled_from((-1, 1, 3)))}" + text[4:].replace("02-29", "02-28")
        return draw(st.sampled_from(PREFIXES)) + text

    def _string(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        texts = [w for value in seen for w in words(value)] or ["none"]
        text = draw(st.sampled_from(texts))
        start = draw(st.sampled_from((0, 0, 0, 1, 2)))
        end = draw(st.sampled_from((1, 2, 3, 5, 99)))
        text = text[start : start + end] or text
        change = draw(st.sampled_from((str, str, str.upper, str.lower, lambda t: t + "q")))
        return escaped(change(text))

    def _reference(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        pairs = [pair for value in seen if (pair := named(value)) and pair[0] in parameter.more]
        kind, id = draw(st.sampled_from(pairs or [(parameter.more[0], "none")]))
        if draw(st.integers(0, 5)) == 0:
            kind, id = parameter.more[0], draw(st.sampled_from((*self.everybody, "near-miss")))
        forms = [id, f"{kind}/{id}", f"{kind}/{id}/_history/1", f"https://elsewhere.example/fhir/{kind}/{id}"]
        if self.base:
            forms.append(f"{self.base}/{kind}/{id}")
        return draw(st.sampled_from(forms))

    def _canonical(self, draw: st.DrawFn, seen: list[Any], parameter: Parameter) -> str:
        url = draw(st.sampled_from(seen or ["http://h/q/1"]))
        near = (url, url.partition("|")[0], url + "0", url.partition("|")[0] + "|9", url.upper())
        return escaped_but_bar(draw(st.sampled_from(near)))


def escaped_but_bar(text: str) -> str:
    return "|".join(escaped(part) for part in text.split("|"))


def _is_value(parameter: Parameter) -> bool:
    return parameter.searchable and parameter.kind not in ("reference", "canonical")


def check(oracle: Oracle, search: Search, answer: Answer) -> None:
    """Server and oracle agree: the same ids in the same order, the same total, pages that are full but
    for the last, and the same includes."""
    from support.oracle import Refused

    args = list(search.args)
    try:
        wanted = oracle.search(search.kind, args, search.patient)
    except Refused:
        assert answer.refused, search
        return
    assert not answer.refused, search
    if ("_summary", "count") in args or ("_count", "0") in args:
        assert (answer.matches, answer.included, answer.total) == ([], [], len(wanted)), search
        return
    ids = [(r["resourceType"], r["id"]) for r in wanted]
    assert answer.matches == ids, search
    given = dict(args)
    assert answer.total == (None if given.get("_total") == "none" else len(ids)), search
    size = int(given.get("_count", 50))
    lengths = [size] * (len(ids) // size) + ([len(ids) % size] if len(ids) % size else [])
    assert answer.pages == (lengths or [0]), search
    first = oracle.included(wanted[:size], args, search.patient)
    assert answer.included == [(r["resourceType"], r["id"]) for r in first], search
