"""What a process does beside its requests: it stamps rows, sweeps now and then, and bears with a ledger
that cannot be written.

The clock here is the server's own, which nobody can move through the control API.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from threading import Lock

from sandbox.core.clock import Clock, SystemClock

log = logging.getLogger(__name__)

EVERY = 2000
"""Journal entries of a process between two sweeps; what a sweep removes at least keeps pace with them."""

SECONDS = 60
"""Or so many seconds, if there was any request."""

PAUSE = 1000
"""Milliseconds without another try after a journal entry could not be written: nobody else waits for it."""

QUIET = 60_000
"""Milliseconds between two lines of the log about it."""


class Upkeep:
    """The upkeep of one process, shared by its threads. `sweep` and `visit` are set by the ledger."""

    def __init__(self, clock: Clock | None = None):
        self._clock = clock or SystemClock()
        self.sweep: Callable[[], object] = lambda: None
        self.visit: Callable[[str, int], object] = lambda tenant, now: None
        self.lost = 0
        self.failing = False
        self._entries, self._due = 0, self.now() + SECONDS * 1000
        self._resume = self._report = 0
        self._sweeping = Lock()

    def now(self) -> int:
        """Milliseconds since 1970 by the server's clock."""
        return int(self._clock.now().timestamp() * 1000)

    def is_paused(self) -> bool:
        """Whether the journal could not be written a moment ago, so that nobody should try again yet."""
        if not self.failing or self.now() >= self._resume:
            return False
        self.lost += 1
        return True

    def fail(self) -> None:
        """Count something that could not be written, and that nobody has to wait for."""
        now = self.now()
        self.lost, self.failing, self._resume = self.lost + 1, True, now + PAUSE
        if now >= self._report:
            self._report = now + QUIET
            log.warning("the ledger cannot be written: %d journal entries are lost", self.lost)

    def succeed(self, tenant: str) -> None:
        """A journal entry of this tenant was written; sweep if it is time."""
        self.failing = False
        now = self.now()
        self.visit(tenant, now)
        self._entries += 1
        if self._entries >= EVERY or now >= self._due:
            self.run()

    def run(self) -> None:
        """Sweep now, unless another thread of this process does."""
        if self._sweeping.acquire(blocking=False):
            try:
                self._entries, self._due = 0, self.now() + SECONDS * 1000
                self.sweep()
            except Exception:  # whoever asked something has their answer
                log.exception("the ledger could not be swept")
            finally:
                self._sweeping.release()
