"""`$everything`: paged, limited, or not there; and what it costs when it fails.

Without it a member is synced in 8 requests: Patient, Coverage, 2 pages of claims, 4 clinical types.
"""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest
from scored_card import examine
from scored_http import Call, outcome
from scored_payer import Payer


def answering(status: int, *, named: bool) -> Payer:
    payer = Payer()
    payer.names_everything = named
    payer.before["everything"] = [lambda call: outcome(status, "not-supported")]
    return payer


@pytest.mark.parametrize("status", [404, 405, 501])
def test_an_operation_that_was_never_offered(status: int) -> None:
    """metadata does not name it and it answers so: asked once, and it costs its own 3 points only. 97."""
    payer = answering(status, named=False)
    examined = examine(payer)
    examined.earns(score=97, everything=0)
    assert examined.value("request-success") == 100


@pytest.mark.parametrize("status", [403, 500])
def test_another_failure_counts_offered_or_not(status: int) -> None:
    """Only 404, 405 and 501 say "not here": 8 of 9, 88.89 %, 5 of 10; and 0 of 3. 92."""
    examine(answering(status, named=False)).earns(score=92, request_success=5, everything=0)


def test_an_operation_that_works_without_being_named() -> None:
    """metadata does not name it, it answers 200 and yields all, in 3 pages: paged, 3. 100."""
    payer = Payer()
    payer.names_everything = False
    examine(payer).earns(score=100)


def test_one_resource_is_missing() -> None:
    """One claim of each member is found by the search and not by $everything, which ends as it should:
    limited, 1 of 3. 98."""
    payer = Payer()

    def all_but_one(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        held = payer.records[grant.person.username] if grant else []
        return payer.bundle(call, [r for r in held if not r["id"].endswith("-07")]) if grant else None

    payer.before["everything"] = [all_but_one]
    examined = examine(payer)
    examined.earns(score=98, everything=1)
    assert "ExplanationOfBenefit" in examined.reason("everything")


LIMITED: dict[str, Callable[[], httpx.Response]] = {
    "an empty Bundle": lambda: httpx.Response(200, json={"resourceType": "Bundle", "type": "searchset"}),
    "an OperationOutcome": lambda: outcome(200, "informational", "information"),
    "no JSON": lambda: httpx.Response(200, text="everything"),
}


@pytest.mark.parametrize("how", LIMITED)
def test_any_other_answer_with_200(how: str) -> None:
    """200 without what the searches yield is limited, 1 of 3; it is a request that succeeded: 9 of 9.
    98."""
    payer = Payer()
    payer.before["everything"] = [lambda call: LIMITED[how]()]
    examine(payer).earns(score=98, everything=1)
