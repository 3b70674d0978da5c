"""HTML forms of a sign-in, read and filled the way a member would: log in, choose, approve.

Nothing is assumed of a payer's pages beyond HTML: no element names, no order, no scripts. A form that
leads somewhere else (registering, opening a portal account, signing out) is left alone: pressing it
would change the member.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from sandbox.score.answers import joined

_APPROVE = re.compile(
    r"\b(allow|approve|agree|authori[sz]e|accept|grant|continue|yes|confirm|share|permit|consent|connect"
    r"|next|proceed|submit|select|choose|ok|true)\b"
)
_LEAVE = re.compile(
    r"\b(deny|cancel|decline|no|not|don.?t|reject|refuse|revoke|disagree|false|back|log ?out|sign ?out"
    r"|register|enrol|enroll|activate|sign ?up|portal|forgot|reset|help|search)\b"
)
LARGEST_PAGE = 1_000_000  # characters
_TYPED = ("text", "email", "tel", "")


@dataclass(frozen=True)
class Field:
    """One control: `kind` is an input's type, or `select`; `options` are a select's values."""

    name: str
    kind: str
    value: str = ""
    checked: bool = False


@dataclass
class Button:
    """A way to submit. `words` is all it says of itself, lower case."""

    name: str
    value: str
    words: str
    action: str = ""
    method: str = ""

    @property
    def approves(self) -> bool:
        return bool(_APPROVE.search(self.words)) and not self.leaves

    @property
    def leaves(self) -> bool:
        return bool(_LEAVE.search(self.words))


@dataclass
class Form:
    """One form of a page, its controls in order."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    @property
    def asks_password(self) -> bool:
        return any(f.kind == "password" for f in self.fields)

    @property
    def asks_text(self) -> bool:
        return any(f.kind in _TYPED for f in self.fields)

    @property
    def offers_choice(self) -> bool:
        return any(f.kind in ("radio", "select") for f in self.fields)

    def approving(self) -> Button | None:
        """The button a member presses to go on; None when every button leads away."""
        said = next((b for b in self.buttons if b.approves), None)
        return said or next((b for b in self.buttons if not b.leaves), None)


@dataclass(frozen=True)
class Submission:
    """A filled form, ready to send."""

    method: str
    url: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)


def parse(html: str) -> list[Form]:
    """The forms of a page. Never raises: broken HTML gives fewer forms."""
    reader = _Reader()
    try:
        reader.feed(html[:LARGEST_PAGE])
        reader.close()
    except AssertionError:  # how html.parser gives up on a malformed declaration
        pass
    return reader.forms


def login(forms: list[Form]) -> Form | None:
    """The form that asks for a password."""
    return next((f for f in forms if f.asks_password), None)


def name_first(forms: list[Form]) -> Form | None:
    """A first page that asks for the user name alone."""
    return next((f for f in forms if f.asks_text and f.method == "post" and f.approving()), None)


def onward(forms: list[Form]) -> Form | None:
    """The form that approves or chooses: a button that says so first, then a choice, then a plain post."""
    willing = [f for f in forms if not f.asks_password and (f.approving() or _submits_itself(f))]
    for wanted in (_says_yes, _chooses, _posts):
        for form in willing:
            if wanted(form):
                return form
    return None


def _says_yes(form: Form) -> bool:
    return any(b.approves for b in form.buttons)


def _chooses(form: Form) -> bool:
    return form.offers_choice


def _submits_itself(form: Form) -> bool:
    """A page on the way (SAML, form_post): hidden fields, no button, submitted by a script."""
    hidden = bool(form.fields) and all(f.kind == "hidden" for f in form.fields)
    return hidden and form.method == "post" and not form.buttons


def _posts(form: Form) -> bool:
    return form.method == "post" and not form.asks_text


def fill(form: Form, page: str, username: str = "", password: str = "") -> Submission:
    """The form as submitted from the page at URL `page`: hidden and checked controls are kept."""
    button = form.approving()
    pairs = list(_pairs(form, username, password))
    if button and button.name:
        pairs.append((button.name, button.value))
    action = (button.action if button else "") or form.action
    method = (button.method if button else "") or form.method
    return Submission(method.upper(), joined(page, action) if action else page, tuple(pairs))


def _pairs(form: Form, username: str, password: str) -> Iterator[tuple[str, str]]:
    typed = False
    chosen = {f.name for f in form.fields if f.kind == "radio" and f.checked}
    for control in form.fields:
        if control.kind in _TYPED and username and not typed:
            typed = True
            yield control.name, username
        elif control.kind == "password":
            yield control.name, password
        elif control.kind == "checkbox":
            if control.checked:
                yield control.name, control.value
        elif control.kind == "radio":
            if control.checked or control.name not in chosen:
                chosen.add(control.name)
                yield control.name, control.value
        else:
            yield control.name, control.value


class _Reader(HTMLParser):
    """Collects forms; a select becomes one field holding its selected or first option with a value."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.forms: list[Form] = []
        self._form: Form | None = None
        self._button: Button | None = None
        self._select: str | None = None
        self._options: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower() or "get")
            self.forms.append(self._form)
        elif self._form is None:
            return
        elif tag == "input":
            self._input(self._form, given)
        elif tag == "button" and given.get("type", "submit").lower() == "submit":
            self._button = _button(given, "")
            self._form.buttons.append(self._button)
        elif tag == "select":
            self._select, self._options = given.get("name", ""), []
        elif tag == "option" and self._select is not None and "disabled" not in given:
            self._options.append((given.get("value", ""), "selected" in given))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._form = None
        elif tag == "button":
            self._button = None
        elif tag == "select" and self._select is not None:
            picked = next((v for v, on in self._options if on and v), None)
            first = next((v for v, _ in self._options if v), "")
            if self._form is not None and self._select:
                self._form.fields.append(Field(self._select, "select", picked or first))
            self._select = None

    def handle_data(self, data: str) -> None:
        if self._button is not None:
            self._button.words += " " + data.lower().strip()

    def _input(self, form: Form, given: dict[str, str]) -> None:
        kind = given.get("type", "text").lower()
        if kind in ("submit", "image"):
            form.buttons.append(_button(given, given.get("value", "")))
        elif given.get("name") and kind not in ("button", "reset", "file") and "disabled" not in given:
            value = given.get("value", "on" if kind == "checkbox" else "")
            form.fields.append(Field(given["name"], kind, value, "checked" in given))


def _button(given: dict[str, str], text: str) -> Button:
    name, value = given.get("name", ""), given.get("value", "")
    words = re.sub(r"[_\-]+", " ", f"{value} {text} {given.get('aria-label', '')}").lower()
    return Button(name, value, words, given.get("formaction", ""), given.get("formmethod", "").lower())
