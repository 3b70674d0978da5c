"""What a control of a form asks for."""

from __future__ import annotations

from typing import Literal

from sandbox.score.signin.pages.page import Control
from sandbox.score.signin.pages.words import means, says

Ask = Literal[
    "username",
    "password",
    "new password",
    "a one-time code",
    "a date of birth",
    "a date",
    "a social security number",
    "a ZIP code",
    "a telephone number",
    "a member ID",
    "a name",
    "the answer to a security question",
    "the text of a picture",
    "a search",
    "",
]
"""Empty when neither label nor markup tell."""

_AUTOCOMPLETE: dict[str, Ask] = {
    "username": "username",
    "email": "username",
    "current-password": "password",
    "new-password": "new password",
    "one-time-code": "a one-time code",
    "bday": "a date of birth",
    "bday-day": "a date of birth",
    "bday-month": "a date of birth",
    "bday-year": "a date of birth",
    "postal-code": "a ZIP code",
    "tel": "a telephone number",
    "given-name": "a name",
    "family-name": "a name",
    "name": "a name",
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
    """What a member is asked to type here: by autocomplete, then the label, then the markup."""
    tokens = control.autocomplete.split()
    by_autocomplete = next((_AUTOCOMPLETE[token] for token in tokens if token in _AUTOCOMPLETE), None)
    if control.kind == "password":
        return _secret(control, by_autocomplete)
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


def _secret(control: Control, by_autocomplete: Ask | None) -> Ask:
    """A field whose text is covered need not be a password."""
    if by_autocomplete in ("password", "new password", "a one-time code"):
        return by_autocomplete
    by_words = _by_words(control.label) or _by_words(control.hint)
    return by_words if by_words not in ("", "username", "a member ID", "a name", "a search") else "password"


def _by_words(text: str) -> Ask:
    return next((ask for meaning, ask in _MEANINGS if means(text, meaning)), "")


def is_decoy(control: Control) -> bool:
    """A field for robots that is shown all the same."""
    return means(f"{control.label} {control.hint}", "decoy")


def is_optional(control: Control) -> bool:
    return not control.required or says(control.label, "optional")
