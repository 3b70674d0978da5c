"""The tab "Requests": exchanges as they arrive, and each of them in full."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from flask import Response, current_app, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.console.layout import print_json, render
from sandbox.apis.console.replay import replay_exchange, replay_problem
from sandbox.apis.console.snippets import build_snippets
from sandbox.core.clock import stopwatch
from sandbox.core.errors import NotFound, SandboxProblem
from sandbox.core.waits import Pause
from sandbox.faults.scenario import Scenario
from sandbox.web import i18n
from sandbox.web.journal.entry import wanted
from sandbox.web.journal.record import decode_record
from sandbox.web.request import RequestContext, current

SHOWN = 100
"""Rows of the page, and of one message of the stream."""
ROWS_KEPT = 500
"""Rows that the page keeps while it streams."""
STREAM_SECONDS = 300
"""After which a stream ends; the browser opens another one."""
POLL_SECONDS = 0.4
WATCH_AGAIN_SECONDS = 10

Chosen = Callable[[dict[str, Any]], bool]
"""Whether an entry passes the filter of the page."""

FILTERS = ("status", "method", "path", "client", "member", "scenario", "effect", "refused")


def home() -> Response:
    """The latest exchanges that pass the filter, newest first."""
    context = current()
    context.wiring.ledger.watch(context.ledger.name)
    last, entries, problem = context.ledger.last_number(), [], ""
    try:
        entries = context.ledger.journal(SHOWN, wanted=_filter())
    except SandboxProblem as refused:
        problem = refused.text
    return render(
        "requests.html",
        "",
        400 if problem else 200,
        problem=problem,
        entries=entries[::-1],
        last=last,
        filters={name: request.args.get(name, "") for name in FILTERS},
        rows_kept=ROWS_KEPT,
        is_filtered=any(request.args.get(name) for name in FILTERS),
    )


def rows() -> Response:
    """Rows after a number as HTML, newest first, for a browser that cannot stream."""
    context = current()
    context.wiring.ledger.watch(context.ledger.name)
    after = _parse_number(request.args.get("after", ""))
    html, last = _new_rows(context, after, _filter(), _row_renderer(context))
    return Response(html, content_type="text/html; charset=utf-8", headers={"X-Journal-Last": str(last)})


def stream() -> Response:
    """Server-sent events: `rows` with the HTML of new rows, newest first; the id is the last number."""
    context = current()
    after = _parse_number(request.headers.get("Last-Event-ID") or request.args.get("after", ""))
    chunks = _stream(context, after, _filter(), _row_renderer(context))
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(chunks, content_type="text/event-stream", headers=headers)


def _stream(context: RequestContext, last: int, chosen: Chosen, rows_of: Any) -> Iterator[bytes]:
    begun, watched = stopwatch(), -float(WATCH_AGAIN_SECONDS)
    yield b"retry: 1000\n\n"
    while (running := stopwatch() - begun) < STREAM_SECONDS:
        if running - watched >= WATCH_AGAIN_SECONDS:
            context.wiring.ledger.watch(context.ledger.name)
            watched = running
            yield b": open\n\n"
        html, newest = _new_rows(context, last, chosen, rows_of)
        if html:
            data = "".join(f"data: {line}\n" for line in html.splitlines() if line.strip())
            yield f"event: rows\nid: {newest}\n{data}\n".encode()
        last = newest
        yield Pause(POLL_SECONDS)


def _new_rows(context: RequestContext, after: int, chosen: Chosen, rows_of: Any) -> tuple[str, int]:
    """The rows after a number, and the number to go on from."""
    last = context.ledger.last_number()
    if last <= after:
        return "", after
    entries = context.ledger.journal(SHOWN, after, chosen)
    return rows_of(entries[::-1]), max(last, entries[-1]["number"] if entries else 0)


def _row_renderer(context: RequestContext) -> Any:
    """A function that renders rows outside of a request, which a stream outlives."""
    lang, console = i18n.language(), context.address
    template = current_app.jinja_env.get_template("console/rows.html")
    translate = partial(i18n.translate_from, current_app.extensions["words"], lang)
    return lambda entries: template.render(entries=entries, console=console, t=translate)


def exchange(number: int) -> Response:
    """One exchange: request, response, effects, cause and repair, and code that repeats it."""
    context = current()
    entry, record = _find_exchange(number)
    cause = current_app.extensions["causes"].by_id.get(entry.get("cause", ""))
    problem = replay_problem(entry, record, context)
    return render(
        "exchange.html",
        "",
        entry=entry,
        record=record,
        parts=[(name, _printed(record[name])) for name in ("request", "response")] if record else [],
        cites=cause.cites if cause else (),
        faults=_list_faults(entry, context),
        replay_problem=problem,
        snippets=build_snippets(entry, record, context),
    )


def _list_faults(entry: dict[str, Any], context: RequestContext) -> dict[str, Scenario | None]:
    """The effects of an exchange, earlier ones included → the scenario that has the rule."""
    effects = (*entry["effects"], *entry.get("because", ()))
    return {effect: context.wiring.catalog.by_id.get(effect.partition(":")[0]) for effect in effects}


def replay(number: int) -> AnyResponse:
    """Send the same request again, and show what came of it."""
    context = current()
    again = replay_exchange(*_find_exchange(number), context)
    return redirect(f"{context.address}/requests/{again}", 303)


def _find_exchange(number: int) -> tuple[dict[str, Any], dict[str, Any] | None]:
    """Return the entry and the record (None: there is none) of an exchange. Raises NotFound."""
    ledger = current().ledger
    for entry in ledger.journal(1, number - 1, oldest=True):
        if entry["number"] == number:
            content = ledger.exchanges.get(entry["request"])
            return entry, decode_record(content) if content else None
    raise NotFound("The journal has no exchange with this number (any more)")


def _printed(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "body": print_json(message["body"])}


def _filter() -> Chosen:
    """The filter in the query. What a person leaves empty does not filter."""
    return wanted({name: value for name, value in request.args.items() if value and name in FILTERS})


def _parse_number(text: str) -> int:
    """Return the number of an entry that a browser sends; 0 for what is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
