"""The documentation on the developer site: guides with links that lead somewhere, a side index, a search."""

from __future__ import annotations

import html
import re
from pathlib import Path

import httpx
import pytest
from support.smart_app import SmartApp

from sandbox.apis.developer.guides import INDEX, load_guides, search_sections

DOCS = Path(__file__).parents[2] / "docs"
GUIDES = load_guides(DOCS)


def test_every_page_of_the_folder_is_in_the_index_or_below_a_page_that_is() -> None:
    indexed = {name for names in INDEX.values() for name in names}
    assert {file.stem for file in DOCS.glob("*.md")} == {name for name in indexed if "/" not in name}
    assert {f"checks/{file.stem}" for file in DOCS.glob("checks/*.md")} <= GUIDES.keys()


def test_links_and_anchors_lead_somewhere(app: SmartApp) -> None:
    base = f"{app.base}/developer/docs"
    pages = {"": httpx.get(base)} | {f"/{name}": httpx.get(f"{base}/{name}") for name in GUIDES}
    assert {page.status_code for page in pages.values()} == {200}
    anchors = {path: set(re.findall(r' id="([^"]+)"', page.text)) for path, page in pages.items()}
    seen = 0
    for path, page in pages.items():
        assert 'href="docs:' not in page.text
        for link in re.findall(r'href="([^"]*)"', page.text):
            target, _, anchor = html.unescape(link).partition("#")
            if target.startswith(base) or not target:
                target = target.removeprefix(base) if target else path
                assert target in pages, (path, link)
                assert not anchor or anchor in anchors[target], (path, link)
                seen += 1
    assert seen > 500


def test_examples_are_for_this_payer_and_raw_html_is_text(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/developer/docs/control-api").text
    assert "http://127.0.0.1:8080" not in page
    assert app.base.partition("/s/")[0] in page


def test_the_side_index_says_where_the_reader_is(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/developer/docs/review").text
    assert page.count('aria-current="page"') == 2  # the tab, and the page
    assert f'href="{app.base}/developer/docs/review" aria-current="page"' in page


@pytest.mark.parametrize("name", ["nope", "../README", "adr/README", "checks", "%2e%2e/CONTRIBUTING"])
def test_nothing_else_is_served(app: SmartApp, name: str) -> None:
    assert httpx.get(f"{app.base}/developer/docs/{name}").status_code == 404


@pytest.mark.parametrize(
    ("query", "link"),
    [
        ("clock advance P90D", "control-api"),
        ("pytest plugin", "testing"),
        ("access_token_seconds", "policies#tokens"),
        ("introspect", "#authorization"),
        ("AllergyIntolerance clinical-status", "#AllergyIntolerance"),
    ],
)
def test_a_search_finds_guides_and_the_reference(app: SmartApp, query: str, link: str) -> None:
    page = httpx.get(f"{app.base}/developer/docs", params={"q": query})
    assert page.status_code == 200
    results = page.text.partition('<ol class="matches">')[2].partition("</ol>")[0]
    assert f"{app.base}/developer/docs{'' if link.startswith('#') else '/'}{link}" in results


def test_a_search_says_what_it_did_not_find_and_escapes_it(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/developer/docs", params={"q": "<script>xyzzy"})
    assert "No page has <strong>&lt;script&gt;xyzzy</strong>" in page.text
    assert httpx.get(f"{app.base}/developer/docs?q=%20").text.count("<h1>API") <= 1


def test_titles_count_more_than_texts() -> None:
    sections = [section for guide in GUIDES.values() for section in guide.sections]
    first = search_sections(sections, "limits")[0].section
    assert "limits" in first.title.lower()
    assert search_sections(sections, "") == []
