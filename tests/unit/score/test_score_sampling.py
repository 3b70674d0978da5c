"""Whom the grader draws: a payer cannot choose who is looked at by the order in which it lends members."""

from __future__ import annotations

from collections import Counter

import httpx
import pytest
from conftest import Grade
from fake_payer import LINES, FakePayer

from sandbox.score.collect.sample import Draw, seed_of
from sandbox.score.evidence import Evidence
from sandbox.score.instruments.facts import Member
from sandbox.score.run import regrade

LENT = tuple(Member(username=f"m{i}", password="pw", line=LINES[i % 4]) for i in range(120))


def names(members: list[Member]) -> list[str]:
    return [member.username for member in members]


def test_a_seed_gives_one_draw_whatever_the_order_of_the_lent() -> None:
    there, back = Draw(7).choose_sign_ins(LENT, 39), Draw(7).choose_sign_ins(LENT[::-1], 39)
    assert Counter(m.line for m in there) == {line: 10 if line != "commercial" else 9 for line in LINES}
    assert set(names(Draw(7).choose_sign_ins(LENT, 39))) == set(names(there))
    assert len(set(names(there)) & set(names(back))) >= 38  # one more of one line, one less of another
    assert names(Draw(8).choose_sign_ins(LENT, 39)) != names(there)


def test_members_far_down_the_roster_are_drawn_too() -> None:
    places = {int(m.username[1:]) for m in Draw(3).choose_sign_ins(LENT, 39)}
    assert len(places) == 39
    assert sum(place >= 39 for place in places) > 15


def test_a_line_that_is_lent_last_is_in_the_roll_and_in_the_sync() -> None:
    last = Member(username="only", password="pw", line="chip")
    drawn = Draw(1).choose_sign_ins((*LENT, last), 39)
    assert len(drawn) == 39
    assert "only" in names(drawn)
    assert {m.line for m, _ in Draw(1).choose_syncs([(m, None) for m in drawn], 5)} == {*LINES, "chip"}


def test_few_members_are_all_drawn() -> None:
    assert sorted(names(Draw(5).choose_sign_ins(LENT[:3], 39))) == ["m0", "m1", "m2"]
    assert Draw(5).choose_sign_ins((), 39) == []


def test_the_sync_is_drawn_apart_from_the_order_of_the_sign_ins() -> None:
    roll = Draw(2).choose_sign_ins(LENT, 39)
    synced = [m for m, _ in Draw(2).choose_syncs([(m, None) for m in roll], 5)]
    assert names(synced) != names(roll[:5])
    assert {m.line for m in synced} == set(LINES)


def test_the_seed_is_of_the_target_and_the_day() -> None:
    noon = seed_of("http://p/fhir", "2026-01-01T12:00:00+00:00", False)
    assert noon == seed_of("http://p/fhir", "2026-01-01T23:59:00+00:00", False)
    assert noon != seed_of("http://p/fhir", "2026-01-02T12:00:00+00:00", False)
    assert noon != seed_of("http://q/fhir", "2026-01-01T12:00:00+00:00", False)


def test_a_payer_nearby_has_the_same_draw_every_day_and_at_every_port() -> None:
    first = seed_of("http://127.0.0.1:8080/fhir", "2026-01-01T12:00:00+00:00", True)
    assert first == seed_of("http://127.0.0.1:8081/fhir", "2026-01-02T12:00:00+00:00", True)


def synced(payer: FakePayer) -> list[str]:
    """The members whose `$everything` was asked for, in order."""
    found = [r.url.path.split("/")[3] for r in payer.requests if r.url.path.endswith("/$everything")]
    return list(dict.fromkeys(found))


def test_the_seed_stands_in_the_evidence_and_on_the_card_and_repeats_the_draw(grade_fake: Grade) -> None:
    first, again, other = FakePayer(), FakePayer(), FakePayer()
    card, evidence = grade_fake(first)
    assert card.sample_seed == evidence["sample"].value["seed"]
    assert evidence["sample"].value == {"seed": card.sample_seed, "lent": 40, "signed_in": 39}
    assert regrade(Evidence.from_json(evidence.to_json())).sample_seed == card.sample_seed
    grade_fake(again, sample_seed=card.sample_seed)
    assert synced(again) == synced(first)
    assert len(synced(first)) == 5
    grade_fake(other, sample_seed=4)
    assert synced(other) != synced(first)


@pytest.mark.parametrize("seed", range(2))
def test_a_payer_whose_first_five_members_shine_does_not_earn_by_it(grade_fake: Grade, seed: int) -> None:
    payer = FakePayer()
    shining = {f"p-m{i}" for i in range(5)}

    def only_for_the_first(request: httpx.Request, number: int) -> httpx.Response | None:
        user = payer.access.get(request.headers.get("authorization", "").removeprefix("Bearer "))
        return None if f"p-{user}" in shining else httpx.Response(500)

    payer.before_fhir = only_for_the_first
    card, _ = grade_fake(payer, sample_seed=seed, probes=False)
    points = {line.id: line.points for line in card.lines}
    assert points["request-success"] <= 1


def test_a_token_draws_nobody(grade_fake: Grade) -> None:
    payer = FakePayer()
    payer.access["t"] = "m3"
    card, evidence = grade_fake(payer, token="t", patient="p-m3")
    assert card.sample_seed is None
    assert not evidence["sample"].seen
