"""What attacks share.

An attack is a test that does over HTTP what an attacker would do, and calls `held` where the defense
decides; preconditions are plain assertions. `undefended` names the one defense that it tests. Every attack
runs twice (see conftest.py): against the payer as it is, and without that defense, where it must succeed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from support.smart_app import WEB, MakeApp, SmartApp

from sandbox.web import budget


class Breached(Exception):
    """The attack got what it wanted."""


def held(condition: bool, wanted: str) -> None:
    """Raise Breached, with what the attacker `wanted`, unless the defense holds."""
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
        return self.make(**WEB)


def undefended(*targets: Any, **replacements: Any) -> pytest.MarkDecorator:
    """Mark an attack with the defense that stops it: modules or classes, and what replaces each of these
    names in those of them that have it, for the run in which the attack must succeed."""
    for name in replacements:
        assert any(hasattr(target, name) for target in targets), f"nothing has the name {name}"
    return pytest.mark.undefended(targets, replacements)


@contextmanager
def weakened(targets: tuple[Any, ...], replacements: Mapping[str, Any]) -> Iterator[None]:
    """The running server without one of its defenses."""
    with pytest.MonkeyPatch.context() as patch:
        for target in targets:
            for name in filter(lambda name: hasattr(target, name), replacements):
                patch.setattr(target, name, replacements[name])
        yield


_admit = budget.admit


def admit_any_size(request: Any, body_bytes_max: int) -> None:
    """`budget.admit` without its limit on the body."""
    _admit(request, 10**9)
