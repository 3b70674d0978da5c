"""Whatever stands in a journal, there is a card, the same every time, and it is told in every form."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from journals import Journal

from sandbox.review import forms
from sandbox.review.card import ReviewRecord, review
from sandbox.review.journal import exchanges

few = st.sampled_from(["1", "2", "3"])
entry = st.fixed_dictionaries(
    {
        "path": st.sampled_from(
            [
                "/fhir/Patient",
                "/fhir/Patient/1/$everything",
                "/fhir/Practitioner/2",
                "/fhir/metadata",
                "/fhir",
                "/fhir/",
                "/auth/authorize",
                "/auth/consent",
                "/auth/token",
                "/auth/login",
                "/portal",
                "/",
                "/fhir/Patient/_search",
            ]
        ),
        "status": st.sampled_from([200, 303, 400, 401, 403, 404, 410, 429, 500, 503]),
        "ms": st.sampled_from([0.0, 5.0, 900.0]),
        "wait": st.sampled_from([0.0, 0.001, 0.5, 5.0, -3.0]),
    },
    optional={
        "token": few,
        "member": few,
        "client": st.just("app"),
        "effects": st.lists(
            st.sampled_from(["a:refuse", "a:loop_next_link", "b:drop_state", "c:delay", "odd"]), max_size=2
        ),
        "because": st.just(["a:expire_early"]),
        "scenario": st.sampled_from(["baseline", "a.b,x=0.5~t", "~t", ""]),
        "params": st.lists(
            st.sampled_from(["state", "code_challenge", "_page", "_include", "request_uri"]), max_size=3
        ),
        "sent": st.sampled_from(
            [
                {},
                {"grant_type": "refresh_token"},
                {"grant_type": "authorization_code"},
                {"scope": "patient/*.rs x patient/Zebra.rs", "_include": "*,:,Zebra:y,Coverage:payor"},
            ]
        ),
        "marks": st.dictionaries(
            st.sampled_from(["state", "code", "code_challenge", "refresh_token", "_page"]), few
        ),
        "issued": st.dictionaries(st.sampled_from(["state", "code", "access_token", "refresh_token"]), few),
        "next": few,
        "retry_after": st.sampled_from(["1", "0", "soon", "-1", "Mon, 04 Jan 2027 12:00:05 GMT", "9" * 30]),
        "token_state": st.sampled_from(["expired", "grant-revoked", "unknown", "used-up"]),
        "error": st.sampled_from(["invalid_grant", "access_denied"]),
        "state_length": st.sampled_from([1, 43]),
    },
)


@settings(max_examples=60, deadline=None)
@given(st.lists(entry, max_size=25))
def test_any_journal_has_a_card(entries: list[dict[str, Any]]) -> None:
    journal = Journal()
    for told in entries:
        more = dict(told)
        journal.call(f"GET {more.pop('path')}", more.pop("status"), **{"client": None} | more)
    found = exchanges(journal.entries)
    card = review([ReviewRecord(found)])
    assert review([ReviewRecord(found)]).to_json() == card.to_json()
    assert all(line.finding.evidence for line in card.failed)
    for form in ("text", "json", "markdown", "junit"):
        assert forms.render(card, form)
