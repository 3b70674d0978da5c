"""The steps of a sign-in: what is done on a page, where it stops, and what has happened so far."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from sandbox.score.signin.pages.page import Button, Control, WebForm, WebPage

Purpose = Literal["login", "name", "choice"]
Values = dict[int, str | bool | tuple[str, ...]]
"""A control's ref to its text, or to whether it is on, or to what is selected in it."""


@dataclass
class State:
    """What has happened in this attempt so far."""

    username: str
    password: str = field(repr=False)
    interactive: bool = False
    named: bool = False
    logins: int = 0
    login_form: tuple[object, ...] = ()
    scripted_login: bool = False
    tried: dict[tuple[object, ...], int] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)

    def note_tried(self, page: WebPage) -> None:
        """Count a step on this page."""
        self.tried[page.signature] = self.tried.get(page.signature, 0) + 1

    def weigh(self, stop: Stop, status: int) -> Stop:
        """Blame the grader for a stop after an uncertain step, unless the payer's server failed."""
        if stop.ours or not self.doubts or status >= 500:
            return stop
        return Stop(f"{stop.reason}, and {self.doubts[-1]}", ours=True, login=stop.login)


@dataclass(frozen=True)
class Step:
    """A form to fill and send. `values`: a control's ref to its text, or to whether it is on."""

    form: WebForm
    button: Button | None
    purpose: Purpose
    values: Values = field(repr=False)
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Follow:
    """A URL to open: of a link that is pressed, or of a meta refresh."""

    url: str
    note: str
    ref: int = -1


@dataclass(frozen=True)
class Stop:
    """The end of an attempt. `ours`: the grader is the cause, so it tells nothing about the payer.

    `login`: the payer did not accept the user name and password.
    """

    reason: str
    ours: bool
    login: bool = False


@dataclass(frozen=True)
class Submission:
    """A filled form, ready to send."""

    method: str
    url: str
    pairs: tuple[tuple[str, str], ...] = field(repr=False)


def submit(step: Step, page: WebPage) -> Submission:
    """Return what a browser would send (HTML 4.10.21). The button's action and method come first."""
    button = step.button
    written = button.fields if button is not None else ()
    pairs = [pair for control in step.form.controls for pair in _pairs(control, step) if pair[0]]
    pairs = [*written, *(pair for pair in pairs if pair[0] not in dict(written))]
    if button is not None and button.image:
        place = f"{button.name}." if button.name else ""
        pairs += [(f"{place}x", "1"), (f"{place}y", "1")]
    elif button is not None and button.name:
        pairs.append((button.name, button.value))
    action = (button.action if button else "") or step.form.action
    method = (button.method if button else "") or step.form.method
    return Submission(method.upper(), page.join(action) if action else page.url, tuple(pairs))


def _pairs(control: Control, step: Step) -> Iterator[tuple[str, str]]:
    chosen = step.values.get(control.ref)
    if control.kind in ("checkbox", "radio"):
        if control.checked if chosen is None else chosen:
            yield control.name, control.value
    elif control.kind == "select":
        if isinstance(chosen, tuple):
            yield from ((control.name, value) for value in chosen)
        elif isinstance(chosen, str):
            yield control.name, chosen
        else:
            standing = [option.value for option in control.options if option.selected]
            if not standing and not control.multiple and control.options:
                standing = [control.options[0].value]
            yield from ((control.name, value) for value in standing)
    elif isinstance(chosen, str):
        yield control.name, chosen
    else:
        yield control.name, control.value
