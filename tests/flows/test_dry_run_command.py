"""`score --dry-run` as typed: each step of one sign-in, and an exit code that says whether it got in."""

from __future__ import annotations

from functools import partial

import pytest
from support.command import command

run = partial(command, "score")


def test_a_member_who_gets_in(origin: str, session_name: str) -> None:
    done = run(f"{origin}/s/baseline~{session_name}/fhir", "--dry-run")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0].startswith("Sign-in of maria (eligible, ")
    assert lines[-1] == "The member is signed in."
    for text in ("did    filled User name, Password", "did    pressed “Allow”", "patient    mbr-0001"):
        assert text in done.stdout
    assert "-pass" not in done.stdout + done.stderr
    assert max(len(line) for line in lines if line.startswith("     ")) <= 100


@pytest.mark.parametrize(
    ("scenario", "says"),
    [
        ("app-not-approved", "Not signed in: sign-in ended on a page with status 400"),
        ("custom-scopes-only", "Not signed in: the callback returned invalid_scope (Unknown scope)"),
    ],
)
def test_a_member_who_does_not(origin: str, session_name: str, scenario: str, says: str) -> None:
    done = run(f"{origin}/s/{scenario}~{session_name}/fhir", "--dry-run")
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith(says)


def test_a_scope_that_is_asked_for(origin: str, session_name: str) -> None:
    url = f"{origin}/s/custom-scopes-only~{session_name}/fhir"
    done = run(url, "--dry-run", "--scope", "launch/patient patient/*.rs internal")
    assert done.returncode == 0, done.stdout
