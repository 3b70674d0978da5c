"""Knows what a control of a form asks for."""

from __future__ import annotations

from typing import Literal

from sandbox.score.signin.pages.page import Control
from sandbox.score.signin.pages.words import means, says

Ask = Literal[
    "username", "password", "new password", "a one-time code", "a date of birth", "a date",
    "a social security number", "a ZIP code", "a telephone number", "a member ID", "a name",
    "the answer to a security question", "the text of a picture", "a search", "",
]  # fmt: skip
"""Empty when neither label nor markup says it."""

_AUTOCOMPLETE: dict[str, Ask] = {
    **dict.fromkeys(("username", "email"), "username"),
    "current-password": "password",
    "new-password": "new password",
    "one-time-code": "a one-time code",
    **dict.fromkeys(("bday", "bday-day", "bday-month", "bday-year"), "a date of birth"),
    "postal-code": "a ZIP code",
    "tel": "a telephone number",
    **dict.fromkeys(("given-name", "family-name", "name"), "a name"),
}
_MEANINGS: tuple[tuple[str, Ask], ...] = (
    ("captcha", "the text of a picture"),
    ("security_answer", "the answer to a security question"),
    ("birth_date", "a date of birth"),
    ("tax_number", "a social security number"),
    ("new_password", "new password"),
    ("postal_code", "a ZIP code"),
    ("code", "a one-time code"),
    ("member_id", "a member ID"),
    ("username", "username"),
    ("person_name", "a name"),
    ("phone", "a telephone number"),
    ("search", "a search"),
)


def asks(control: Control) -> Ask:
    """Return what a member has to type: by autocomplete, then the label, then the markup."""
    tokens = control.autocomplete.split()
    by_autocomplete = next((_AUTOCOMPLETE[token] for token in tokens if token in _AUTOCOMPLETE), None)
    if control.kind == "password":  # it may be for something else that is hidden while it is typed
        if by_autocomplete in ("password", "new password", "a one-time code"):
            return by_autocomplete
        by_words = _by_words(control.label) or _by_words(control.hint)
        return (
            by_words if by_words not in ("", "username", "a member ID", "a name", "a search") else "password"
        )
    if by_autocomplete is not None:
        return by_autocomplete
    if control.kind == "search":
        return "a search"
    if control.kind in ("date", "month"):
        return "a date" if control.label and not means(control.label, "birth_date") else "a date of birth"
    by_words = _by_words(control.label) or _by_words(control.hint)
    if not by_words and control.kind == "email":
        return "username"
    if not by_words and control.kind == "tel":
        return "a telephone number"
    return by_words


def _by_words(text: str) -> Ask:
    return next((ask for meaning, ask in _MEANINGS if means(text, meaning)), "")


def is_decoy(control: Control) -> bool:
    """Return whether it is a visible field that only robots fill."""
    return means(f"{control.label} {control.hint}", "decoy")


def is_optional(control: Control) -> bool:
    return not control.required or says(control.label, "optional")
