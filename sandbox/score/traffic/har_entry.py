"""Reads one entry of an HTTP Archive, as browsers and proxies write it.

What a browser answered by itself (from its cache, by a service worker) or never sent (blocked, canceled by
the page) says nothing about the payer and is left out. Chrome marks it by `_fromCache`,
`response._fetchedViaServiceWorker` and `response._error`, Safari by `_fetchType`; Firefox writes a status of
0 and no time. Charles marks failures by `_charlesStatus`; Insomnia may leave out when a request was made.
"""

from __future__ import annotations

import base64
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from sandbox.core import files
from sandbox.core.urls import canonical_url
from sandbox.score.http.answers import objects
from sandbox.score.http.redaction import shown

BODY_MOST = 16 << 20
"""Bytes of a packed body that are looked at."""

_OWN = ("net::ERR_BLOCKED_BY", "net::ERR_ABORTED", "net::ERR_FAILED_BY_CLIENT", "net::ERR_CACHE_MISS")
"""How errors of Chrome begin that it caused itself."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC).isoformat()


class Unsent(Exception):
    """Raised for an entry that never went to the payer; the text says why."""


def entries_of(listed: Sequence[Any], leave_out: Callable[[str], None]) -> Iterator[HarEntry]:
    """Yield the entries that are requests. `leave_out` gets the reason for each other one."""
    sent = Counter(filter(None, map(_request_line, listed)))
    ts = _EPOCH
    for number, written in enumerate(listed, 1):
        try:
            entry = HarEntry(written, ts, number)
            entry.check_sent(alone=sent[_request_line(written) or ""] < 2)
        except Unsent as why:
            leave_out(f"entry {number}: not a request to the payer: {why}")
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            leave_out(f"entry {number}: not an entry of an HTTP Archive")
        else:
            ts = entry.ts
            yield entry


def _request_line(entry: Any) -> str | None:
    try:
        return f"{entry['request']['method']} {entry['request']['url']}"
    except (LookupError, TypeError):
        return None


class HarEntry:
    """The parts of one entry that are used. `before` is the time of the previous one.

    `number` is its place in the archive. Raises KeyError, TypeError, ValueError, AttributeError for what is
    no entry.
    """

    def __init__(self, entry: dict[str, Any], before: str, number: int = 0):
        self.number = number
        request, response = entry["request"], _response(entry)
        sent, got = _headers(request), _headers(response)
        self._entry, self._response = entry, response
        self.ts = _time(entry.get("startedDateTime"), got.get("date", ""), before)
        self.ms = max(0.0, float(entry.get("time") or 0))
        self.method, self.url = str(request["method"]).upper(), canonical_url(str(request["url"]))
        self.status = max(0, int(response["status"] or 0))
        parts = urlsplit(self.url)
        self.path, self.origin = parts.path, f"{parts.scheme}://{parts.netloc}".lower()
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))
        scheme, _, token = sent.get("authorization", "").partition(" ")
        self.token = token.strip() if scheme.lower() == "bearer" else ""
        self.request_id = got.get("x-request-id", "") or got.get("x-correlation-id", "")
        location = response.get("redirectURL") or got.get("location", "")
        self.location = canonical_url(urljoin(self.url, location)) if location else ""
        self.form = _form(request.get("postData") or {})
        content = response.get("content") or {}
        self.mime = str(content.get("mimeType") or got.get("content-type", ""))
        self.body = _body(content)

    @property
    def when(self) -> datetime:
        """The time, with a zone."""
        when = datetime.fromisoformat(self.ts)
        return when if when.tzinfo else when.replace(tzinfo=UTC)

    @property
    def redirects(self) -> bool:
        """Whether the answer is a redirect."""
        return self.status in (301, 302, 303, 307, 308) and bool(self.location)

    def objects(self, name: str) -> list[dict[str, Any]]:
        """Return the objects in a list of the body; nothing where it is no list."""
        return objects(self.body.get(name))

    def check_sent(self, *, alone: bool) -> None:
        """Raise Unsent for what the browser did not send to the payer.

        `alone`: the same URL was not requested twice, so it is no copy of a service worker's request.
        """
        entry, response = self._entry, self._response
        if cache := entry.get("_fromCache"):
            raise Unsent(f"answered from the browser's cache ({cache})")
        fetched = str(entry.get("_fetchType") or "")
        if "Cache" in fetched or fetched == "Inspector Override":
            raise Unsent(f"answered by the browser ({fetched})")
        if response.get("_fetchedViaServiceWorker"):
            source = str(response.get("_serviceWorkerResponseSource") or "network")
            if source != "network" or not alone:
                raise Unsent(f"answered by a service worker ({source})")
        error = str(response.get("_error") or entry.get("_error") or "")
        if self.status == 0 and error.startswith(_OWN):
            raise Unsent(f"the browser canceled the request ({error})")
        if self.status == 0 and not error and not self.ms and not response.get("headers"):
            raise Unsent("the browser did not send it")

    def common(self, step: str) -> dict[str, Any]:
        """Return the fields that every kind of record has."""
        return {
            "ts": self.ts,
            "method": self.method,
            "url": shown(self.url, step),
            "status": self.status,
            "latency_ms": self.ms,
            "request_id": self.request_id,
        }


def _response(entry: dict[str, Any]) -> dict[str, Any]:
    """Return the response. Charles writes none for no answer; others omit it when nothing was sent."""
    if entry.get("response") is None and entry.get("_charlesStatus") == "FAILED":
        return {"status": 0, "_error": "no answer"}
    response: dict[str, Any] = entry["response"]
    return response


def _time(written: Any, answered: str, before: str) -> str:
    """Return when a request was made: as written, else the answer's Date, else the previous time."""
    for text in (written, before):
        if isinstance(text, str):
            with suppress(ValueError):
                datetime.fromisoformat(text)
                return text
        if answered:
            with suppress(ValueError, TypeError, OverflowError):
                return parsedate_to_datetime(answered).isoformat()
    return _EPOCH


def _headers(message: dict[str, Any]) -> dict[str, str]:
    return {str(h["name"]).lower(): str(h["value"]) for h in message.get("headers") or []}


def _form(posted: dict[str, Any]) -> dict[str, str]:
    if posted.get("params"):
        return {str(p["name"]): str(p.get("value", "")) for p in posted["params"]}
    return dict(parse_qsl(str(posted.get("text") or "")))


def _body(content: dict[str, Any]) -> dict[str, Any]:
    text = content.get("text") or ""
    try:
        raw = base64.b64decode(text) if content.get("encoding") == "base64" else str(text).encode()
        if raw[:2] == b"\x1f\x8b":
            raw = zlib.decompressobj(wbits=31).decompress(raw, BODY_MOST)
        value = files.json_value(raw)
    except (ValueError, zlib.error):
        return {}
    return value if isinstance(value, dict) else {}
