"""The line that `serve` prints for each request: on a terminal in color, and as wide as it is.

    200 GET       4.2 ms  /s/rate-limited~t7/fhir/Patient?_count=2  maria
    429 GET       0.9 ms  /s/rate-limited~t7/fhir/Coverage  maria  rate-limited:rate_limit

A line is one write, so that the lines of several workers stay whole. It has the address with the secrets in
its query masked, the member or else the client, why the request was refused, and the faults that fired.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, TextIO

import click

from sandbox.core.text import escape, status_color
from sandbox.web.journal.record import mask_query

ADDRESS_MAX, NOTE_MAX = 300, 120
"""Characters of an address and of a note. A line is shorter than what a pipe takes at once (4096 bytes)."""
PREFIX_MIN, BELOW_MIN = 4, 20
"""Characters that stay of the scenario and of the address below it, however narrow the terminal is."""


@dataclass(frozen=True)
class RequestLog:
    """Prints the lines. `measure` returns the width of the terminal (0: no limit)."""

    write: Callable[[bytes], object]
    measure: Callable[[], int] = lambda: 0
    is_colored: bool = False
    encoding: str = "utf-8"

    def __call__(self, environ: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
        line = format_line(environ, entry, self.measure(), self.is_colored)
        with suppress(OSError):  # the terminal is closed, or nobody reads the pipe: requests go on
            self.write(f"{line}\n".encode(self.encoding, "backslashreplace"))


def open_request_log(mode: str, stream: TextIO) -> RequestLog | None:
    """Return the log that a mode (always, auto or never) means for this stream."""
    is_terminal = stream.isatty()
    if mode == "never" or (mode == "auto" and not is_terminal):
        return None
    from rich.console import Console  # which knows NO_COLOR and terminals without colors

    console, number = Console(file=stream), stream.fileno()
    return RequestLog(
        partial(os.write, number),
        partial(_measure, number) if is_terminal else lambda: 0,
        console.color_system is not None and not console.no_color,
        stream.encoding,
    )


def _measure(number: int) -> int:
    try:
        return os.get_terminal_size(number).columns
    except OSError:
        return 0


def format_line(
    environ: Mapping[str, Any], entry: Mapping[str, Any], width: int = 0, is_colored: bool = False
) -> str:
    """Return the line of a request, without a line feed. `width` is that of the terminal (0: no limit)."""
    status, ms = entry["status"], entry["ms"]
    time = f"{ms:.1f}" if ms < 100 else f"{ms:.0f}"
    head = f"{_cut(escape(entry['method']), 20):<7}{time:>6} ms"
    prefix = escape(f"/s/{name}") if (name := environ.get("sandbox.scenario")) else ""
    address = escape(entry["path"])
    if query := environ.get("QUERY_STRING"):
        address = f"{address}?{escape(mask_query(query))}"
    notes = [(_cut(escape(text), NOTE_MAX), color) for text, color in _list_notes(entry)]
    room = ADDRESS_MAX
    if width:
        room = width - len(f"{status} {head}  ") - sum(len(text) + 2 for text, _ in notes)
    if len(prefix) + len(address) > room:
        prefix = _cut(prefix, max(PREFIX_MIN, room - len(address)))
        address = _cut(address, max(BELOW_MIN, room - len(prefix)))
    if not is_colored:
        return "  ".join([f"{status} {head}", prefix + address, *(text for text, _ in notes)])
    colored = [
        click.style(str(status), fg=status_color(status)) + f" {head}",
        (click.style(prefix, dim=True) if prefix else "") + address,
        *(click.style(text, fg=color) for text, color in notes),
    ]
    return "  ".join(colored)


def _list_notes(entry: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what else is known of a request, with its color: who, why refused, faults."""
    if person := entry.get("member") or entry.get("client"):
        yield person, "cyan"
    effects = [*entry.get("effects", ()), *(f"earlier {name}" for name in entry.get("because", ()))]
    if not effects and (cause := entry.get("cause") or entry.get("error")):
        yield cause, "yellow"
    if effects:
        yield ", ".join(effects), "magenta"


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
