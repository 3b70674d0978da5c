"""Some hundreds of odd requests to every /auth route; `make fuzz` sends 20,000 and more."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from hypothesis import HealthCheck, example, given, seed, settings
from support.fuzzing import METHODS, PATHS, Asked, Member, Seen, Shape, check, requests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def member(app_of: Callable[..., Flask]) -> Member:
    return Member(app_of(), "baseline~fuzz")


@seed(4)
@settings(max_examples=400, deadline=None, database=None, suppress_health_check=list(HealthCheck))
@given(asked=requests())
@example(asked=Asked("GET", 'token/"é', b"", b"", (), "none"))
@example(asked=Asked("POST", "authorize", b"", b"\x00=\x00", (), "none"))
def test_every_answer_has_the_right_shape(member: Member, asked: Asked) -> None:
    check(asked, member.send(asked), Seen())


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", METHODS)
def test_every_route_answers_every_method(member: Member, method: str, path: str) -> None:
    asked = Asked(method, path, b"", b"", (), "live")
    check(asked, member.send(asked), Seen())


def test_a_wrong_shape_would_be_noticed(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Asked("POST", "token", b"", b"", (("Content-Type", "text/plain"),), "none")
    check(wrong, member.send(wrong), Seen())
    monkeypatch.setattr("sandbox.apis.smart.token._token_request", lambda: 1 // 0)
    member.app.testing = False
    with pytest.raises(Shape, match="500"):
        check(wrong, member.send(wrong), Seen())
