"""Payers graded by a log of real use, alone or beside the grader's own look."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scored_card import MEMBERS_ONLY, examine
from scored_payer import Payer
from scored_people import CLINICAL, roster

from sandbox.score.run import Log

BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def at(days: float = 0, seconds: float = 0) -> str:
    return (BEGAN + timedelta(days=days, seconds=seconds)).isoformat()


def attempt(name: str, *states: str, days: float = 0, **more: Any) -> list[dict[str, Any]]:
    """An attempt that goes through these states, a second each."""
    return [
        {"ts": at(days, n), "kind": "authz_event", "attempt_id": name, "outcome": state, **more}
        for n, state in enumerate(("CREATED", *states))
    ]


def fhir(kind: str, status: int = 200, step: str = "individual", **more: Any) -> dict[str, Any]:
    record = {"ts": at(seconds=20), "kind": "fhir", "sync_id": "s0", "rtype": kind, "status": status}
    return {**record, "extract_step": step, "url": f"/fhir/{kind}", **more}


def logged(tmp_path: Path, payer: Payer, records: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A payer that lends nothing, its claims in a file, and the log of it: options of the grader."""
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(record) + "\n" for record in records))
    (tmp_path / "facts.json").write_text(json.dumps({"claims": payer.claims}))
    return {"log": Log(tmp_path / "log.ndjson"), "facts": tmp_path / "facts.json"}


TRAFFIC = dict.fromkeys(("status", *MEMBERS_ONLY), "traffic")
NO_DATA: dict[str, int] = dict.fromkeys(
    (
        *("request_success", "reference_resolution", "carin_resources", "clinical_resources"),
        *("sync_speed", "everything"),
    ),
    0,
)
RENEWALS: dict[str, tuple[list[tuple[float, int]], int, int]] = {
    # name: (renewals by day with their status; the claim; points)
    "works on day 181, the claim is 30": ([(30, 200), (181, 200)], 30, 6),
    "works on day 60, refused on day 100, the claim is 365": ([(60, 200), (100, 400)], 365, 2),
    "works on day 10, the claim is 200": ([(10, 200)], 200, 6),
}


@pytest.mark.parametrize("how", RENEWALS)
def test_renewals_in_a_log(how: str, tmp_path: Path) -> None:
    """One attempt in the log, authorized, 1 of 1: 14; so live is seen: 10. The longest renewal is a lower
    bound that beats a shorter claim (181 days: 6), a refusal beats a longer one (60 days: 2), and a shorter
    renewal contradicts nothing (claimed 200 days: 6). No ineligible member tried: 2 of 4. Inactive access
    is claimed for ever: 8. Documents 4, sandbox 6, portal 2. No FHIR request is in the log: 33 points of no
    data. 10 + 6 + 4 + 14 + 8 + 2 + 2 = 46 and the refresh token; opt-in (6) and lines (3) are unseen."""
    renewals, claim, points = RENEWALS[how]
    payer = Payer()
    payer.claims["refresh_max_days"] = claim
    token = {"kind": "token", "attempt_id": "a0"}
    records = [
        *attempt("a0", "CODE_ISSUED"),
        {**token, "ts": at(seconds=2), "status": 200, "grant_type": "authorization_code"},
        *({**token, "ts": at(days), "status": n, "grant_type": "refresh_token"} for days, n in renewals),
    ]
    contradicted = (claim == 30, claim == 365)
    sources = {**TRAFFIC, "inactive-members": "declared"}
    if not any(contradicted):
        sources["refresh-token"] = "declared"
    examined = examine(payer, **logged(tmp_path, payer, records))
    examined.earns(
        score=46 + points,
        top=55 + points,
        refresh_token=points,
        eligibility_errors=2,
        source=sources,
        unseen=("portal-opt-in", "lines-of-business"),
        **NO_DATA,
    )
    if any(contradicted):
        examined.finds("refresh-token")


