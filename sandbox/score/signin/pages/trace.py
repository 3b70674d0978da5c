"""Describes sign-in pages and what was done on them, without a password or a user name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from sandbox.score.signin.pages.forms.fields import asks
from sandbox.score.signin.pages.page import Control, WebForm, WebPage
from sandbox.score.signin.pages.steps import Follow, Step, Stop

MOST_FORMS, MOST_CONTROLS = 6, 12


@dataclass(frozen=True)
class Look:
    """One page: where it is (without its query), what it offers, and what was done with it."""

    page: str
    status: int
    title: str = ""
    forms: tuple[str, ...] = ()
    did: tuple[str, ...] = ()

    def to_value(self) -> dict[str, Any]:
        return {**asdict(self), "forms": list(self.forms), "did": list(self.did)}


def look(address: str, status: int, page: WebPage, next_: Step | Follow | Stop) -> Look:
    """Describe a page with what was decided on it."""
    if isinstance(next_, Step):
        did = next_.notes
    else:
        did = (next_.note,) if isinstance(next_, Follow) else (f"stopped: {next_.reason}",)
    every = [*page.forms, page.loose]
    forms = tuple(text for form in every[:MOST_FORMS] if (text := _form(form)))
    return Look(address, status, page.title or page.heading, forms, did)


def hop(address: str, status: int) -> Look:
    """Describe a redirect."""
    return Look(address, status, did=("followed the redirect",))


def summary(looks: Iterable[Look]) -> str:
    """Return in one line what was done on each page."""
    done = [", ".join(look.did) for look in looks if look.did and look.did != ("followed the redirect",)]
    return "; then ".join(text for text in done if not text.startswith("stopped: "))[:400]


def _form(form: WebForm) -> str:
    controls = [_control(c) for c in form.shown[:MOST_CONTROLS]]
    buttons = [
        f"[{button.label[:40] or 'picture' if button.image else button.label[:40]}]"
        for button in form.buttons[:6]
    ]
    hidden = sum(not control.shown for control in form.controls)
    if hidden:
        controls.append(f"{hidden} hidden")
    return " · ".join([*controls, *buttons])


def _control(control: Control) -> str:
    what = asks(control) if control.typed else control.kind
    needed = ", required" if control.required else ""
    is_field = control.typed or control.kind == "select"
    label = control.called[:40] if is_field else control.label[:40] or control.name
    on = ", on" if control.checked else ""
    return f"{label} ({what or control.kind}{needed}{on})"
