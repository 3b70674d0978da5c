"""Exceptions that Flask did not catch: answered in the right shape, logged and journaled."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from sandbox.core.errors import NotFound
from sandbox.faults.selection import Selection
from sandbox.store.secret import new_secret
from sandbox.web.errors.refusals import FAILED, refusal
from sandbox.web.request import Wiring

log = logging.getLogger(__name__)


class UncaughtErrors:
    """WSGI, around the whole app."""

    def __init__(self, app: Callable[..., Iterable[bytes]], wiring: Wiring):
        self._app, self._wiring = app, wiring

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = f"{environ.get('SCRIPT_NAME', '')}{environ.get('PATH_INFO', '')}"
        try:
            return self._app(environ, start_response)
        except Exception as error:
            request_id = new_secret(6)
            log.exception("request %s failed", request_id, exc_info=error)
            with suppress(Exception):
                self._note(environ, request_id)
            shape = self._wiring.apis.surface_behind(path).errors
            headers, body = refusal(500, FAILED, shape, request_id)
            start_response("500 Internal Server Error", headers)
            return [body]

    def _note(self, environ: dict[str, Any], request_id: str) -> None:
        name, catalog = environ.get("sandbox.scenario", ""), self._wiring.catalog
        try:
            selection = catalog.parse(name) if name else Selection()
        except NotFound:
            selection = Selection()
        self._wiring.ledger.tenant(selection.key).note(
            {
                "at": self._wiring.clock.now().isoformat(timespec="milliseconds"),
                "request": request_id,
                "method": str(environ.get("REQUEST_METHOD", ""))[:16],
                "path": str(environ.get("PATH_INFO", ""))[:300],
                "status": 500,
                "ms": 0,
                "effects": [],
                "error": "exception",
                "said": FAILED,
            }
        )
