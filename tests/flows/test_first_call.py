"""The start page of developers: a token by one button, programs that run as they are, members in groups."""

from __future__ import annotations

import html
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from flask import Flask
from support.running import PATIENCE, started
from support.smart_app import SmartApp, hidden

pytestmark = pytest.mark.slow

PROGRAMS = {
    "curl": ("call.sh", ["bash"]),
    "python": ("call.py", [sys.executable]),
    "javascript": ("call.mjs", ["node"]),
    "java": ("FirstCall.java", ["java"]),
}
"""Snippet → its file, and what runs it."""


def read_snippet(page: str, id: str) -> str:
    match = re.search(rf'<pre id="{id}"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
    assert match, id
    return html.unescape(match[1])


def register(app: SmartApp, redirect_uri: str, kind: str = "public") -> str:
    """Register an app by the form. Returns the page."""
    form = {"client_name": "First call", "kind": kind, "redirect_uris": redirect_uri}
    answer = httpx.post(f"{app.base}/developer/register", data=form, timeout=PATIENCE)
    assert answer.status_code == 201, answer.text
    return answer.text


@pytest.mark.parametrize("kind", ["public", "secret"])
@pytest.mark.parametrize("language", PROGRAMS)
def test_the_program_of_a_registered_app_reads_claims(
    app: SmartApp, free_port: int, tmp_path: Path, language: str, kind: str
) -> None:
    name, command = PROGRAMS[language]
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    app.redirect_uri = f"http://127.0.0.1:{free_port}/callback"
    program = tmp_path / name
    program.write_text(read_snippet(register(app, app.redirect_uri, kind), f"first-call-{language}"))
    options = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started([*command, str(program)], env=os.environ | {"BROWSER": "true"}, **options) as running:
        assert running.stdout
        line = running.stdout.readline()
        assert "http" in line, line + running.communicate()[0]
        back = app.share(line[line.index("http") :].strip(), "maria")
        code = None
        if language == "curl":
            code = httpx.URL(back).params["code"] + "\n"
        else:
            transport = httpx.HTTPTransport(retries=20)
            with httpx.Client(transport=transport, timeout=PATIENCE) as browser:
                browser.get(back)
        output, _ = running.communicate(code, timeout=PATIENCE)
    assert running.returncode == 0, output
    assert re.search(r"20\d\d-\d\d-\d\d", output), output


def test_an_app_without_a_loopback_address_gets_the_call_that_needs_none(app: SmartApp) -> None:
    page = register(app, "https://app.example/callback")
    assert 'id="first-call-curl"' in page
    assert 'id="first-call-python"' not in page


def test_one_button_gets_a_token(app: SmartApp) -> None:
    page = app.browser.get(f"{app.base}/developer")
    assert "Sign in as maria now" in page.text
    answer = app.browser.post(f"{app.base}/developer/sign-in", data=hidden(page))
    assert answer.status_code == 200
    assert "&#34;token_type&#34;: &#34;Bearer&#34;" in answer.text
    call = read_snippet(answer.text, "read")
    token = re.search(r"Bearer ([\w.-]+)", call)
    assert token
    url = call.rpartition(" ")[2].strip('"')
    assert httpx.get(url, headers={"Authorization": f"Bearer {token[1]}"}).json()["entry"]


def test_the_button_says_how_a_sign_in_failed(app: SmartApp) -> None:
    httpx.post(f"{app.base}/_sandbox/members/maria", json={"locked": True})
    form = hidden(app.browser.get(f"{app.base}/developer"))
    answer = app.browser.post(f"{app.base}/developer/sign-in", data=form)
    assert answer.status_code == 400
    assert "locked" in answer.text.partition('role="alert">')[2].partition("</p>")[0]


@pytest.mark.parametrize(
    ("headers", "csrf"),
    [
        ({}, ""),
        ({}, "guess"),
        ({"Sec-Fetch-Site": "cross-site"}, None),
        ({"Origin": "https://evil.example"}, None),
    ],
)
def test_no_other_page_presses_the_button(app: SmartApp, headers: dict[str, str], csrf: str | None) -> None:
    form = hidden(app.browser.get(f"{app.base}/developer"))
    if csrf is not None:
        form["csrf"] = csrf
    answer = app.browser.post(f"{app.base}/developer/sign-in", data=form, headers=headers)
    assert answer.status_code == 403


def test_who_may_not_control_gets_a_link_that_begins_a_sign_in(app_of: Callable[..., Flask]) -> None:
    app: Any = app_of(control_key="a-key-that-nobody-sends").test_client()
    page = app.get("/developer").text
    assert "/developer/sign-in" not in page
    assert "/console" not in page
    link = re.search(r'<a href="([^"]*/auth/authorize[^"]*)"', page)
    assert link
    assert "/auth/login?request=" in app.get(html.unescape(link[1])).headers["location"]
    assert "code_verifier=" in read_snippet(page, "redeem")
    assert app.post("/developer/sign-in").status_code == 403


@pytest.mark.parametrize("path", ["", "/docs", "/docs/testing", "/register", "/apps"])
def test_every_page_says_which_payer_it_is(app: SmartApp, path: str) -> None:
    base = app.base.replace("/s/baseline", "/s/rate-limited")
    page = re.sub(r"\s+", " ", httpx.get(f"{base}/developer{path}").text)
    assert f'<span class="soft">Payer</span> <code>{base}</code>' in page
    assert "<code>rate-limited</code>" in page
    assert f'<span class="soft">Session</span> <code>{base.partition("~")[2]}</code>' in page
    assert '<span class="soft">Scenario</span> none' in re.sub(
        r"\s+", " ", httpx.get(f"{app.base}/developer{path}").text
    )


def test_members_are_grouped(app: SmartApp) -> None:
    page = httpx.get(f"{app.base}/developer").text
    groups = re.findall(r"<summary>([^<]+): \d+</summary>", page)
    assert groups[0] == "Start here"
    assert {"Eligible: Medicaid", "Not eligible", "Not opted in", "Coverage ended", "Dependents"} <= set(
        groups
    )
