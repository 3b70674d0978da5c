"""The grader's ways in by their real doors: a person's browser and its callback, a registration, a script."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.running import COMMAND, PATIENCE, started

pytestmark = pytest.mark.slow

SCRIPT = """
def sign_in(page, account):
    page.fill("[name=username]", account.username)
    page.fill("[type=password]", account.password)
    page.keyboard.press("Enter")
    page.click("[name=decision]:not(.plain)")
"""


@contextmanager
def scoring(*args: str) -> Iterator[subprocess.Popen[str]]:
    """`payer-sandbox score --browser` as typed, while it waits for somebody."""
    words = [*COMMAND, "score", *args, "--browser", "--client-id", "sandbox-app", "--format", "json"]
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        yield running


def metrics(running: subprocess.Popen[str]) -> dict[str, Any]:
    card, errors = running.communicate(timeout=PATIENCE)
    assert running.returncode == 0, errors
    return {metric["id"]: metric for metric in json.loads(card)["metrics"]}


def asked_to_open(running: subprocess.Popen[str]) -> str:
    """The address that the grader tells the person."""
    assert running.stderr is not None
    for line in running.stderr:
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("the grader told no address")


@contextmanager
def person(chromium: Any, address: str) -> Iterator[Any]:
    """Somebody in front of a browser, who signs in as maria at an address. Yields the consent page."""
    page = chromium.new_page()
    page.goto(address)
    page.fill("[name=username]", "maria")
    page.fill("[type=password]", "maria-pass")
    page.keyboard.press("Enter")
    yield page
    page.close()


@pytest.mark.browser
@pytest.mark.parametrize("redirect", ["", "http://127.0.0.1:{port}/cb/here", "http://localhost:{port}/cb"])
def test_a_person_signs_in_and_comes_back_to_the_callback(
    chromium: Any, origin: str, session_name: str, redirect: str, free_port: int
) -> None:
    redirect = redirect.format(port=free_port)
    flags = ("--redirect-uri", redirect) if redirect else ()
    with scoring(f"{origin}/s/~{session_name}/fhir", *flags) as running:
        with person(chromium, asked_to_open(running)) as page:
            page.click("[name=decision]:not(.plain)")
            page.wait_for_selector("text=You are signed in")
            assert page.url.startswith(redirect or "http://127.0.0.1:")
        lines = metrics(running)
    assert (lines["carin-resources"]["points"], lines["request-success"]["points"]) == (6, 10)
    assert lines["everything"]["points"] == 3
    assert lines["authorization-success"]["source"] == "unseen"
    assert "by hand" in lines["authorization-success"]["reason"]


@pytest.mark.browser
def test_a_person_who_declines_is_heard(chromium: Any, origin: str, session_name: str) -> None:
    with scoring(f"{origin}/s/~{session_name}/fhir") as running:
        with person(chromium, asked_to_open(running)) as page:
            page.click("[name=decision][value=deny]")
            page.wait_for_selector("text=refused the sign-in")
        lines = metrics(running)
    assert "access_denied" in lines["authorization-success"]["reason"]


def graded(url: str, *flags: str) -> dict[str, Any]:
    """The metrics of `payer-sandbox score`, in a process of its own: it may start a browser."""
    words = [*COMMAND, "score", url, *flags, "--format", "json"]
    with started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        return metrics(running)


def test_a_registration_is_made_at_the_payer(origin: str, session_name: str, tmp_path: Path) -> None:
    base = f"{origin}/s/~{session_name}"
    served = httpx.get(f"{base}/fhir/.well-known/payer-facts").json()
    lent = served["instruments"]
    eligible = [m for m in lent["members"] if m["role"] == "eligible"][:3]
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"claims": served["claims"], "instruments": {"members": eligible}}))
    kept = tmp_path / "evidence"

    offered = graded(f"{base}/fhir", "--facts", str(facts))["authorization-success"]
    assert offered["source"] == "unseen"
    found = graded(f"{base}/fhir", "--facts", str(facts), "--register", "--evidence", str(kept))
    assert (found["authorization-success"]["points"], found["authorization-success"]["n"]) == (14, 3)
    assert found["carin-resources"]["points"] == 6
    journal = httpx.get(f"{base}/_sandbox/journal?limit=1000").json()["entries"]
    assert [e["status"] for e in journal if e["path"].endswith("/auth/register")] == [201]
    made = [e["client"] for e in journal if e["path"].endswith("/auth/token")]
    assert len(set(made)) == 1
    assert made[0] not in ("", None, lent["client_id"])
    assert str(made[0]) not in kept.read_text()


@pytest.mark.browser
def test_a_script_signs_in_at_the_payers_own_pages(origin: str, session_name: str, tmp_path: Path) -> None:
    base = f"{origin}/s/~{session_name}/fhir"
    served = httpx.get(f"{base}/.well-known/payer-facts").json()
    served["instruments"]["members"] = served["instruments"]["members"][:2]
    for absent in ("clock", "fresh_payer"):
        del served["instruments"][absent]
    facts, script = tmp_path / "facts.json", tmp_path / "enter.py"
    facts.write_text(json.dumps(served))
    script.write_text(SCRIPT)
    found = graded(base, "--facts", str(facts), "--sign-in-script", str(script))
    assert (found["authorization-success"]["points"], found["authorization-success"]["n"]) == (14, 2)
    assert found["carin-resources"]["points"] == 6
