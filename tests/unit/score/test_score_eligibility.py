"""What an error on the callback tells about eligibility, in the words of many payers."""

from __future__ import annotations

import pytest

from sandbox.score.signin import eligibility

PAGE = "https://healthplan.example/"

TELLS: list[tuple[str, str, str]] = [
    ("access_denied", "Member eligibility failed: no active coverage was found", ""),
    ("access_denied", "The member is not eligible", ""),
    ("access_denied", "INELIGIBLE", ""),
    ("access_denied", "Your enrollment has not begun", ""),
    ("access_denied", "Not enrolled", ""),
    ("access_denied", "Coverage ended 2025-12-31", ""),
    ("access_denied", "not covered on this date", ""),
    ("access_denied", "This plan is not part of the Patient Access API", ""),
    ("access_denied", "No membership found", ""),
    ("access_denied", "You are not a member", ""),
    ("access_denied", "no longer an active member", ""),
    ("access_denied", "member record not found", ""),
    ("access_denied", "La persona no es elegible", ""),
    ("access_denied", "", f"{PAGE}errors/not-eligible"),
    ("access_denied", "", f"{PAGE}help?topic=coverage-ended"),
    ("access_denied", "refused", f"{PAGE}help#noMembership"),
    ("unauthorized_client", "member is not eligible", ""),
    ("login_required", "no active coverage", ""),
    ("server_error", "the member is not eligible", ""),
    ("invalid_request", "member not enrolled", ""),
    ("query_ineligible", "", ""),
    ("member_not_eligible", "", ""),
    ("ineligible", "", ""),
    ("memberNotEligible", "", ""),
    ("no_active_coverage", "", ""),
    ("member-not-found", "", ""),
    ("plan_not_supported", "", ""),
]
SPECIFIC: list[tuple[str, str, str]] = [
    ("E4711", "", ""),
    ("too_new", "", ""),
    ("portal_account_missing", "", ""),
]
"""Codes of a payer's own that are no generic ones: for a member who is not eligible they tell the reason."""
TELLS_NOT: list[tuple[str, str, str]] = [
    ("access_denied", "", ""),
    ("access_denied", "declined", ""),
    ("access_denied", "The member declined to share with the plan's app", ""),
    ("access_denied", "The member declined", ""),
    ("access_denied", "plan access was denied by the user", ""),
    ("access_denied", "an accident", ""),
    ("access_denied", "", PAGE),
    ("access_denied", "", "https://eligibility.example/errors"),
    ("access_denied", "", "http://[no"),
    ("access_denied", "discovered a problem", ""),
    ("unauthorized_client", "this app is not approved", ""),
    ("consent_required", "", ""),
    ("server_error", "", ""),
    ("server_error", "an accident in the health plan's systems", ""),
    ("server_error", "the eligibility service is unavailable", ""),
    ("temporarily_unavailable", "coverage lookup timed out", ""),
    ("invalid_scope", "", ""),
    ("invalid_request", "aud is missing", ""),
    ("unsupported_response_type", "", ""),
    ("internal_error", "", ""),
    ("unknown_error", "", ""),
    ("login_failed", "", ""),
    ("session_timeout", "", ""),
    ("user_cancelled", "", ""),
    ("request_rejected", "", ""),
    ("", "", ""),
]


@pytest.mark.parametrize("said", TELLS + SPECIFIC, ids=str)
def test_an_error_that_tells_more_than_refusal(said: tuple[str, str, str]) -> None:
    assert eligibility.tells_more(*said)


@pytest.mark.parametrize("said", TELLS_NOT, ids=str)
def test_an_error_that_tells_no_more_than_refusal_or_a_fault(said: tuple[str, str, str]) -> None:
    assert not eligibility.tells_more(*said)
    assert not eligibility.speaks_of_eligibility(*said)


@pytest.mark.parametrize("said", TELLS, ids=str)
def test_an_error_whose_words_show_that_whoever_heard_it_is_not_eligible(said: tuple[str, str, str]) -> None:
    assert eligibility.speaks_of_eligibility(*said)


@pytest.mark.parametrize("said", SPECIFIC, ids=str)
def test_a_code_without_such_words_says_nothing_of_an_unknown_member(said: tuple[str, str, str]) -> None:
    assert not eligibility.speaks_of_eligibility(*said)


def test_no_text_takes_long() -> None:
    long = "member " + "x " * 50_000
    assert not eligibility.tells_more("access_denied", long, "https://p/" + "a-" * 50_000)
