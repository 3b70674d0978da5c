"""Languages of the pages: English texts are in the templates, their translations in `words.yaml`.

In a template `{{ t("Since {day}", day=…) }}` is the text in the reader's language. `| strong` and `| code`
insert a value as markup; everything else is escaped. A text without a translation stays English. The
language is that of `?lang=` (kept in a cookie), or the one that the browser prefers. A test checks that every
text of a template has a translation.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

from flask import Response, after_this_request, current_app, has_app_context, request
from markupsafe import Markup

from sandbox.core.files import parse_yaml
from sandbox.web.api import Apis
from sandbox.web.session import keep, kept

LANGUAGES = {"en": "English", "es": "Español"}
"""Languages by tag, with their own name."""

COOKIE = "payer_language"


Translations = dict[str, dict[str, str]]
"""Language → English text → text."""

_SHARED = resources.files(__package__) / "words.yaml"


@cache
def translations() -> Translations:
    """Return the translations of texts that more than one API has."""
    return load_translations([_SHARED])


def load_translations(files: Iterable[Traversable]) -> Translations:
    """Return the translations of several files. Raises FileProblem."""
    merged: Translations = {}
    for file in files:
        for tag, texts in parse_yaml(file.read_text("utf-8"), str(file)).items():
            merged.setdefault(tag, {}).update(texts)
    return merged


def files_of_words(apis: Apis) -> list[Traversable]:
    """Return the files of translations: of every page, and of each API that has its own."""
    return [_SHARED, *(api.words for api in apis if api.words is not None)]


def language() -> str:
    """Return the language of the response to this request."""
    tag = request.args.get("lang", "")
    if tag in LANGUAGES:
        _remember(tag)
        return tag
    tag = kept(COOKIE)
    if tag in LANGUAGES:
        return tag
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def use_locales(locales: str) -> None:
    """Use the first supported language of OpenID Connect's `ui_locales`, also for later pages."""
    tags = (tag.partition("-")[0].lower() for tag in locales.split())
    if supported := next((tag for tag in tags if tag in LANGUAGES), None):
        _remember(supported)


def _remember(tag: str) -> None:
    @after_this_request
    def set_cookie(response: Response) -> Response:
        keep(response, COOKIE, tag)
        return response


def translate(tag: str, text: str, /, **values: Any) -> Markup:
    """Return a text in a language, with its values escaped unless they are markup."""
    words = current_app.extensions["words"] if has_app_context() else translations()
    return translate_from(words, tag, text, **values)


def translate_from(words: Translations, tag: str, text: str, /, **values: Any) -> Markup:
    """Return a text in a language of these translations; see `translate`."""
    translation = Markup.escape(words.get(tag, {}).get(text, text))
    return translation.format(**values) if values else translation  # the text of an error may have braces


def strong(value: object) -> Markup:
    return Markup("<strong>{}</strong>").format(value)


def code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(value)


def day(at: int, tag: str) -> str:
    """Return the day of an instant in milliseconds, written as usual in the language."""
    then = datetime.fromtimestamp(at / 1000, UTC)
    if tag == "es":
        return f"{then.day} de {_MESES[then.month - 1]} de {then.year}"
    return then.strftime("%B %-d, %Y")


_MESES = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip
