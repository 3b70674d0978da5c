"""The HTTP client names itself, waits when a server says so, and obeys the guard.

Every answer, also one that never came, is an `HttpAnswer` with its `Exchange`; nothing here raises for what a
server does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol
from urllib.parse import urlencode

import httpx

from sandbox import __version__
from sandbox.core import clock, files
from sandbox.score.evidence import Exchange
from sandbox.score.http.answers import KEPT, LARGEST, TOO_LARGE, HttpAnswer, decoded, retry_after
from sandbox.score.http.guard import Guard, Reach
from sandbox.score.http.redaction import redacted, shown
from sandbox.score.http.transport import Transport

TIMEOUT_SECONDS = 30.0  # without a byte; connecting has a third of it
WHOLE_ANSWER_SECONDS = 60.0  # of one answer: a server may send bytes slowly for ever
TIME_LIMIT = 1800.0  # of one examination: an endless payer ends in unseen metrics
MOST_REDIRECTS = 3
MOST_COOKIES = 180  # of one sign-in, as browsers keep of a site; the oldest go first
LONGEST_WAIT = 30.0  # seconds; a longer Retry-After is not waited for
WAIT_BUDGET = 120.0  # seconds of Retry-After in one examination

_SYSTEM = clock.SystemClock()


def user_agent() -> str:
    return f"payer-sandbox-score/{__version__}"


class Credential(Protocol):
    """A bearer token that may be renewed."""

    @property
    def token(self) -> str: ...

    def renew(self) -> bool:
        """Get a new access token. Return False when there is no refresh token or it was refused."""
        ...


class Watcher:
    """Gets every answer and callback, and notes broken rules. This base class ignores them."""

    def answer(self, answer: HttpAnswer, renewed: str = "") -> None:
        """Get an answer. `renewed` is the refresh token that a token request sent."""

    def callback(self, parameters: Mapping[str, str], state: str) -> None:
        """Get the parameters of a callback, and the `state` that the app had sent."""

    def note(self, rule: str, text: str, where: str = "", request_id: str = "") -> None:
        """Note a broken lint rule; the text has no member data."""


class HttpClient:
    """The client of one examination. `busy` is the seconds spent on transfers and Retry-After waits."""

    def __init__(
        self,
        guard: Guard,
        *,
        transport: httpx.BaseTransport | None = None,
        sleep: Callable[[float], None] = clock.sleep,
        stopwatch: Callable[[], float] = clock.stopwatch,
        now: Callable[[], datetime] = _SYSTEM.now,
        pace: float = 0.0,
        timeout: float = TIMEOUT_SECONDS,
        answer_seconds: float = WHOLE_ANSWER_SECONDS,
        time_limit: float = TIME_LIMIT,
        keep_bodies: bool = False,
        watch: Watcher | None = None,
        name: str = "",
    ):
        self.guard = guard
        self.watch = watch or Watcher()
        self._until = stopwatch() + time_limit
        self._answer_seconds, self._keep_bodies = answer_seconds, keep_bodies
        self.busy = 0.0
        self.secrets: set[str] = set()  # must not be kept, should a payer repeat them
        self._sleep, self._stopwatch, self._now, self._pace = sleep, stopwatch, now, pace
        self._wait_left = WAIT_BUDGET
        self._given, self._timeout = transport, timeout
        self._transport = transport or Transport(guard.admit, timeout, answer_seconds, stopwatch)
        self._headers = {
            "User-Agent": name or user_agent(),
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            "Connection": "keep-alive",
        }

    def aimed_at(self, target: str) -> HttpClient:
        """Return a client with the same options and the same end, for another target."""
        other = copy(self)
        other.guard, other.watch = self.guard.aimed_at(target), Watcher()
        other._transport = self._given or Transport(
            other.guard.admit, self._timeout, self._answer_seconds, self._stopwatch
        )
        return other

    @property
    def user_agent(self) -> str:
        """The User-Agent of requests at the moment."""
        return self._headers["User-Agent"]

    @contextmanager
    def named(self, user_agent: str) -> Iterator[None]:
        """Send another User-Agent within a `with` block."""
        own = self._headers["User-Agent"]
        self._headers["User-Agent"] = user_agent
        try:
            yield
        finally:
            self._headers["User-Agent"] = own

    def close(self) -> None:
        self._transport.close()

    def __enter__(self) -> HttpClient:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def send(
        self,
        method: str,
        url: str,
        *,
        step: str,
        reach: Reach = "data",
        headers: Mapping[str, str] | None = None,
        form: Mapping[str, str] | list[tuple[str, str]] | None = None,
        json: Any = None,
        jar: httpx.Cookies | None = None,
        resource: str = "",
        retry: bool = False,
    ) -> HttpAnswer:
        """Send one request. Redirects are not followed; cookies come only from and go only to `jar`."""
        kept = Exchange(method, shown(url, step), 0, 0.0, step, resource, retry)
        if refusal := self.guard.refuses(url, reach):
            return HttpAnswer(replace(kept, note=f"not asked: {refusal}"), url=url)
        if self._stopwatch() > self._until:
            return HttpAnswer(replace(kept, note="not asked: the examination's time is up"), url=url)
        if self._pace:
            self._sleep(self._pace)
        content = urlencode(form).encode() if form is not None else None
        if json is not None:
            content = files.json_bytes(json)
        sent = {**self._headers, **(headers or {})}
        if content is not None:
            sent["Content-Type"] = "application/json" if form is None else "application/x-www-form-urlencoded"
        began = self._stopwatch()
        try:
            request = httpx.Request(method, url, headers=sent, content=content)
            if jar:
                jar.set_cookie_header(request)
            status, received, body = self._transfer(request, jar, began)
            note = ""
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as problem:
            status, received, body, note = 0, {}, b"", _no_answer(problem)
        took = self._stopwatch() - began
        self.busy += took
        kept = replace(
            kept,
            status=status,
            ms=round(took * 1000, 1),
            note=note,
            request_id=(received.get("x-request-id") or received.get("x-correlation-id", ""))[:100],
            body=redacted(body, step) if self._keep_bodies else "",
        )
        answer = HttpAnswer(kept, received, body, url)
        self.watch.answer(answer, dict(form or ()).get("refresh_token", "") if step == "token" else "")
        return answer

    def _transfer(
        self, request: httpx.Request, jar: httpx.Cookies | None, began: float
    ) -> tuple[int, dict[str, str], bytes]:
        response = self._transport.handle_request(request)
        try:
            body = bytearray()
            assert isinstance(response.stream, httpx.SyncByteStream)
            for chunk in response.stream:
                body += chunk
                if len(body) > LARGEST:
                    raise httpx.ReadError(TOO_LARGE)
                if self._stopwatch() - began > self._answer_seconds:
                    raise httpx.ReadTimeout(f"not whole after {self._answer_seconds:g} s")
            headers = {name: response.headers[name] for name in KEPT if name in response.headers}
            if jar is not None and response.headers.get("set-cookie"):
                response.request = request
                jar.extract_cookies(response)
                for cookie in list(jar.jar)[:-MOST_COOKIES]:
                    jar.jar.clear(cookie.domain, cookie.path, cookie.name)
            encoding = response.headers.get("content-encoding", "")
            return response.status_code, headers, decoded(bytes(body), encoding)
        finally:
            response.close()

    def get(
        self,
        url: str,
        *,
        step: str,
        reach: Reach = "data",
        headers: Mapping[str, str] | None = None,
        resource: str = "",
        retry: bool = False,
    ) -> HttpAnswer:
        """GET and follow up to three redirects, each checked. The exchange covers all of them."""
        send = partial(
            self.send, "GET", step=step, reach=reach, headers=headers, resource=resource, retry=retry
        )
        answer = send(url)
        spent = answer.exchange.ms
        for _ in range(MOST_REDIRECTS):
            if answer.redirect:
                answer = send(answer.redirect)
                spent += answer.exchange.ms
        return replace(answer, exchange=replace(answer.exchange, url=shown(url, step), ms=round(spent, 1)))

    def read(
        self, url: str, credential: Credential | None, *, step: str, resource: str = ""
    ) -> tuple[HttpAnswer, ...]:
        """GET FHIR data as a careful app does, and return every try; the last one decides.

        429 and 503 with a Retry-After are tried again once after waiting; a 401 is tried again once
        with a renewed token.
        """
        tries = [self._fhir(url, credential, step, resource, retry=False)]
        waited = renewed = False
        while True:
            last = tries[-1]
            if last.status in (429, 503) and not waited and self._wait(last):
                waited = True
            elif last.status == 401 and not renewed and credential is not None and credential.renew():
                renewed = True
            else:
                return tuple(tries)
            tries.append(self._fhir(url, credential, step, resource, retry=True))

    def _fhir(
        self, url: str, credential: Credential | None, step: str, resource: str, *, retry: bool
    ) -> HttpAnswer:
        headers = {"Accept": "application/fhir+json"}
        if credential is not None:
            headers["Authorization"] = f"Bearer {credential.token}"
        return self.get(url, step=step, headers=headers, resource=resource, retry=retry)

    def now(self) -> datetime:
        """Return the time by this machine's clock."""
        return self._now()

    def pause(self, seconds: float) -> None:
        """Wait between tries; this does not count as the server's time."""
        self._sleep(seconds)

    def _wait(self, answer: HttpAnswer) -> bool:
        """Wait for Retry-After, unless it is too long. The wait is part of a sync's time."""
        seconds = retry_after(answer.headers, self._now())
        if seconds is None or seconds > min(LONGEST_WAIT, self._wait_left):
            return False
        self._sleep(seconds)
        self._wait_left -= seconds
        self.busy += seconds
        return True


def _no_answer(problem: Exception) -> str:
    if "SSL" in str(problem):
        return _no_tls(str(problem))
    for kind, words in _WORDS:
        if isinstance(problem, kind):
            return f"{words}: {problem}" if str(problem) else words
    return f"no answer: {problem}"


_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (httpx.ConnectTimeout, "no connection in time"),
    (httpx.TimeoutException, "no complete response in time"),
    (httpx.ConnectError, "no connection"),
    (httpx.RemoteProtocolError, "the response broke off or was not HTTP"),
    (httpx.DecodingError, "the body's encoding is broken"),
    (httpx.InvalidURL, "not a usable address"),
)


def _no_tls(problem: str) -> str:
    """Return an error of TLS in readable words: `[SSL: X] certificate verify failed: Y (_ssl.c:1)`."""
    why = re.sub(r"\s*\(_ssl\.c:\d+\)|\[SSL[^\]]*\]\s*", "", problem).strip()
    if "certificate verify failed" in problem:
        return f"no connection: the certificate is not trusted: {why.partition('failed: ')[2] or why}"
    return f"no connection: the port does not speak TLS ({why or 'no handshake'})"