def test_everything_from_a_log(tmp_path: Path) -> None:
    """199 attempts: 189 authorized, 9 fail, 1 is ineligible and hears so: 189 of 199 are 94.97 %, under 95:
    12 of 14, and 4 for the error. 10 more left before they logged in and are left out. Requests: 980 of
    1,000 answer 200, 98 %: 8. References: 12 of 20, 60 %: 3. Claims and Patient, no Coverage: 4. Two
    clinical types: 2. Syncs of 9.5, 10.0 and 12.0 seconds, median 10.0, not under 10: 2. `$everything` with
    a second page: 3. Members 800 days after coverage get in, 3,000 days after not: 4. A member without a
    portal account gets in: 6. Members of all four lines do: 3. Live 10, sandbox 6, documents 4, portal 2,
    refresh 365 by claim 10. 12 + 4 + 8 + 3 + 4 + 2 + 2 + 3 + 4 + 6 + 3 + 10 + 6 + 4 + 2 + 10 = 83, and
    nothing is unseen."""
    records = []
    for n in range(189):
        line = ("medicare-advantage", "medicaid", "qhp", "commercial")[n % 4]
        more: dict[str, Any] = {"line": line}
        if n == 0:
            more = {"portal_account": False}
        elif n == 1:
            more = {"coverage_end": (BEGAN - timedelta(days=800)).date().isoformat()}
        records += attempt(f"good{n}", "CODE_ISSUED", "AUTHORIZED", **more)
    for n in range(9):
        ended = {"coverage_end": (BEGAN - timedelta(days=3000)).date().isoformat()} if n == 0 else {}
        records += attempt(f"bad{n}", "ERROR_PAGE", **ended)
    records += attempt("early", "CALLBACK_ERROR", error="access_denied", description="Member not eligible")
    for n in range(10):
        records += attempt(f"left{n}", "BOUNCED")
    for n, seconds in enumerate((9.5, 10.0, 12.0)):
        records.append({"ts": at(), "kind": "sync_event", "sync_id": f"s{n}", "outcome": "created"})
        done = {"ts": at(seconds=seconds), "kind": "sync_event", "sync_id": f"s{n}"}
        records.append({**done, "outcome": "completed"})
    whole = "/fhir/Patient/1/$everything"
    records.append(fhir("Patient", step="everything", url=whole, types=["Patient", "ExplanationOfBenefit"]))
    records.append(fhir("Patient", step="pagination", url=f"{whole}?page=2"))
    kinds = ("Patient", "ExplanationOfBenefit", *CLINICAL[:2])
    records += [fhir(kinds[n % 4], 500 if n < 20 else 200, url=f"/fhir/{n}") for n in range(998)]
    for n in range(20):
        url = f"/fhir/Organization/{n}"
        records.append(fhir("Organization", 200 if n < 12 else 404, "reference", url=url))
    payer = Payer()
    examine(payer, **logged(tmp_path, payer, sorted(records, key=lambda record: str(record["ts"])))).earns(
        score=83,
        authorization_success=12,
        request_success=8,
        reference_resolution=3,
        carin_resources=4,
        clinical_resources=2,
        sync_speed=2,
        inactive_members=4,
        source={**TRAFFIC, "refresh-token": "declared"},
    )


def test_what_is_observed_beats_a_log(tmp_path: Path) -> None:
    """The log has 5 of 10 sign-ins, 50 %, 4 points; the grader's own are 39 of 40: observed beats traffic,
    14. That the two differ is a finding. 100."""
    records = [record for n in range(5) for record in attempt(f"g{n}", "CODE_ISSUED", "AUTHORIZED")]
    records += [record for n in range(5) for record in attempt(f"b{n}", "ERROR_PAGE")]
    path = tmp_path / "log.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    examine(Payer(roster()), log=Log(path)).earns(score=100).finds("authorization-success", "log")


def test_a_log_of_tests_only(tmp_path: Path) -> None:
    """No record is live, so the log is an empty one: no sign-ins, no requests, no references: 0 each, but 2
    for eligibility errors that nobody can know. By claim: live 10, sandbox 6, refresh 10, inactive 8;
    documents 4, portal 2. 42, and 51 with opt-in and lines."""
    records = [{**record, "mode": "test"} for record in attempt("a0", "CODE_ISSUED", "AUTHORIZED")]
    payer = Payer()
    declared = ("status", "refresh-token", "inactive-members")
    examine(payer, **logged(tmp_path, payer, records)).earns(
        score=42,
        top=51,
        authorization_success=0,
        eligibility_errors=2,
        source={**TRAFFIC, **dict.fromkeys(declared, "declared")},
        unseen=("portal-opt-in", "lines-of-business"),
        **NO_DATA,
    )


def test_a_log_fills_what_no_account_shows(tmp_path: Path) -> None:
    """The payer lends 39 eligible accounts and nobody else. Ineligible and lapsed members are in the log:
    one hears of coverage on the callback (4), one gets in 4,500 days after coverage (8), one without a
    portal account gets in (6). All three by traffic, the rest is observed. 100."""
    payer = Payer(roster()[:39])
    records = attempt("e", "CALLBACK_ERROR", error="access_denied", description="not eligible yet")
    ended = (BEGAN - timedelta(days=4500)).date().isoformat()
    records += attempt("l", "CODE_ISSUED", "AUTHORIZED", coverage_end=ended)
    records += attempt("p", "CODE_ISSUED", "AUTHORIZED", portal_account=False)
    path = tmp_path / "log.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    three = ("eligibility-errors", "inactive-members", "portal-opt-in")
    examine(payer, log=Log(path)).earns(score=100, source=dict.fromkeys(three, "traffic"))
