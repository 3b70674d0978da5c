"""The grader says when its own machine was too busy to time anybody."""

from __future__ import annotations

from typing import Any

import pytest
from conftest import Grade, line_of
from fake_payer import FakePayer

from sandbox.score import report
from sandbox.score.card import Card
from sandbox.score.collect.machine_load import Machine


def machine(wall: float, worked: float) -> Machine:
    """A machine on which each sample takes so many seconds by the wall clock, and on the processor."""
    clocks = {"wall": 0.0, "worked": 0.0}

    def work() -> None:
        clocks["wall"] += wall
        clocks["worked"] += worked

    return Machine(lambda: clocks["wall"], lambda: clocks["worked"], work)


def speed(card: Card) -> Any:
    return line_of(card, "sync-speed")


@pytest.mark.parametrize(("wall", "worked"), [(0.007, 0.005), (0.0, 0.005), (0.0, 0.0)])
def test_an_idle_machine_says_nothing(grade_fake: Grade, wall: float, worked: float) -> None:
    card, _ = grade_fake(FakePayer(latency=0.4), machine=machine(wall, worked), probes=False)
    assert speed(card).lost
    assert card.notes == ()
    assert speed(card).next == ""


def test_a_busy_machine_is_said_where_it_may_have_cost_points(grade_fake: Grade) -> None:
    card, evidence = grade_fake(FakePayer(latency=0.4), machine=machine(0.02, 0.005))
    assert evidence["machine"].value == {"samples": 6, "wall": 0.12, "worked": 0.03}
    assert "the scorer got 25 % of the processor" in card.notes[0]
    assert speed(card).next == "Grade again on an idle machine."
    assert "Answer searches faster" in speed(card).payer_fix
    for form in ("text", "html", "markdown", "json"):
        assert "25 % of the processor" in " ".join(report.render(card, form).decode().split())


def test_a_busy_machine_is_not_said_where_nothing_was_lost(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(), machine=machine(0.02, 0.005), probes=False)
    assert card.notes == ()
    assert card.score == 100


def test_the_work_takes_time_on_a_processor() -> None:
    real = Machine()
    real.sample()
    value = real.to_value()
    assert value["samples"] == 1
    assert value["worked"] > 0
