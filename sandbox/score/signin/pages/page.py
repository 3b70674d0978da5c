"""A page as a member sees it: its forms, their controls with labels, its buttons, links and text."""

from __future__ import annotations

from dataclasses import dataclass, field

from sandbox.core.urls import join_url

TYPED = frozenset(
    {"text", "email", "tel", "url", "number", "search", "date", "month", "textarea", "password"}
)
"""Kinds of control that somebody types into."""


@dataclass(frozen=True)
class Option:
    """An entry of a list."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True)
class Control:
    """One control of a form, of an input's type or `select` or `textarea`.

    `label` is its visible name, `group` that of the group it belongs to, `hint` the names in its markup
    (name, id, autocomplete, placeholder). `shown`: a member sees it.
    """

    ref: int
    name: str
    kind: str
    value: str = ""
    label: str = ""
    hint: str = ""
    group: str = ""
    autocomplete: str = ""
    checked: bool = False
    required: bool = False
    shown: bool = True
    readonly: bool = False
    multiple: bool = False
    options: tuple[Option, ...] = ()

    @property
    def typed(self) -> bool:
        return self.kind in TYPED

    @property
    def called(self) -> str:
        """What to call it in a trace."""
        return self.label or self.name or self.kind


@dataclass(frozen=True)
class Button:
    """A button. `label` is what it shows; `hint` is the names in its markup.

    `submits` is false for one that does nothing without a script.
    """

    ref: int
    label: str
    name: str = ""
    value: str = ""
    hint: str = ""
    action: str = ""
    method: str = ""
    image: bool = False
    submits: bool = True
    fields: tuple[tuple[str, str], ...] = ()
    """Values that its script writes into the form before it is sent."""


@dataclass(frozen=True)
class Link:
    """A visible link."""

    ref: int
    label: str
    url: str


@dataclass
class WebForm:
    """One form: all its controls that are sent, and the buttons that a member sees and can press.

    `about` holds the names in its markup (id, class, name, label, action) and the headings in it; `heading`
    is the heading above it, or the page's title.
    """

    ref: int
    action: str = ""
    method: str = "get"
    about: str = ""
    heading: str = ""
    controls: list[Control] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    @property
    def shown(self) -> list[Control]:
        return [control for control in self.controls if control.shown]

    @property
    def typed(self) -> list[Control]:
        """What a member may type into."""
        return [c for c in self.controls if c.shown and c.typed and not c.readonly]

    @property
    def passwords(self) -> list[Control]:
        return [control for control in self.typed if control.kind == "password"]

    @property
    def submits_itself(self) -> bool:
        """Whether it is an intermediate form (SAML, form_post): hidden fields that a script submits."""
        return self.method == "post" and bool(self.controls) and not self.shown and not self.buttons


@dataclass(frozen=True)
class WebPage:
    """One page. `loose` holds the controls and buttons outside of any form: they need a script.

    `pressable`: an element that is no control can be pressed. `frames` are the URLs of its frames. `refresh`
    is the URL of a meta refresh, after `refresh_seconds`; `robot_check` names a CAPTCHA.
    """

    url: str
    title: str = ""
    heading: str = ""
    text: str = ""
    alert: str = ""
    base: str = ""
    forms: tuple[WebForm, ...] = ()
    loose: WebForm = field(default_factory=lambda: WebForm(-1))
    links: tuple[Link, ...] = ()
    frames: tuple[str, ...] = ()
    pressable: bool = False
    refresh: str = ""
    refresh_seconds: float = 0.0
    scripted: bool = False
    robot_check: str = ""

    def join(self, link: str) -> str:
        """Return a link of the page, absolute."""
        return join_url(self.base or self.url, link)

    @property
    def signature(self) -> tuple[object, ...]:
        """A key that is equal for the same page."""
        controls = tuple((c.name, c.kind) for form in self.forms for c in form.controls)
        buttons = tuple(b.label for form in self.forms for b in form.buttons)
        return (self.url.partition("?")[0], self.heading, controls, buttons)
