"""Grade a fleet in parallel, one endpoint at a time for each public host. A run can be resumed.

Each result is written as soon as it is complete. Workers are processes, since grading computes as much as
it waits. A worker whose parent was killed ends by itself.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from urllib.parse import urlsplit

from sandbox.core import clock
from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.card import to_data
from sandbox.score.fleet.results import EndpointResult, keep, kept
from sandbox.score.fleet.roster import Endpoint, Fleet
from sandbox.score.http.guard import Guard
from sandbox.score.report import card_file
from sandbox.score.run import Log, grade

Show = Callable[[int, int, str], None]
TIME_LIMIT = 900.0  # seconds for one endpoint: one that never ends must not hold the others


@dataclass(frozen=True)
class GradingRules:
    """The edition and readings to grade by."""

    edition: str
    readings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.edition, *(f"{name}={value}" for name, value in sorted(self.readings))])


@dataclass(frozen=True)
class GradingRun:
    """`here` is the folder of the fleet's own files, `folder` that of the results."""

    here: Path
    folder: Path
    rules: GradingRules


def grade_fleet(fleet: Fleet, run: GradingRun, jobs: int, fresh: bool, show: Show) -> None:
    """Grade the endpoints that have no result yet; all of them when `fresh`."""
    run.folder.mkdir(parents=True, exist_ok=True)
    waiting = [e for e in fleet.counted if fresh or kept(run.folder, e, str(run.rules)) is None]
    done, total = len(fleet.counted) - len(waiting), len(fleet.counted)
    show(done, total, "resuming" if done else "starting")
    if not waiting:
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_end_with_parent, initargs=(os.getpid(),)) as pool:
        ahead = {pool.submit(_grade_queue, queue, run): queue for queue in queues(waiting)}
        for future in as_completed(ahead):
            done += future.result()
            show(done, total, ahead[future][-1].payer)


def queues(endpoints: Iterable[Endpoint]) -> list[list[Endpoint]]:
    """Group endpoints into queues: one for each public host, one for each endpoint of this machine."""
    private_queues: list[list[Endpoint]] = []
    abroad: dict[str, list[Endpoint]] = {}
    private: dict[str, bool] = {}
    for endpoint in endpoints:
        host = urlsplit(endpoint.url).hostname or ""
        if host not in private:
            private[host] = Guard(endpoint.url).target_is_private()
        if private[host]:
            private_queues.append([endpoint])
        else:
            abroad.setdefault(host, []).append(endpoint)
    return [*abroad.values(), *private_queues]


def grade_one(endpoint: Endpoint, here: Path, rules: GradingRules) -> EndpointResult:
    """Grade one endpoint. Never raises for what an endpoint does."""
    try:
        card, _ = grade(
            endpoint.url,
            edition=rules.edition,
            readings=rules.readings,
            facts=here / endpoint.facts if endpoint.facts else None,
            log=Log(here / endpoint.traffic) if endpoint.traffic else None,
            time_limit=TIME_LIMIT,
        )
    except FileProblem:
        raise
    except UsageError as problem:
        return EndpointResult(endpoint=endpoint, rules=str(rules), error=str(problem))
    data = card_file.CardFile.model_validate(to_data(card))
    return EndpointResult(endpoint=endpoint, rules=str(rules), card=data)


def _grade_queue(queue: Sequence[Endpoint], run: GradingRun) -> int:
    for endpoint in queue:
        keep(run.folder, grade_one(endpoint, run.here, run.rules))
    return len(queue)


def _end_with_parent(parent: int) -> None:
    """End this worker when its parent was killed."""

    def watch() -> None:
        while os.getppid() == parent:
            clock.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
