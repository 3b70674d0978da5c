"""Asking the server: below HTTP, for speed."""

from __future__ import annotations

from dataclasses import replace

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
    pages: list[Page] = []

    def page(after: int, back: bool = False) -> Page:
        asked = replace(query, after=after, back=back)
        return reader(library, search.patient, now).search(asked)

    try:
        pages.append(page(0))
    except Forbidden:
        return Answer([], [], None, [], refused=True)
    while pages[-1].more:
        pages.append(page(pages[-1].last))
    for earlier, later in zip(pages[::-1][1:], pages[::-1], strict=False):
        assert page(later.first, back=True).matches == earlier.matches, search
        assert later.total == earlier.total
    return Answer(
        [name(s) for p in pages for s in p.matches],
        [len(p.matches) for p in pages],
        pages[0].total,
        [name(s) for s in pages[0].included],
    )


def ask_everything(library: SqlLibrary, asked: Asked, now: int) -> Answer:
    """`$everything`, page after page to the end, and back again."""
    here = reader(library, asked.patient, now)
    call = here.parse_everything(asked.patient, asked.args)

    def page(after: int, back: bool = False) -> Page:
        return here.everything(replace(call, after=after, back=back))

    pages = [page(0)]
    while pages[-1].more:
        pages.append(page(pages[-1].last))
    for earlier, later in zip(pages[::-1][1:], pages[::-1], strict=False):
        assert page(later.first, back=True).matches == earlier.matches, asked
    return Answer(
        [name(s) for p in pages for s in p.matches], [len(p.matches) for p in pages], pages[0].total, []
    )


def name(stored: Stored) -> tuple[str, str]:
    return stored.type, stored.id
