"""The console as a browser without a script uses it: pages, and forms with their hidden fields."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from support.smart_app import PATIENCE, hidden


class ConsoleBrowser:
    """Somebody at the console of one payer (`base` without /console)."""

    def __init__(self, base: str):
        self.base, self.url = base, f"{base}/console"
        self.http = httpx.Client(timeout=PATIENCE)

    def get(self, path: str = "", /, **query: str) -> httpx.Response:
        return self.http.get(f"{self.url}{path}", params=query, follow_redirects=True)

    def post(self, path: str, form: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        """Send a form with the token that the console's forms carry."""
        csrf = hidden(self.get("/sessions"))["csrf"]
        data = {"csrf": csrf, **(form or {})}
        return self.http.post(f"{self.url}{path}", data=data, headers=headers, follow_redirects=True)

    def numbers(self, **query: str) -> list[int]:
        """The numbers of the rows of the page, newest first."""
        return [int(number) for number in re.findall(r'data-number="(\d+)"', self.get(**query).text)]

    def snippet(self, number: int, id: str) -> str:
        """The code of a snippet of an exchange, as its button copies it."""
        page = self.get(f"/requests/{number}").text
        match = re.search(rf'<pre id="s-{id}"[^>]*><code>(.*?)</code></pre>', page, re.DOTALL)
        assert match, page
        return html.unescape(match[1])

    @contextmanager
    def stream(self, **query: str) -> Iterator[Iterator[dict[str, str]]]:
        """The events of the stream: `id` and `data`."""
        with self.http.stream("GET", f"{self.url}/requests/stream", params=query) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream"), answer.status_code
            yield _events(answer.iter_lines())

    def close(self) -> None:
        self.http.close()


def _events(lines: Iterator[str]) -> Iterator[dict[str, str]]:
    event: dict[str, str] = {}
    for line in lines:
        if not line:
            if "data" in event:
                yield event
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name] = f"{event[name]}\n{value}" if name in event else value
