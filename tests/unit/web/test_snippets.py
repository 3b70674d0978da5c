"""Snippets: code that parses whatever a client has sent, and that does nothing but repeat the request."""

from __future__ import annotations

import ast
import json
import re
import shlex
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.apis.console.snippets import build_snippets

CONTEXT: Any = SimpleNamespace(origin="http://127.0.0.1:8080", base="http://127.0.0.1:8080/s/baseline~t7")
ENTRY = {"method": "GET", "path": "/fhir/Patient", "status": 200, "effects": [], "scenario": "baseline"}
MALICE = '\'; import os; os.system("x")\n\\ \u2028 `${x}` */ </script> "); x(('


def write(entry: dict[str, Any], **sent: Any) -> dict[str, str]:
    request = {"target": "/fhir/Patient", "headers": [], "body": "", **sent}
    return {s.id: s.code for s in build_snippets(ENTRY | entry, {"request": request}, CONTEXT)}


texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=40) | st.just(MALICE)


@given(texts, texts, texts, texts)
@settings(max_examples=200, deadline=None)
def test_code_of_clients_stays_a_text(method: str, target: str, value: str, body: str) -> None:
    code = write(
        {"method": method, "member": value}, target=f"/{target}", headers=[["X-A", value]], body=body
    )
    module = ast.parse(code["pytest"])
    assert [type(part).__name__ for part in module.body] == ["Import", "Import", "FunctionDef"]
    calls = [ast.unparse(node.func) for node in ast.walk(module) if isinstance(node, ast.Call)]
    assert sorted(calls) == ["httpx.request", "pytest.mark.payer"]
    words = shlex.split(code["curl"].replace("\\\n", ""))
    assert words[0] == "curl"
    assert words[-1] == f"{CONTEXT.base}/{target}"
    outside = re.sub(r'"(?:[^"\\]|\\.)*"', '""', code["javascript"])  # every text is a JSON text
    assert "import os" not in outside
    assert outside.count("await fetch(") == 1


@pytest.mark.parametrize(
    ("cause", "path"),
    [
        ("token-expired", "clock"),
        ("token-revoked", "members/maria/revoke"),
        ("token-grant-revoked", "members/maria/revoke"),
        ("token-locked", "members/maria"),
    ],
)
def test_what_a_refusal_depends_on_is_made_first(cause: str, path: str) -> None:
    code = write({"status": 401, "token": "1a2b3c4d", "cause": cause, "member": "maria"})
    assert f"'/_sandbox/{path}'" in code["pytest"]
    assert f'await control("{path}", ' in code["javascript"]
    assert code["pytest"].index("sign_in") < code["pytest"].index("_sandbox")


def test_a_fault_that_was_armed_is_armed_again() -> None:
    code = write({"status": 502, "effects": ["fail-next:refuse"]})
    rule = {"when": {"path": "/fhir/Patient"}, "then": {"do": "refuse", "status": 502}}
    assert repr(rule) in code["pytest"]
    assert json.dumps(rule) in code["javascript"]


def test_an_unknown_token_is_no_sign_in() -> None:
    code = write({"token": "1a2b3c4d", "cause": "token-unknown", "status": 401})
    assert "sign_in" not in code["pytest"]
    assert "Bearer unknown" in code["pytest"]
    assert "Bearer $TOKEN" not in write({})["curl"]


def test_a_head_request_does_not_wait_for_a_body() -> None:
    assert write({"method": "HEAD"})["curl"].startswith("curl -I ")


@pytest.mark.parametrize(
    "part", [{"body": "code=[masked 1a2b3c4d]"}, {"target": "/a?code=[masked 1a2b3c4d]"}]
)
def test_with_a_secret_there_is_no_test(part: dict[str, str]) -> None:
    assert set(write({}, **part)) == {"curl"}


def test_without_a_record_the_path_is_repeated() -> None:
    codes = {s.id: s.code for s in build_snippets(ENTRY | {"path": "/fhir/a b"}, None, CONTEXT)}
    assert "/fhir/a%20b" in codes["curl"]
