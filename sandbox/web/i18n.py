"""The pages' languages: English in the templates, others in `words.yaml`, English text → translation.

In a template `{{ t("Since {day}", day=…) }}` gives the text in the reader's language; `| strong` and
`| code` put a value into the sentence as markup, everything else is escaped. A text without a
translation stays English. The language is `?lang=` where a link says so (kept in a cookie), else what
the browser prefers. A test insists that every text of a template is in every language.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Response, after_this_request, request
from markupsafe import Markup

from sandbox.core.files import read_yaml
from sandbox.web.session import keep, kept

LANGUAGES = {"en": "English", "es": "Español"}
"""Each by its own name, as the link to it says."""

COOKIE = "payer_language"


@lru_cache(maxsize=1)
def catalogue() -> dict[str, dict[str, str]]:
    """Language → English text → translation."""
    translation: dict[str, dict[str, str]] = read_yaml(Path(__file__).with_name("words.yaml"))
    return translation


def language() -> str:
    """The language to answer this request in."""
    wanted = request.args.get("lang", "")
    if wanted in LANGUAGES:
        _stay(wanted)
        return wanted
    chosen = kept(COOKIE)
    if chosen in LANGUAGES:
        return chosen
    return request.accept_languages.best_match(list(LANGUAGES), "en") or "en"


def stay_for(locales: str) -> None:
    """OpenID Connect's `ui_locales`: the first language that the pages have, for the whole visit."""
    tags = (tag.partition("-")[0].lower() for tag in locales.split())
    if translation := next((tag for tag in tags if tag in LANGUAGES), None):
        _stay(translation)


def _stay(tag: str) -> None:
    @after_this_request
    def remember(response: Response) -> Response:
        keep(response, COOKIE, tag)
        return response


def translated(tag: str, text: str, /, **values: Any) -> Markup:
    """A text in a language, its values escaped unless they are markup already."""
    translation = Markup.escape(catalogue().get(tag, {}).get(text, text))
    return (
        translation.format(**values) if values else translation
    )  # a problem's text may hold braces of its own


def strong(value: object) -> Markup:
    return Markup("<strong>{}</strong>").format(value)


def code(value: object) -> Markup:
    return Markup("<code>{}</code>").format(value)


def day(at: int, tag: str) -> str:
    """The day of an instant in milliseconds, as people write it in this language."""
    then = datetime.fromtimestamp(at / 1000, UTC)
    if tag == "es":
        return f"{then.day} de {_MESES[then.month - 1]} de {then.year}"
    return then.strftime("%B %-d, %Y")


_MESES = (
    "enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre",
    "noviembre", "diciembre",
)  # fmt: skip
