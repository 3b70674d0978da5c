"""The guides: Markdown files of `docs/` as HTML, with links between the pages, and sections to search."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import escape

from sandbox.core.files import read_text

if TYPE_CHECKING:
    from markdown_it.token import Token

INDEX: Mapping[str, tuple[str, ...]] = {
    "Build and test an app": ("testing", "review", "console", "control-api", "agents"),
    "Make it fail": ("scenarios", "catalogue", "verbs", "interactions", "bands"),
    "This payer": ("fhir-api", "policies", "population", "data"),
    "Host it": ("deploy", "limits"),
    "Grade payers": ("scoring", "checks/README", "facts", "traffic", "trust"),
}
"""Heading of the side index → guides by their path in `docs/`, without `.md`."""

LINK_BASE = "docs:"
"""What addresses of other guides begin with in the HTML; the page puts its own address there."""

EXAMPLE_ORIGIN = "http://127.0.0.1:8080"
"""The origin in the examples of the guides; the page puts its own there."""


@dataclass(frozen=True)
class Section:
    """A part of a page under a heading. `page` is the path below the documentation, `text` has no markup."""

    page: str
    page_title: str
    anchor: str
    title: str
    text: str


@dataclass(frozen=True)
class Guide:
    """One page. `html` has `LINK_BASE` and `EXAMPLE_ORIGIN` where the addresses of a payer belong."""

    name: str
    title: str
    html: str
    sections: tuple[Section, ...]


@cache
def load_guides(folder: Path) -> Mapping[str, Guide]:
    """Return the guides of a folder by name, those of `INDEX` and the pages that belong to one of them."""
    indexed = [name for names in INDEX.values() for name in names]
    names = dict.fromkeys(indexed + sorted(f"checks/{file.stem}" for file in folder.glob("checks/*.md")))
    texts = {name: folder / f"{name}.md" for name in names if (folder / f"{name}.md").is_file()}
    return {name: _render(name, read_text(file), texts.keys()) for name, file in texts.items()}


@dataclass
class _Outline:
    """The sections of a page, as its tokens are read."""

    name: str
    heads: list[tuple[str, str]] = field(default_factory=list)
    texts: list[list[str]] = field(default_factory=list)

    def open_section(self, title: str) -> str:
        """Begin a section. Returns its anchor, which is the one that GitHub gives a heading."""
        slug = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        taken = [anchor for anchor, _ in self.heads]
        anchor = next(a for a in (slug, *(f"{slug}-{n}" for n in range(1, 99))) if a not in taken)
        self.heads.append((anchor, title))
        self.texts.append([])
        return anchor

    def build_sections(self) -> Iterator[Section]:
        for (anchor, title), texts in zip(self.heads, self.texts, strict=True):
            yield Section(self.name, self.heads[0][1], anchor, title, " ".join(" ".join(texts).split()))


def _render(name: str, text: str, pages: Collection[str]) -> Guide:
    from markdown_it import MarkdownIt  # only who reads the guides needs it

    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    markdown.add_render_rule("table_open", _open_table)
    markdown.add_render_rule("table_close", lambda *_: "</table></div>\n")
    for kind in ("fence", "code_block"):
        markdown.add_render_rule(kind, _render_code)
    tokens, outline = markdown.parse(text), _Outline(name)
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrSet("id", outline.open_section(_plain_text(tokens[number + 1])))
        elif token.type == "inline":
            token.children = list(_link_pages(name, token.children or [], pages))
        if outline.texts and token.type in ("inline", "fence", "code_block"):
            outline.texts[-1].append(_plain_text(token) if token.children else token.content)
    html = markdown.renderer.render(tokens, markdown.options, {})
    return Guide(name, outline.heads[0][1], html, tuple(outline.build_sections()))


def _plain_text(token: Token) -> str:
    return "".join(" " if t.type == "softbreak" else t.content for t in token.children or ())


def _link_pages(name: str, tokens: Sequence[Token], pages: Collection[str]) -> Iterator[Token]:
    """Yield the tokens with links to other guides; what a link to any other file says stays as text."""
    is_dropped = False
    for token in tokens:
        if token.type == "link_open":
            address = _address_of(name, str(token.attrGet("href")), pages)
            is_dropped = address is None
            token.attrSet("href", address or "")
        if not (is_dropped and token.type in ("link_open", "link_close")):
            yield token


def _address_of(name: str, href: str, pages: Collection[str]) -> str | None:
    parts = urlsplit(href)
    if parts.scheme or not parts.path:
        return href
    page = PurePosixPath(normpath(PurePosixPath(name).parent / parts.path))
    if page.suffix != ".md" or str(page.with_suffix("")) not in pages:
        return None
    return f"{LINK_BASE}{page.with_suffix('')}" + (f"#{parts.fragment}" if parts.fragment else "")


def _open_table(*_: Any) -> str:
    return '<div class="scroll" tabindex="0"><table>\n'


def _render_code(_: Any, tokens: Sequence[Token], number: int, *__: Any) -> str:
    code = escape(tokens[number].content)
    return (
        f'<div class="snippet"><button type="button" class="plain copy" data-copy="code-{number}"'
        f' data-done="Copied" hidden>Copy</button><pre id="code-{number}" tabindex="0"><code>{code}</code>'
        "</pre></div>\n"
    )


@dataclass(frozen=True)
class SectionMatch:
    """A section that a search found. `excerpt` is its text around the first word."""

    section: Section
    excerpt: str


MATCHES_MAX = 30
_EXCERPT = 200


def search_sections(sections: Sequence[Section], query: str) -> list[SectionMatch]:
    """Return the sections with every word of a query, those with words in their titles first."""
    words = query.casefold().split()
    ranked = []
    for number, section in enumerate(sections):
        title, text = f"{section.page_title} {section.title}".casefold(), section.text.casefold()
        if words and all(word in title or word in text for word in words):
            in_titles = sum((word in section.title.casefold()) * 2 + (word in title) for word in words)
            ranked.append((-in_titles, -min(5, sum(map(text.count, words))), number))
    return [
        SectionMatch(s, _excerpt(s.text, words))
        for s in (sections[n] for *_, n in sorted(ranked)[:MATCHES_MAX])
    ]


def _excerpt(text: str, words: Sequence[str]) -> str:
    places = [place for word in words if (place := text.casefold().find(word)) >= 0]
    start = max(0, min(places, default=0) - _EXCERPT // 3)
    start = text.find(" ", start) + 1 if start else 0
    return (
        ("… " if start else "")
        + text[start : start + _EXCERPT]
        + ("…" if len(text) > start + _EXCERPT else "")
    )
