"""The tests of the pretend app: what its team learned about payers before its first member did."""

from __future__ import annotations

import pytest

from example.pretend_app import App
from sandbox.pytest_plugin import Payer


def signed_in(payer: Payer) -> App:
    return App(payer.fhir, payer.auth, payer.sign_in())


def test_it_shows_every_claim_and_not_only_the_first_page(payer: Payer) -> None:
    app = signed_in(payer)
    total = app.get(f"{payer.fhir}/ExplanationOfBenefit?_summary=count")["total"]
    assert len(app.claims()) == total > 10
    payer.review.assert_passed("follows-next", "pace")


def test_it_waits_when_the_payer_is_busy(payer: Payer) -> None:
    app = signed_in(payer)
    payer.fail_next(
        2, {"resource": "ExplanationOfBenefit"}, {"do": "refuse", "status": 429, "retry_after": 1}
    )
    assert app.claims()
    payer.journal.assert_called("GET", "/fhir/ExplanationOfBenefit", status=429, times=2)


@pytest.mark.payer("token-expires-early", member="walter")
def test_it_refreshes_once_when_its_token_dies(payer: Payer) -> None:
    app = signed_in(payer)
    payer.clock.advance("PT2M")
    assert app.get(f"{payer.fhir}/Patient")["total"] == 1
    payer.journal.assert_called("POST", "/auth/token", status=200, times=1)
    payer.review.assert_passed("refresh-once", "new-token-kept")
    payer.journal.assert_called("GET", "/fhir/Patient", status=401, times=1)
