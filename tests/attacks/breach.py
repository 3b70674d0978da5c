"""Attacks, and what it takes to believe them.

An attack is a function of a `Scene`. It does what an attacker would do over HTTP and calls `held` where
the defence decides; preconditions are plain assertions. Each names the one defence it tests and what
that looks like when it is missing (`weak`: dotted name in the server → what replaces it), so that the
suite can show for each attack that it would notice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import httpx
import pytest
from support.smart_app import MakeApp, SmartApp


class Breached(Exception):
    """The attack got what it wanted."""


def held(condition: bool, wanted: str) -> None:
    """The defence holds, or the attacker has what they `wanted`."""
    if not condition:
        raise Breached(wanted)


def refused(answer: httpx.Response) -> bool:
    """Whether an answer of the token endpoint gives nothing away."""
    return 400 <= answer.status_code < 500 and "access_token" not in answer.text


@dataclass(frozen=True)
class Scene:
    """Where an attack takes place: apps at a payer of the test's own, apps at the same payer whose
    data hold a reference from one member to another (`planted`), and where its ledger is."""

    make: MakeApp
    planted: Callable[[], SmartApp]
    ledger: str

    def web(self) -> SmartApp:
        """The confidential app."""
        return self.make(
            client_id="sandbox-web",
            redirect_uri="http://localhost:3000/callback",
            secret="sandbox-web-secret",
        )


Weakness = Mapping[str, Any] | Callable[[], Mapping[str, Any]]
"""Dotted name → replacement; or a function that makes one, where the replacement holds a state."""


@dataclass(frozen=True)
class Attack:
    line: str
    run: Callable[[Scene], None]
    weak: Weakness


ATTACKS: dict[str, Attack] = {}


def attack(line: str, weak: Weakness, case: str = "", **given: Any) -> Callable[[Any], Any]:
    """Enlist a function as an attack of this `line` (LINES in test_attacks); several times with a
    `case` and what is `given` to it."""

    def enlist(run: Callable[..., None]) -> Callable[..., None]:
        name = run.__name__ + (f"-{case}" if case else "")
        assert name not in ATTACKS, f"two attacks are called {name}"
        ATTACKS[name] = Attack(line, partial(run, **given), weak)
        return run

    return enlist


@contextmanager
def weakened(weak: Weakness) -> Iterator[None]:
    """The running server without one of its defences."""
    with pytest.MonkeyPatch.context() as patch:
        for name, replacement in (weak() if callable(weak) else weak).items():
            patch.setattr(name, replacement)
        yield
