"""Asking the server: below HTTP, for speed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

from sandbox.core.errors import Forbidden
from sandbox.fhir.library import Page, Stored
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary
from support.compartment import Asked
from support.reach import reader
from support.searches import Answer, Search


def ask(library: SqlLibrary, search: Search, now: int, base: str) -> Answer:
    """The search, page after page to the end, and back again over the same pages."""
    query = parse(search.kind, search.args, base=base, strict=True)
    here = reader(library, search.patient, now)
    return walk(lambda after, back: here.search(replace(query, after=after, back=back)))


def ask_everything(library: SqlLibrary, asked: Asked, now: int) -> Answer:
    """`$everything`, page after page to the end, and back again."""
    here = reader(library, asked.patient, now)
    call = here.parse_everything(asked.patient, asked.args)
    return walk(lambda after, back: here.everything(replace(call, after=after, back=back)))


def walk(page: Callable[[int, bool], Page]) -> Answer:
    """All pages of an answer, by a function that gives the page after or before a key."""
    try:
        pages = [page(0, False)]
    except Forbidden:
        return Answer([], [], None, [], refused=True)
    while pages[-1].more:
        pages.append(page(pages[-1].last, False))
    for earlier, later in pairwise(pages):
        assert page(later.first, True).matches == earlier.matches
        assert later.total == earlier.total
    return Answer(
        [name(s) for p in pages for s in p.matches],
        [len(p.matches) for p in pages],
        pages[0].total,
        [name(s) for s in pages[0].included],
    )


def name(stored: Stored) -> tuple[str, str]:
    return stored.type, stored.id
