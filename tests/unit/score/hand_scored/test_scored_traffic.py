"""Payers graded by a log of real use, alone or beside the grader's own look."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scored_card import MEMBERS_ONLY, examine
from scored_payer import Payer
from scored_people import CLINICAL

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
