"""Grade a fleet: several endpoints at the same time, one at a time on any host abroad, resumable.

Each endpoint's result is written whole the moment it is there. Processes, not threads: grading is as much
computing as waiting. A worker whose parent was killed ends by itself.
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
from sandbox.score import run
from sandbox.score.card import to_data
from sandbox.score.fleet.results import EndpointResult, keep, kept
from sandbox.score.fleet.roster import Endpoint, Fleet
from sandbox.score.http.guard import Guard
from sandbox.score.report import card_file

Show = Callable[[int, int, str], None]
TIME_LIMIT = 900.0  # seconds for one endpoint: one that never ends must not hold the others


@dataclass(frozen=True)
class GradingRules:
    """By what to grade."""

    edition: str
    readings: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        return " ".join([self.edition, *(f"{name}={value}" for name, value in sorted(self.readings))])


def grade_fleet(
    fleet: Fleet, here: Path, folder: Path, rules: GradingRules, jobs: int, fresh: bool, show: Show
) -> None:
    """Grade what has no result in `folder` yet. `here` is where the fleet's own files lie."""
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [e for e in fleet.counted if fresh or kept(folder, e, str(rules)) is None]
    done, total = len(fleet.counted) - len(waiting), len(fleet.counted)
    show(done, total, "resuming" if done else "starting")
    if not waiting:
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_end_with_parent, initargs=(os.getpid(),)) as pool:
        ahead = {pool.submit(_queue, queue, here, folder, rules): queue for queue in queues(waiting)}
        for future in as_completed(ahead):
            done += future.result()
            show(done, total, ahead[future][-1].payer)


def queues(endpoints: Iterable[Endpoint]) -> list[list[Endpoint]]:
    """Who waits for whom: hosts abroad are asked by one at a time, this machine's own by as many as run."""
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
    """One endpoint's result; never raises for what an endpoint does."""
    try:
        card, _ = run.grade(
            endpoint.url,
            edition=rules.edition,
            readings=rules.readings,
            facts=here / endpoint.facts if endpoint.facts else None,
            log=run.Log(here / endpoint.traffic) if endpoint.traffic else None,
            time_limit=TIME_LIMIT,
        )
    except FileProblem:
        raise
    except UsageError as problem:
        return EndpointResult(endpoint=endpoint, rules=str(rules), error=str(problem))
    data = card_file.CardFile.model_validate(to_data(card))
    return EndpointResult(endpoint=endpoint, rules=str(rules), card=data)


def _queue(queue: Sequence[Endpoint], here: Path, folder: Path, rules: GradingRules) -> int:
    for endpoint in queue:
        keep(folder, grade_one(endpoint, here, rules))
    return len(queue)


def _end_with_parent(parent: int) -> None:
    """A worker must not outlive a run that was killed: nobody would read what it writes."""

    def watch() -> None:
        while os.getppid() == parent:
            clock.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
