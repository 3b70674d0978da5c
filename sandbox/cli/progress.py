"""Progress on standard error: a bar with rate and remaining time on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from itertools import chain, count, repeat
from typing import TYPE_CHECKING, Any

from sandbox.core.clock import stopwatch
from sandbox.core.text import escape, quantity, say

if TYPE_CHECKING:
    from rich.progress import Progress, Task

RESOURCES_PRINTED, ENDPOINTS_PRINTED = 100_000, 50
"""Between two lines in a pipe."""
BAR_WIDTH = 14
REDRAWN_SECONDS = 0.1


class Counter(AbstractContextManager["Counter"]):
    """Shows how many are done. It ends with its total, with the next text, or with its block.

    In a pipe it prints a line at each of the `marks`; `describe` returns it for a count and a total.
    """

    def __init__(
        self,
        what: str,
        noun: str,
        total: int | None,
        marks: Iterator[int],
        describe: Callable[[int, int], str],
    ):
        self._what, self._noun, self._total, self._describe = what, noun, total, describe
        self._marks, self._mark = marks, next(marks)
        self._bar: Progress | None = None
        self._is_over, self._drawn = False, 0.0

    def __call__(self, done: int, total: int | None = None, what: str = "") -> None:
        """Show a count, its total where that was not known before, and what was done last."""
        self._total = total or self._total
        if not sys.stderr.isatty():
            if done >= self._mark or done == self._total:
                say(self._describe(done, self._total or 0), err=True)
                self._mark = next((mark for mark in self._marks if mark > done), sys.maxsize)
        elif not self._is_over and (done == self._total or stopwatch() - self._drawn > REDRAWN_SECONDS):
            self._draw(done, what)

    def _draw(self, done: int, what: str) -> None:
        if self._bar is None:
            self._bar = _build_bar(self._noun)
            self._bar.add_task(self._what, total=self._total, completed=done)
            self._bar.start()
        description = escape(f"{self._what}: {what}" if what else self._what)
        task = self._bar.task_ids[0]
        self._bar.update(task, completed=done, total=self._total, description=description, refresh=True)
        self._drawn = stopwatch()
        if done == self._total:
            self.close()

    def say(self, text: str) -> None:
        """Print a text after the work; the bar ends at its total."""
        if self._bar is not None and not self._is_over and self._total:
            self._draw(self._total, "")
        self.close()
        say(text)

    def close(self) -> None:
        """End the bar where it is. A count that comes later is not shown."""
        if self._bar is not None and not self._is_over:
            self._bar.stop()
            self._is_over = True

    def __exit__(self, *problem: object) -> None:
        self.close()


def count_members(total: int, what: str) -> Counter:
    """Return what counts members; in a pipe (a container's log), at each quarter."""
    marks = (0, total // 4, total // 2, total * 3 // 4, total)
    return Counter(
        what,
        "member",
        total,
        chain(marks, repeat(sys.maxsize, 1)),
        lambda done, total: f"{what}: {done} of {quantity(total, 'member')}",
    )


def count_resources() -> Counter:
    """Return what counts the resources that are read; in a pipe, each 100,000."""
    return Counter(
        "reading the data",
        "reading",  # each resource is read twice
        None,
        count(RESOURCES_PRINTED, RESOURCES_PRINTED),
        lambda done, total: f"reading the data (each twice): {done:,} resources",
    )


def count_endpoints() -> Counter:
    """Return what counts the endpoints that are graded; in a pipe, each 50."""
    return Counter(
        "grading",
        "endpoint",
        None,
        count(0, ENDPOINTS_PRINTED),
        lambda done, total: f"{done} of {quantity(total, 'endpoint')}",
    )


def _build_bar(noun: str) -> Progress:
    """Return a bar without a thread of its own, so that processes may be forked under it."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn
    from rich.text import Text

    class Count(ProgressColumn):
        def render(self, task: Task) -> Text:
            if task.total is None:
                return Text(f"{task.completed:,.0f} {noun}s")
            return Text(f"{task.completed:,.0f} of {task.total:,.0f} {noun}s")

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            if not speed:
                return Text("")
            return Text(f"{speed:,.0f}/s" if speed >= 1 else f"{speed * 60:.0f}/min", "dim")

    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(BAR_WIDTH),
        Count(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=Console(stderr=True),
        auto_refresh=False,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class Steps(AbstractContextManager["Steps"]):
    """Shows the step of the moment and the time since the first one on a terminal; nothing in a pipe."""

    def __init__(self) -> None:
        self._live: Progress | None = None
        self._began = stopwatch()

    def __call__(self, step: str) -> None:
        """Show a step; an empty one clears the line."""
        if not sys.stderr.isatty():
            return
        if not step:
            self.close()
        elif self._live is None:
            self._live = _build_spinner(lambda: stopwatch() - self._began)
            self._live.add_task(escape(step), total=None)
            self._live.start()
        else:
            self._live.update(self._live.task_ids[0], description=escape(step))

    def say(self, text: object, *, err: bool = False) -> None:
        """Print a text where the step stood; the next step is shown below it."""
        self.close()
        say(text, err=err)

    def close(self) -> None:
        """Clear the line."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def __exit__(self, *problem: object) -> None:
        self.close()


def _build_spinner(elapsed: Callable[[], float]) -> Progress:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn, SpinnerColumn, TextColumn
    from rich.text import Text

    class Elapsed(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(f"{elapsed():.0f} s", "dim")

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        Elapsed(),
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )
