"""Recognizes forms that do not lead on, and fields that only a member can fill."""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.score.signin.pages.forms.fields import asks, is_decoy, is_optional
from sandbox.score.signin.pages.page import Control, WebForm, WebPage
from sandbox.score.signin.pages.steps import State, Stop
from sandbox.score.signin.pages.words import means


def forms_of(page: WebPage, state: State) -> list[WebForm]:
    """Return the forms that can be sent; where scripts run, also those that need them."""
    if state.interactive:
        return [*page.forms, page.loose]
    return [form for form in page.forms if form.method != "dialog"]


def robot_check(page: WebPage) -> Stop | None:
    if not page.robot_check:
        return None
    return Stop(f"the page shows a CAPTCHA ({page.robot_check})", ours=True)


def describe_field(control: Control) -> str:
    ask = asks(control)
    return ask if ask not in ("", "username", "password", "a search") else f"“{control.called[:60]}”"


def is_search(form: WebForm) -> bool:
    if means(form.about, "search"):
        return True
    every = [asks(c) for c in form.typed]
    return (bool(every) and every[0] == "a search") or [c.name for c in form.typed] == ["q"]


def is_aside(form: WebForm) -> bool:
    """Return whether it is a form for search, language or log out, which never leads on."""
    return is_search(form) or (
        means(form.about, "language") and all(c.kind in ("select", "radio") for c in form.shown)
    )


def unanswerable(form: WebForm) -> Iterator[Control]:
    """Yield fields that only the member could fill."""
    for control in form.typed:
        if is_decoy(control) or control.value or (control.kind == "textarea" and is_optional(control)):
            continue
        harmless = is_optional(control) and asks(control) in ("", "a date", "a search", "username")
        if not harmless and not means(control.label, "optional"):
            yield control


def needs(forms: list[WebForm]) -> Stop | None:
    """Return a stop at a form that asks what only the member knows."""
    fields = [control for form in forms if not is_aside(form) for control in unanswerable(form)]
    return Stop(f"a page asks for {describe_field(fields[0])}", ours=True) if fields else None
