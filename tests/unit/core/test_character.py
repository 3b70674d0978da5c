"""The payer's character, the roster of accounts, gates that let everything through, replies."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.core import errors
from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes, json_value
from sandbox.core.gates import OPEN, Facts, Reply, Stage, unchanged
from sandbox.core.members import LINES, Account, CoverageSpan
from sandbox.core.payer import BASELINE, PayerProfile, changed


def test_a_changed_payer_differs_in_that_policy_only() -> None:
    other = changed(BASELINE, {"refresh_max_days": 30, "supported_lines": ["medicaid"]})
    assert other == PayerProfile(refresh_max_days=30, supported_lines=("medicaid",))
    assert PayerProfile() == BASELINE


def test_an_unknown_policy_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match=r"no policy 'refresh_days'.*refresh_max_days"):
        changed(BASELINE, {"refresh_days": 30})


_DAYS = st.dates(date(1900, 1, 1), date(2100, 1, 1))
_SPANS = st.builds(CoverageSpan, st.sampled_from(LINES), _DAYS, st.none() | _DAYS)
_ACCOUNTS = st.builds(
    Account,
    *[st.text(max_size=8)] * 5,
    _DAYS,
    st.lists(_SPANS, min_size=1, max_size=3).map(tuple),
    st.booleans(),
    st.text(max_size=8),
)


@settings(deadline=None)
@given(_ACCOUNTS)
def test_an_account_survives_json(account: Account) -> None:
    assert Account.from_json(json_value(json_bytes(account))) == account


def test_an_account_of_another_shape_is_refused() -> None:
    whole = Account(
        "u", "p", "pt", "n", "eligible", date(1990, 1, 1), (CoverageSpan("qhp", date(2024, 1, 1), None),)
    )
    for broken in ({"spans": None}, {"birth_date": "1990"}, {"nickname": "x"}):
        with pytest.raises((KeyError, TypeError, ValueError)):
            Account.from_json({**json_value(json_bytes(whole)), **broken})


def test_line_and_end_are_those_of_the_latest_coverage() -> None:
    first = CoverageSpan("medicaid", date(2020, 1, 1), date(2022, 12, 31))
    latest = CoverageSpan("qhp", date(2023, 1, 1), None)
    account = Account("u", "p", "pt", "n", "eligible", date(1990, 1, 1), (latest, first))
    assert (account.line, account.coverage_end) == ("qhp", None)


@pytest.mark.parametrize(
    ("day", "covered"),
    [((2023, 12, 31), False), ((2024, 1, 1), True), ((2024, 6, 30), True), ((2024, 7, 1), False)],
)
def test_coverage_holds_on_its_first_and_last_day(day: tuple[int, int, int], covered: bool) -> None:
    assert CoverageSpan("qhp", date(2024, 1, 1), date(2024, 6, 30)).covers(date(*day)) is covered


def test_without_a_scenario_every_gate_lets_everything_through() -> None:
    value = object()
    for stage in Stage:
        assert not OPEN.armed(stage)
        assert OPEN.run(stage, value, Facts()) is value
    assert OPEN.fired() == ()


def test_a_reply_finds_and_replaces_headers_by_any_spelling() -> None:
    reply = Reply(200, (("content-type", "a"), ("X", "1")), b"")
    assert reply.header("Content-Type") == "a"
    changed_reply = reply.with_header("CONTENT-TYPE", "b")
    assert changed_reply.headers == (("X", "1"), ("CONTENT-TYPE", "b"))
    assert changed_reply.without_header("x").headers == (("CONTENT-TYPE", "b"),)
    assert reply.header("Absent") is None


def test_a_reply_is_read_in_chunks_whatever_its_body() -> None:
    assert list(Reply(200, (), b"ab").chunks()) == [b"ab"]
    assert list(Reply(200, (), iter([b"a", b"b"])).chunks()) == [b"a", b"b"]


def test_an_equal_value_counts_as_unchanged() -> None:
    assert unchanged({"a": 1}, {"a": 1})
    assert not unchanged({"a": 1}, {"a": 2})


def test_a_refusal_for_scope_names_the_scope_that_would_do() -> None:
    with pytest.raises(errors.Forbidden) as caught:
        errors.forbidden("no", scope="patient/Coverage.rs")
    told = caught.value.headers["WWW-Authenticate"]
    assert told == 'Bearer error="insufficient_scope", scope="patient/Coverage.rs"'


def test_problems_carry_status_and_code_and_may_replace_the_code() -> None:
    assert (errors.NotFound("x").status, errors.NotFound("x").code) == (404, "not-found")
    with pytest.raises(errors.NotFound) as caught:
        errors.not_found("x", "not-supported")
    assert caught.value.code == "not-supported"
    with pytest.raises(errors.BadRequest) as refused:
        errors.bad_request("x", "date")
    assert refused.value.expression == "date"
