"""`report`: a fleet graded and told; for `--demo` with a sandbox of its own beside it."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC
from multiprocessing import get_context
from pathlib import Path
from queue import Empty
from typing import Any

from sandbox.apis.control.client import strip_fhir
from sandbox.core import clock
from sandbox.core.errors import UsageError
from sandbox.core.text import quantity
from sandbox.score import rubric
from sandbox.score.editions import readings
from sandbox.score.fleet import demo, report, results, roster
from sandbox.score.fleet.runner import GradingRules, GradingRun, Show, grade_fleet
from sandbox.score.fleet.survey import survey
from sandbox.settings import from_env

START_SECONDS = 300
"""How long the demonstration's sandbox may take to build its population and answer."""


def run(path: Path | None, options: Mapping[str, Any], show: Show) -> dict[str, Any]:
    """Grade, survey, write. Returns the figures of the report and of the run. Raises UsageError."""
    chosen = tuple(readings.parse(options["readings"]))
    rules = rubric.load(options["edition"], chosen)
    before = report.previous(options["previous"], rules.id)
    out: Path = options["out"]
    cores = os.cpu_count() or 1
    jobs = options["jobs"] or 2 * cores  # a slow payer holds its place while the others go on
    began = clock.stopwatch()
    grading = GradingRules(options["edition"], chosen)
    if path is not None:
        fleet = roster.read(path)
        grade_fleet(fleet, GradingRun(path.parent, out / "results", grading), jobs, options["fresh"], show)
    else:
        with _sandbox(options["sandbox"], min(jobs, cores)) as origin:
            fleet = demo.fleet(origin, demo.scenarios(origin), options["payers"], options["seed"])
            grade_fleet(fleet, GradingRun(Path(), out / "results", grading), jobs, options["fresh"], show)
    summary = survey(rules, results.all_kept(out / "results", fleet, str(grading)), before)
    taken = clock.SystemClock().now().astimezone(UTC).isoformat(timespec="seconds")
    report.write(out, fleet, rules, summary, taken)
    spent = clock.stopwatch() - began
    return {
        "payers": len(summary.payers),
        "vendors": len(summary.vendors),
        "not_reached": len(summary.unreached),
        "files": [str(out / f"report.{suffix}") for suffix in ("html", "md", "json")],
        "seconds": round(spent),
        "jobs": jobs,
        "memory_mb": _measure_memory(),
    }


def describe(figures: Mapping[str, Any]) -> str:
    """Return the figures in two lines."""
    html, *others = figures["files"]
    files = ", ".join([html, *(Path(file).name for file in others)])
    memory = f", at most {figures['memory_mb']} MB in one process" if figures["memory_mb"] else ""
    return (
        f"{quantity(figures['payers'], 'payer')}, {quantity(figures['vendors'], 'vendor')}, "
        f"{figures['not_reached']} not reached: {files}\n"
        f"{figures['seconds']} s with {figures['jobs']} at a time{memory}"
    )


def _measure_memory() -> int | None:
    """Return the size of the largest process so far (MB), or None where systems do not tell it."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    sizes = [resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return int(
        max(sizes) // (1 << 20 if sys.platform == "darwin" else 1 << 10)
    )  # bytes on macOS, KB elsewhere


@contextmanager
def _sandbox(running: str | None, workers: int) -> Iterator[str]:
    """Yield the origin of a sandbox: a running one, or one that is started for this report.

    Its port is kept in the addresses of the results, so a report that resumes asks for the same one.
    """
    if running:
        yield strip_fhir(running)
        return
    context = get_context("spawn")
    messages: Any = context.Queue()
    child = context.Process(target=_serve, args=(os.getpid(), DEMO_PORT, workers, messages))
    child.start()
    try:
        yield _origin(child, messages)
    finally:
        child.terminate()
        child.join(20)


DEMO_PORT = 18352
"""A fixed port, so that a report that was killed finds its endpoints again."""


def _origin(child: Any, messages: Any) -> str:
    for _ in range(START_SECONDS):
        try:
            text = messages.get(timeout=1)
        except Empty:
            if not child.is_alive():
                break
            continue
        if text.startswith("!"):
            raise UsageError(text[1:])
        if "FHIR base" in text:
            line = next(line for line in text.splitlines() if "FHIR base" in line)
            return strip_fhir(line.split()[-1])
    raise UsageError("the demonstration's sandbox did not start")


def _serve(parent: int, port: int, workers: int, messages: Any) -> None:
    """The demonstration's sandbox, in a process that ends when its parent does."""
    from sandbox.server.serve import serve

    def watch() -> None:
        while os.getppid() == parent:
            clock.sleep(1.0)
        os.kill(os.getpid(), signal.SIGTERM)

    if hasattr(os, "setpgrp"):
        os.setpgrp()  # Ctrl-C reaches the report; the report ends the sandbox
    threading.Thread(target=watch, daemon=True).start()
    try:
        serve(
            from_env(host="127.0.0.1", port=port, workers=workers, log="never"),
            lambda *counts: None,
            messages.put,
        )
    except UsageError as problem:
        messages.put(f"!{problem}")
