"""Each defence of the grader taken away, one at a time: a test of what it defends against must fail."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import test_score_grading as grading
import test_score_hostile as hostile

from sandbox.score import run
from sandbox.score.collect import sync
from sandbox.score.http import answers, client, guard, redaction, transport

pytestmark = pytest.mark.slow

Take = Callable[[pytest.MonkeyPatch], None]


def instead(owner: Any, name: str, value: Any) -> Take:
    return lambda patch: patch.setattr(owner, name, value)


def never_late(self: Any, wait: float | None, late: type[Exception]) -> float:
    PATIENT.set()
    return wait or hostile.WAIT


PATIENT = threading.Event()


def answers_whoever_waits_too_long() -> None:
    def serve(conn: Any) -> None:
        conn.recv(65536)
        hostile.TIME.seconds += 2 * hostile.WHOLE
        conn.sendall(hostile.OK)
        if PATIENT.is_set():
            conn.sendall(b"Content-Length: 0\r\n\r\n")
        hostile.mute(conn)

    with hostile.listening(serve) as place:
        assert "no complete response in time" in hostile.ask(place).exchange.note


def admitting_anything(self: guard.Guard, host: str) -> list[str]:
    return list(self._resolve(host))


TAKEN: dict[str, tuple[Take, Callable[[], Any]]] = {
    "private addresses are judged": (
        instead(guard.Guard, "_judged", lambda self, host, found: ""),
        lambda: hostile.test_nothing_leads_from_outside_to_a_private_address("10.0.0.1", "page"),
    ),
    "addresses inside addresses are judged": (
        instead(guard, "_meant", lambda text: [ipaddress.ip_address(text)]),
        lambda: hostile.test_nothing_leads_from_outside_to_a_private_address("[64:ff9b::7f00:1]", "page"),
    ),
    "names are judged where they are connected to": (
        instead(guard.Guard, "admit", admitting_anything),
        hostile.test_a_name_that_moves_into_this_machine_is_not_followed_there,
    ),
    "data stays at its origin": (
        instead(guard.Guard, "refuses", lambda self, url, reach: ""),
        lambda: hostile.test_a_redirect_of_data_to_another_origin_is_not_followed(302),
    ),
    "an answer has a deadline": (
        instead(transport._Deadline, "left", never_late),
        answers_whoever_waits_too_long,
    ),
    "bodies are bounded": (
        instead(client, "LARGEST", 1 << 40),
        lambda: hostile.test_a_hostile_answer_is_a_finding("goes on and on"),
    ),
    "unpacked bodies are bounded": (
        instead(answers, "LARGEST", 1 << 40),
        lambda: hostile.test_a_hostile_answer_is_a_finding("a gzip bomb"),
    ),
    "packing is done twice at most": (
        instead(answers, "MOST_CODINGS", 99),
        lambda: hostile.test_a_hostile_answer_is_a_finding("gzip in gzip in gzip"),
    ),
    "values are counted": (
        instead(answers, "MOST_PIECES", 1 << 40),
        lambda: hostile.test_a_hostile_body_is_no_bundle("millions of empty lists"),
    ),
    "cookies are counted": (
        instead(client, "MOST_COOKIES", 1 << 40),
        hostile.test_cookies_without_end_do_not_hold_anybody_up,
    ),
    "secrets are struck out": (
        instead(run, "struck", lambda evidence, secrets: evidence),
        lambda: grading.test_nothing_that_is_written_holds_a_secret_that_a_payer_repeats(5, False),
    ),
    "secrets that are cut short are struck out": (
        instead(redaction, "TELLING", 1 << 20),
        grading.test_a_secret_that_is_cut_short_or_encoded_is_struck_out_and_our_own_words_stay,
    ),
}


@pytest.mark.parametrize("name", TAKEN)
def test_without_it_an_attack_succeeds(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    take, attacked = TAKEN[name]
    attacked()  # with the defence in its place
    take(monkeypatch)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        attacked()


def test_pages_and_references_without_end_need_their_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sync.MOST_PAGES * 25 < 10_000
    assert sync.MOST_REFERENCES <= 5_000
    assert httpx.Timeout(client.WHOLE_ANSWER_SECONDS).read == 60
