"""The steps of a sign-in: what is done on a page, where it ends, and what has happened so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from sandbox.score.signin.pages.page import Button, WebForm, WebPage

Purpose = Literal["login", "name", "choice"]
Values = dict[int, str | bool | tuple[str, ...]]
"""A control's ref to its text, or to whether it is on, or to what is selected in it."""


@dataclass
class State:
    """What has happened on the way so far."""

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
        """Something is done on this page once more."""
        self.tried[page.signature] = self.tried.get(page.signature, 0) + 1

    def weigh(self, stop: Stop, status: int) -> Stop:
        """A stop after a doubtful step is ours, unless the payer's server itself failed."""
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
    """An address to open: a link that is pressed, or a meta refresh."""

    url: str
    note: str
    ref: int = -1


@dataclass(frozen=True)
class Stop:
    """The end of the way. `ours`: it ended for want of our skill, and tells nothing of the payer.

    `login`: the payer did not accept the user name and password.
    """

    reason: str
    ours: bool
    login: bool = False
