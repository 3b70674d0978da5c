"""Jobs are descriptions with a client and an end; work is done by one worker at a time until it is done."""

from __future__ import annotations

import multiprocessing
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from support.stores import BEGIN, place

from sandbox.core.clock import FrozenClock
from sandbox.core.errors import TooLarge, Unavailable
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.jobs import Job
from sandbox.store.ledger.repositories.work import ATTEMPTS_MAX

NOW = int(BEGIN.timestamp() * 1000)
MINUTE = 60_000
THREADS = 8


JOB = Job("j1", "export", "app", {"_type": ["Patient"], "group": "g1"}, NOW, NOW + MINUTE)


def test_a_job_is_its_clients_until_it_expires(ledger: Ledger) -> None:
    jobs = ledger.tenant("a").jobs
    jobs.add(JOB)
    assert jobs.get("j1", "app", NOW) == JOB
    assert jobs.get("j1", "app", NOW + MINUTE) is None
    assert jobs.get("j1", "other", NOW) is None
    assert jobs.get("j2", "app", NOW) is None
    assert ledger.tenant("b").jobs.get("j1", "app", NOW) is None


def test_jobs_are_listed_until_they_are_cancelled_once(ledger: Ledger) -> None:
    jobs = ledger.tenant("a").jobs
    for number in (2, 1):
        jobs.add(replace(JOB, id=f"j{number}", begun=NOW + number))
    jobs.add(replace(JOB, id="import", kind="import"))
    assert [job.id for job in jobs.running("export", "app", NOW)] == ["j1", "j2"]
    assert not jobs.cancel("j1", "other", NOW)
    assert [jobs.cancel("j1", "app", NOW + 5), jobs.cancel("j1", "app", NOW + 6)] == [True, False]
    assert [job.id for job in jobs.running("export", "app", NOW)] == ["j2"]
    assert jobs.get("j1", "app", NOW).cancelled == NOW + 5  # type: ignore[union-attr]
    ledger.tenant("a").reset()
    assert jobs.get("j2", "app", NOW) is None


def test_what_is_too_long_is_refused(ledger: Ledger) -> None:
    tenant = ledger.tenant("a")
    with pytest.raises(TooLarge):
        tenant.jobs.add(replace(JOB, parameters={"x": "x" * 17_000}))
    with pytest.raises(TooLarge):
        tenant.work.add("notify", "n", {"x": "x" * 17_000})


def test_work_of_one_name_is_there_once(ledger: Ledger) -> None:
    work = ledger.tenant("a").work
    assert [work.add("notify", "n1", {}), work.add("notify", "n1", {})] == [True, False]
    assert ledger.tenant("b").work.add("notify", "n1", {})
    assert work.waiting("notify") == ["n1"]


def test_work_is_claimed_when_it_is_due_and_done_once(ledger: Ledger, clock: FrozenClock) -> None:
    work = ledger.tenant("a").work
    work.add("notify", "later", {"n": 2}, due=NOW + MINUTE)
    work.add("notify", "now", {"n": 1})
    work.add("import", "other", {})
    claim = ledger.work.claim(["notify"], MINUTE)
    assert claim is not None
    assert (claim.tenant, claim.name, claim.parameters, claim.attempts) == ("a", "now", {"n": 1}, 1)
    assert ledger.work.claim(["notify"], MINUTE) is None
    assert [ledger.work.finish(claim), ledger.work.finish(claim)] == [True, False]
    clock.advance(timedelta(minutes=1))
    later = ledger.work.claim(["notify", "none"], MINUTE)
    assert later is not None
    assert later.name == "later"


def test_a_lease_that_ran_out_is_somebody_elses(ledger: Ledger, clock: FrozenClock) -> None:
    ledger.tenant("a").work.add("notify", "n", {})
    first = ledger.work.claim(["notify"], MINUTE)
    assert first is not None
    assert ledger.work.extend(first, 2 * MINUTE)
    clock.advance(timedelta(minutes=1))
    assert ledger.work.claim(["notify"], MINUTE) is None
    clock.advance(timedelta(minutes=1))
    second = ledger.work.claim(["notify"], MINUTE)
    assert second is not None
    assert (second.number, second.attempts) == (first.number, 2)
    assert not ledger.work.finish(first)
    assert not ledger.work.extend(first, MINUTE)
    assert not ledger.work.retry(first, 0)
    assert ledger.work.finish(second)


def test_work_that_fails_is_tried_again_and_not_for_ever(ledger: Ledger, clock: FrozenClock) -> None:
    ledger.tenant("a").work.add("notify", "n", {})
    for attempt in range(1, ATTEMPTS_MAX + 1):
        claim = ledger.work.claim(["notify"], MINUTE)
        assert claim is not None
        assert claim.attempts == attempt
        assert ledger.work.retry(claim, MINUTE)
        assert ledger.work.claim(["notify"], MINUTE) is None
        clock.advance(timedelta(minutes=1))
    assert ledger.work.claim(["notify"], MINUTE) is None
    assert ledger.tenant("a").work.waiting("notify") == ["n"]


def test_threads_share_work_without_doing_any_twice(ledger: Ledger) -> None:
    work = ledger.tenant("a").work
    for number in range(40):
        work.add("notify", str(number), {})
    start = Barrier(THREADS)

    def worker(_: int) -> list[str]:
        start.wait()
        return drain(ledger)

    with ThreadPoolExecutor(THREADS) as pool:
        names = Counter(name for names in pool.map(worker, range(THREADS)) for name in names)
    assert names == Counter(map(str, range(40)))
    assert work.waiting("notify") == []


def drain(ledger: Ledger) -> list[str]:
    """Do all of the work. A worker whom others keep waiting for too long tries again, as any worker does."""
    names = []
    while True:
        with suppress(Unavailable):
            claim = ledger.work.claim(["notify"], 60 * MINUTE)
            if claim is None:
                return names
            names.append(claim.name)
            while True:
                with suppress(Unavailable):
                    assert ledger.work.finish(claim)
                    break


def drain_place(where: str | Path) -> list[str]:
    """The same in a process of its own."""
    ledger = Ledger(where)
    try:
        return drain(ledger)
    finally:
        ledger.close()


def test_processes_share_work_without_doing_any_twice(tmp_path: Path) -> None:
    where = place(tmp_path / "ledger.db")
    ledger = Ledger(where)
    for number in range(60):
        ledger.tenant("a").work.add("notify", str(number), {})
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(3, mp_context=spawn) as pool:
        names = Counter(name for names in pool.map(drain_place, [where] * 3) for name in names)
    assert names == Counter(map(str, range(60)))
    ledger.close()
