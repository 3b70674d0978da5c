"""The tabs "Score" and "Review": the grader's card of this payer, and how an app behaved at it.

Grading takes a while. The page is sent in two parts: what there is at once, and the card when it is ready.
Between them no thread of the server waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock, Thread
from typing import Any

from flask import Response, current_app, request

from sandbox.apis.console.layout import render
from sandbox.core.errors import SandboxProblem, UsageError, bad_request
from sandbox.core.text import escape
from sandbox.core.waits import Pause
from sandbox.web.operator import Reviewer
from sandbox.web.request import current

ENTRIES_MAX = 10_000
"""Journal entries that a review reads."""
POLL_SECONDS = 0.3
_MARKER = "<!-- card -->"
_GRADING = Lock()


@dataclass(frozen=True)
class Grader:
    """What the page needs of `sandbox.score`; the server provides it.

    `grade` takes a FHIR base and a callable that gets a line for each step, and returns the card as an object
    of JSON. It raises UsageError.
    """

    grade: Callable[[str, Callable[[str], None]], dict[str, Any]]


def home() -> Response:
    return render("score.html", "score", grading=False)


def grade() -> Response:
    """Grade this payer from outside, as it is now; its lines appear as the grader goes on."""
    response = render("score.html", "score", grading=True)
    before, _, after = response.get_data(as_text=True).partition(_MARKER)
    steps: SimpleQueue[str | dict[str, Any]] = SimpleQueue()
    grader: Grader = current_app.extensions["grader"]
    template = current_app.jinja_env.get_template("console/card.html")
    if not _GRADING.acquire(blocking=False):
        return render("score.html", "score", 503, grading=False, busy=True)
    Thread(target=_grade, args=(grader, current().fhir, steps), daemon=True).start()
    response.response = _parts(before, after, steps, lambda card: template.render(card=card))
    response.headers.pop("Content-Length", None)
    return response


def _grade(grader: Grader, base: str, steps: SimpleQueue[str | dict[str, Any]]) -> None:
    try:
        steps.put(grader.grade(base, steps.put))
    except UsageError as problem:
        steps.put({"problem": str(problem)})
    except Exception as problem:
        steps.put({"problem": f"The grader failed: {type(problem).__name__}"})
        raise
    finally:
        _GRADING.release()


def _parts(
    before: str,
    after: str,
    steps: SimpleQueue[str | dict[str, Any]],
    render_card: Callable[[dict[str, Any]], str],
) -> Iterator[bytes]:
    yield f'{before}<ol class="steps" lang="en">'.encode()
    while True:
        while steps.empty():
            yield Pause(POLL_SECONDS)
        step = steps.get()
        if isinstance(step, dict):
            yield f"</ol>{render_card(step)}{after}".encode()
            return
        yield f"<li>{escape(step)}</li>\n".encode()


def review() -> Response:
    """The report card of an app that used this payer; of the only one, where there is no other."""
    context, client = current(), request.args.get("client") or None
    reviewer: Reviewer = current_app.extensions["reviewer"]
    exchanges = reviewer.exchanges(context.ledger.journal(ENTRIES_MAX))
    names = reviewer.clients(exchanges)
    card = problem = None
    if client or len(names) < 2:
        try:
            card = _review(reviewer, exchanges, client)
        except SandboxProblem as refused:
            problem = refused.text
    return render(
        "review.html",
        "review",
        clients=names,
        card=card,
        problem=problem,
        evidence=reviewer.evidence,
        most=reviewer.evidence_max,
    )


def _review(reviewer: Reviewer, exchanges: Any, client: str | None) -> Any:
    context = current()
    try:
        return reviewer.review(exchanges, context.clock.now().timestamp(), client, context.base)
    except UsageError as problem:
        bad_request(str(problem), "client")
