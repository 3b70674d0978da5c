"""A parent's grant for a child ends on the day on which the child comes of age."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from unit.auth.auth_desk import MARIA, App, changed

from sandbox.auth.household import OF_AGE, find_lost_eligibility
from sandbox.core.members import Account, CoverageSpan
from sandbox.core.payer import PayerProfile
from sandbox.store.ledger.repositories.grants import Grant

CHILD = Account(
    "kim", "pw", "p2", "Kim", "dependant", date(2007, 8, 1), (CoverageSpan("qhp", date(2024, 1, 1), None),)
)
GRANT = Grant("g", "app", "maria", "p2", "patient/*.rs", 0, None, None, fhir_user="RelatedPerson/r2")


@pytest.fixture
def parent(app: App) -> App:
    """On June 15, 2025, six weeks before the child's birthday."""
    desk = changed(
        app.desk,
        accounts={"maria": MARIA, "kim": CHILD},
        members={"p1": MARIA, "p2": CHILD},
        household=lambda patient: [("p2", "r2")] if patient == "p1" else [],
    )
    return replace(app, desk=desk)


def test_the_grant_goes_on_until_the_birthday(parent: App) -> None:
    assert find_lost_eligibility(parent.desk, GRANT) is None
    parent.advance(days=46)
    assert find_lost_eligibility(parent.desk, GRANT) is None
    parent.advance(days=1)
    assert find_lost_eligibility(parent.desk, GRANT) == OF_AGE


def test_a_payer_that_does_not_look_again_lets_it_go_on(parent: App) -> None:
    parent.advance(days=47)
    assert find_lost_eligibility(parent.under(PayerProfile(recheck_eligibility=False)).desk, GRANT) is None


def test_the_parents_own_grant_and_a_services_go_on(parent: App) -> None:
    parent.advance(days=47)
    assert find_lost_eligibility(parent.desk, replace(GRANT, patient="p1", fhir_user="Patient/p1")) is None
    assert find_lost_eligibility(parent.desk, replace(GRANT, username="", patient="", fhir_user="")) is None


def test_what_a_policy_ends_is_not_refreshed(parent: App) -> None:
    own = replace(GRANT, patient="p1", fhir_user="Patient/p1")
    for payer in (
        PayerProfile(supported_lines=("medicaid",)),
        PayerProfile(connection_approval=True),
        PayerProfile(waiting_days=9999),
    ):
        assert find_lost_eligibility(parent.under(payer).desk, own)
