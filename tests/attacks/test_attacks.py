"""Every attack fails here, and succeeds where the one defence that it tests is taken away."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import attacks.assertions
import attacks.availability
import attacks.budgets
import attacks.codes
import attacks.growth
import attacks.headers
import attacks.hosts
import attacks.leaks
import attacks.other_members
import attacks.pages
import attacks.printing
import attacks.redirects
import attacks.refreshing
import attacks.sizes
import attacks.watching
import pytest
from attacks.breach import ATTACKS, Breached, Scene, weakened
from support.running import served
from support.smart_app import SmartApp

LINES = (
    "code replay",
    "code injection",
    "PKCE downgrade",
    "redirect lookalikes",
    "mix-up",
    "state fixation",
    "refresh replay",
    "refresh race",
    "header that loosens",
    "eligibility that ended",
    "scope escalation",
    "another member by read",
    "another member by search",
    "another member by _include",
    "another member by $everything",
    "another member by an alias of the compartment",
    "another member at the picker",
    "DNS rebinding",
    "audience by Host",
    "control through a proxy",
    "control by a page",
    "JWT confusion",
    "expired and future assertions",
    "jti replay",
    "private key in JWKS",
    "open redirect",
    "CSRF on consent",
    "session fixation",
    "a code for another browser",
    "clickjacking",
    "forms that lead away",
    "oversized parameters",
    "duplicate parameters",
    "login throttling",
    "timing of secret comparison",
    "secrets in logs and journal",
    "calls that wait",
    "long polls",
    "slow keys",
    "bytes that drip",
    "searches that cost too much",
    "batches that cost too much",
    "endless rows",
    "floods of one caller",
    "commands to a terminal",
)


def test_every_line_of_the_list_is_attacked() -> None:
    assert {each.line for each in ATTACKS.values()} == set(LINES)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_payer_holds(scene: Scene, name: str) -> None:
    ATTACKS[name].run(scene)


@pytest.mark.parametrize("name", ATTACKS)
def test_the_attack_would_notice_a_missing_defence(scene: Scene, name: str) -> None:
    with weakened(ATTACKS[name].weak), pytest.raises(Breached):
        ATTACKS[name].run(scene)


TALKATIVE = """
from sandbox.auth.authlib_adapter import AuthorizationServer
honest = AuthorizationServer.token
def token(self, asked):
    print(asked.form, flush=True)
    return honest(self, asked)
AuthorizationServer.token = token
"""
"""What Python runs at its start (sitecustomize) where serve is weakened."""


@pytest.mark.parametrize("weak", [False, True], ids=["as it is", "weakened"])
def test_what_serve_prints_holds_no_secret(
    env: dict[str, str], scene: Scene, tmp_path: Path, weak: bool
) -> None:
    """The real server and its workers; `scene` lends its ledger only."""
    if weak:
        (tmp_path / "sitecustomize.py").write_text(TALKATIVE)
    printed: list[str] = []
    with served("--workers", "2", env=env | {"PYTHONPATH": str(tmp_path)}, printed=printed) as origin:
        apps: list[SmartApp] = []

        def make(scenario: str = "baseline", **options: Any) -> SmartApp:
            apps.append(SmartApp(f"{origin}/s/{scenario}", **options))
            return apps[-1]

        _, secret = attacks.leaks.everything_secret(replace(scene, make=make))
        for app in apps:
            app.close()
    assert any(word in printed[0] for word in secret) == weak
