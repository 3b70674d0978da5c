"""A page as a member sees it: its forms, their controls with labels, its buttons, links and text."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urljoin

TYPED = frozenset(
    {"text", "email", "tel", "url", "number", "search", "date", "month", "textarea", "password"}
)
"""Kinds of control that somebody types into."""


@dataclass(frozen=True)
class Option:
    """One choice of a list."""

    value: str
    label: str
    selected: bool = False


@dataclass(frozen=True)
class Control:
    """One control of a form, of an input's type or `select` or `textarea`.

    `label` is what stands by it, `group` what stands over it and its like, `hint` what only its markup
    says (name, id, autocomplete, placeholder). `shown`: whether a member sees it.
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
    """A way to submit. `label` is what it shows; `hint` is what only its markup says.

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
    """What its script writes into the form before it is sent."""


@dataclass(frozen=True)
class Link:
    """A link that is shown."""

    ref: int
    label: str
    url: str


@dataclass
class WebForm:
    """One form: all its controls that are sent, and the buttons that a member sees and can press.

    `about` is what its markup says of it (id, class, name, label, action) and the headings in it; `heading`
    is what stands over it, or the page's title.
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
        """A page on the way (SAML, form_post): hidden fields, submitted by a script or by one button."""
        return self.method == "post" and bool(self.controls) and not self.shown and not self.buttons


@dataclass(frozen=True)
class WebPage:
    """One page. `loose` holds the controls and buttons outside of any form: they need a script.

    `pressable`: an element that is no control is pressed all the same. `frames` are the addresses of the
    pages shown within it. `refresh` is where a meta refresh leads, after `refresh_seconds`; `robot_check`
    names a CAPTCHA.
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
        """A link of the page, absolute."""
        return join(self.base or self.url, link)

    @property
    def signature(self) -> tuple[object, ...]:
        """What makes two looks at a page the same page."""
        controls = tuple((c.name, c.kind) for form in self.forms for c in form.controls)
        buttons = tuple(b.label for form in self.forms for b in form.buttons)
        return (self.url.partition("?")[0], self.heading, controls, buttons)


def join(base: str, link: str) -> str:
    """A link, absolute; as it is where no address comes of it."""
    try:
        return urljoin(base, link)
    except ValueError:
        return link
