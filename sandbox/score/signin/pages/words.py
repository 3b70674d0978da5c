"""Knows what the words of a sign-in page mean, in the languages that payers use."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Literal

from sandbox.core import files

Tone = Literal["yes", "no", "later", "go", "sign-in", "sign-up", "social", "away", ""]
"""What pressing or choosing something means; empty when its words are not known."""

LONGEST_LABEL = 300  # characters of a label that are looked at
_FAR_EAST = re.compile(r"[぀-ヿ㐀-鿿가-힯]")
_SPELLED = str.maketrans({"đ": "d", "’": "'", "‘": "'", "`": "'", "´": "'", "ß": "ss", "ø": "o", "ł": "l"})


def normalize(text: str) -> str:
    """Return text in lower case, without accents, with single spaces, for comparison."""
    plain = unicodedata.normalize("NFKD", text.casefold().translate(_SPELLED))
    plain = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    plain = unicodedata.normalize("NFC", plain).translate(_SPELLED)
    return re.sub(r"\s+", " ", plain).strip()


def split_name(name: str) -> str:
    """Return a name from markup as words: `loginUserName_1` → `login User Name 1`."""
    return re.sub(r"[^\w]+|_+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)).strip()


@lru_cache(maxsize=4096)
def means(text: str, meaning: str) -> bool:
    """Return whether a label contains a term of this meaning, in any spelling."""
    return _find(normalize(text[:LONGEST_LABEL]), meaning) is not None


def says(text: str, meaning: str) -> bool:
    """Return the same for a text of any length, such as that of a page."""
    return _find(normalize(text), meaning) is not None


@lru_cache(maxsize=4096)
def tone(text: str) -> Tone:
    """Return what a button, link or option with this label means.

    Negations win: `Don't allow` is no. Only a second clause after a clear yes does not count:
    `Allow until I revoke it`, `Share (cancel at any time)`.
    """
    label = normalize(text[:LONGEST_LABEL])
    if means(label, "social"):
        return "social"
    if _find(label, "later"):
        return "later"
    share, no = _find(label, "share"), _first(label, "negation", "refusal")
    if no:
        return "yes" if share and share.end() <= no.start() and _new_clause(label, share, no) else "no"
    yes, away, go = _find(label, "yes"), _find(label, "away"), _find(label, "go")
    if _find(label, "sign_up"):
        return "sign-up"
    if yes and not (away and away.start() < yes.start()):
        return "yes"
    if _find(label, "sign_in") and not away:
        return "sign-in"
    if away:
        return "away"
    if go:
        return "go"
    return ""


def is_reversed(question: str) -> bool:
    """Return whether yes to this question means not to share: `Stop sharing with the app?`.

    Only the sentence that asks counts: `You can stop at any time. Share your data?` is not reversed.
    """
    parts = [sentence_that_asks(question)] if "?" in question else _statements(question)
    return any(says(part, "reversed") and tone(part) == "no" for part in parts) and not any(
        tone(part) == "yes" for part in parts
    )


def sentence_that_asks(text: str) -> str:
    """Return the sentence before the first question mark."""
    return re.split(r"[.!;]\s", text.partition("?")[0])[-1].strip()


def questions(text: str) -> list[str]:
    """Return the sentences that end with a question mark, without it."""
    return [sentence_that_asks(f"{part}?") for part in text.split("?")[:-1]]


def _statements(text: str) -> list[str]:
    """Return the sentences of a text, except those about what a member may do later."""
    return [part for part in re.split(r"[.!;:]\s", text) if not _SOME_DAY.search(normalize(part))]


_SOME_DAY = re.compile(r"\b(any ?time|you can|you may|en cualquier momento|a tout moment|jederzeit)\b")


_CLAUSE = re.compile(r"[,;(—–:.]|\b(until|unless|and|if|hasta|bis|und|jusqu|et|ate|you can|i can|any time)\b")
_CONTRARY = re.compile(r"\b(but|pero|mais|aber|mas|without|sin|ohne|sans|sem|nothing|none|nobody)\b")


def _new_clause(label: str, yes: re.Match[str], no: re.Match[str]) -> bool:
    """Return whether the no is in a clause after the yes, and does not revoke it."""
    between = label[yes.end() : no.end()]
    return bool(_CLAUSE.search(between)) and not _CONTRARY.search(between)


def _first(label: str, *meanings: str) -> re.Match[str] | None:
    matches = [match for meaning in meanings if (match := _find(label, meaning))]
    return min(matches, key=lambda match: match.start(), default=None)


def _find(label: str, meaning: str) -> re.Match[str] | None:
    return _patterns()[meaning].search(label)


@lru_cache(maxsize=1)
def _patterns() -> dict[str, re.Pattern[str]]:
    table = files.read_yaml(Path(__file__).with_name("vocabulary.yaml"))
    return {
        meaning: re.compile("|".join(_pattern(term) for row in rows for term in row))
        for meaning, rows in table.items()
    }


def _pattern(term: str) -> str:
    stem = normalize(term.removesuffix("*"))
    if _FAR_EAST.search(stem):
        return re.escape(stem)
    return rf"(?<!\w){re.escape(stem)}" + ("" if term.endswith("*") else r"(?!\w)")
