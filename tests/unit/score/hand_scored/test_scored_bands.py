"""The edges of five metrics, each row of the table a payer with five shortcomings of its own.

All rows have the other 58 points: 100 without sign-ins (14), references (5), speed (5), refresh tokens (10)
and former members (8).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from scored_card import examine
from scored_payer import Payer
from scored_people import Person, roster

Renews = Callable[[int, int], bool] | None


@dataclass(frozen=True)
class Row:
    """What falls short, each with the points that are left of it, and the whole score.

    `refused`: of 39 eligible members; with the ineligible one there are 40 attempts. `broken`: of the 20
    providers of each member. `seconds`: of a sync. `renews`: by age and idleness in days; tried at once,
    every 25 days and on days 90, 180 and 365. `reach`: the longest of 30, 200, 500, 1000, 2000 and 4000 days
    after coverage that still works.
    """

    refused: tuple[int, float, int]
    broken: tuple[int, float, int]
    seconds: tuple[float, int]
    renews: tuple[Renews, int | None, int]
    reach: tuple[int, int]
    score: int


ROWS = {
    # (39 - refused) of 40 in percent; (20 - broken) of 20 in percent; the longest day that a renewal works
    "every edge is reached": Row(
        (1, 95, 14), (1, 95, 5), (0.9375, 5), (lambda age, idle: age <= 365, 365, 10), (4000, 8), 100
    ),
    "just below it": Row(
        (2, 92.5, 12), (2, 90, 4), (1.0, 4), (lambda age, idle: idle <= 30, 365, 10), (2000, 6), 94
    ),
    "90 %, 80 %, 364 days": Row(
        (3, 90, 12), (4, 80, 4), (4.5, 4), (lambda age, idle: age <= 364, 350, 6), (1000, 4), 88
    ),
    "87.5 %, 75 %, 180 days": Row(
        (4, 87.5, 10), (5, 75, 3), (5.0, 3), (lambda age, idle: age <= 180, 180, 6), (500, 2), 82
    ),
    "80 %, 60 %, 179 days": Row(
        (7, 80, 10), (8, 60, 3), (9.5, 3), (lambda age, idle: age <= 179, 175, 4), (200, 1), 79
    ),
    "77.5 %, 55 %, 90 days": Row(
        (8, 77.5, 8), (9, 55, 2), (10.0, 2), (lambda age, idle: age <= 90, 90, 4), (30, 1), 75
    ),
    "70 %, 40 %, 89 days": Row(
        (11, 70, 8), (12, 40, 2), (29.5, 2), (lambda age, idle: age <= 89, 75, 2), (0, 0), 72
    ),
    "67.5 %, 35 %, 24 days": Row(
        (12, 67.5, 4), (13, 35, 1), (30.0, 1), (lambda age, idle: age <= 24, 0, 2), (4000, 8), 74
    ),
    "50 %, 20 %, no refresh token": Row((19, 50, 4), (16, 20, 1), (60.0, 1), (None, None, 0), (2000, 6), 70),
    "under all edges": Row(
        (20, 47.5, 0), (17, 15, 0), (60.5, 0), (lambda age, idle: idle <= 24, 0, 2), (1000, 4), 64
    ),
}


@pytest.mark.parametrize("name", ROWS)
def test_five_shortcomings_at_once(name: str) -> None:
    """58 points, and of the five metrics those of the row: 58 + 14 + 5 + 5 + 10 + 8 = 100 for the first,
    58 + 8 + 2 + 2 + 2 + 0 = 72 where no former member gets in. No shortcoming costs another metric."""
    row = ROWS[name]
    payer = Payer(roster(), providers=20)
    payer.desk.renews = row.renews[0]
    half = row.seconds[0] / 2  # claims come in two pages, and nothing else takes time
    payer.latency = lambda call: half if call.found[:1] == ("ExplanationOfBenefit",) else 0.0
    payer.shared = lambda kind, name: (
        {"resourceType": kind, "id": name} if int(name.rpartition("-")[2]) >= row.broken[0] else None
    )
    before = payer.desk.ending

    def ending(person: Person, attempt: int):  # type: ignore[no-untyped-def]
        former = person.role.startswith("lapsed") and int(person.role.rpartition("-")[2]) > row.reach[0]
        dies = person.role == "eligible" and person.number >= 39 - row.refused[0]
        return {"error": "server_error"} if dies or former else before(person, attempt)

    payer.desk.ending = ending
    examined = examine(payer)
    examined.earns(
        score=row.score,
        authorization_success=row.refused[2],
        reference_resolution=row.broken[2],
        sync_speed=row.seconds[1],
        refresh_token=row.renews[2],
        inactive_members=row.reach[1],
    )
    assert examined.value("authorization-success") == row.refused[1]
    assert examined.value("reference-resolution") == row.broken[1]
    assert examined.value("sync-speed") == row.seconds[0]
    if row.renews[1] is not None:
        assert examined.value("refresh-token") == row.renews[1]
