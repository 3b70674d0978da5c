"""Every text that members read is there in every language, and means the same places."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes
from markupsafe import Markup

from sandbox.apis.console.apps import METHODS
from sandbox.apis.console.layout import TABS
from sandbox.apis.console.payer import JUMPS
from sandbox.apis.discovery import published
from sandbox.apis.portal.claims import KINDS
from sandbox.apis.portal.routes import EVERYTHING
from sandbox.auth.consent import DATA
from sandbox.auth.eligibility import EXPLAIN
from sandbox.web import i18n
from sandbox.web.errors.handlers import _TITLES as TITLES

WEB = Path(i18n.__file__).parent
RAISING = (
    "apis/smart/authorization",
    "apis/portal/routes",
    "web/session",
    "web/pages",
    "apis/smart/pending_request",
    "apis/smart/decision",
)
"""Modules whose problems members read."""


def in_templates() -> Iterator[str]:
    for path in (*WEB.glob("templates/*.html"), *WEB.parent.glob("apis/*/templates/*/*.html")):
        tree = Environment(autoescape=True).parse(path.read_text())
        for call in tree.find_all(nodes.Call):
            if (
                isinstance(call.node, nodes.Name)
                and call.node.name == "t"
                and isinstance(call.args[0], nodes.Const)
            ):
                yield call.args[0].value


def in_problems() -> Iterator[str]:
    for name in RAISING:
        for node in ast.walk(ast.parse((WEB.parent / f"{name}.py").read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("BadRequest", "Forbidden"):
                first = node.args[0]
                if isinstance(first, ast.Constant) and "application/" not in first.value:
                    yield first.value


def in_the_console() -> Iterator[str]:
    """Texts of the console's tables, and those that its modules give to a template."""
    yield from (title for _, title in TABS)
    yield from (words for _, words in JUMPS)
    yield from METHODS.values()
    for name in ("payer", "replay"):
        tree = ast.parse((WEB.parent / "apis" / "console" / f"{name}.py").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Return) and isinstance(node.value, ast.Constant) and node.value.value:
                yield node.value.value
            if (
                isinstance(node, ast.Call)
                and getattr(node.func, "id", "") == "Coming"
                and isinstance(node.args[1], ast.Constant)
            ):
                yield node.args[1].value


TRANSLATIONS = i18n.load_translations(i18n.files_of_words(published()))
TEXTS = sorted(
    {
        *in_the_console(),
        *in_templates(),
        *in_problems(),
        *EXPLAIN.values(),
        *(text for text, _ in DATA.values()),
        *KINDS.values(),
        EVERYTHING,
        "Claim",
        *TITLES.values(),
    }
)


def test_there_are_texts() -> None:
    assert len(TEXTS) > 60


@pytest.mark.parametrize("tag", [tag for tag in i18n.LANGUAGES if tag != "en"])
@pytest.mark.parametrize("text", TEXTS)
def test_every_text_is_translated_and_keeps_its_places(tag: str, text: str) -> None:
    translation = TRANSLATIONS[tag].get(text)
    assert translation, f"{text!r} has no translation"
    assert sorted(re.findall(r"{\w+}", translation)) == sorted(re.findall(r"{\w+}", text))


def test_every_language_is_one_of_the_pages() -> None:
    assert set(TRANSLATIONS) == set(i18n.LANGUAGES) - {"en"}


def test_values_are_escaped_and_a_text_is_not_a_template_by_itself() -> None:
    shown = i18n.translate("en", "Hello, {name}", name="<b>")
    assert shown == Markup("Hello, &lt;b&gt;")
    assert (
        i18n.translate("es", "Hello, {name}", name=i18n.strong("<b>")) == "Hola, <strong>&lt;b&gt;</strong>"
    )
    assert (
        i18n.translate("es", "There is nothing at /{x}/{0}/<b>") == "There is nothing at /{x}/{0}/&lt;b&gt;"
    )


@pytest.mark.parametrize(("tag", "day"), [("en", "March 5, 2026"), ("es", "5 de marzo de 2026")])
def test_days_are_written_as_people_write_them(tag: str, day: str) -> None:
    assert i18n.day(1_772_668_800_000, tag) == day
