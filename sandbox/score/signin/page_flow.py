"""Goes from the authorize URL through the payer's pages to the callback, over HTTP, without a browser."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx

from sandbox.score.evidence import Exchange
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import HttpClient
from sandbox.score.http.redaction import shown
from sandbox.score.signin.pages import trace
from sandbox.score.signin.pages.choice import decide
from sandbox.score.signin.pages.page import WebPage
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.pages.steps import Follow, State, Step, Stop, Submission, submit
from sandbox.score.signin.pages.trace import Look

MOST_PAGES = 20


def is_callback(location: str, redirect_uri: str) -> bool:
    """Return whether a URL is the redirect URI, with at most a query or fragment behind it."""
    suffix = location[len(redirect_uri) :]
    return location.startswith(redirect_uri) and (not suffix or suffix[0] in "?#&")


@dataclass(frozen=True)
class Ended:
    """The end of the pages: the callback's URL, or a stop. `doubts` are choices that were not certain."""

    callback: str = ""
    stop: Stop | None = None
    looks: tuple[Look, ...] = ()
    doubts: tuple[str, ...] = ()
    exchanges: tuple[Exchange, ...] = ()


class PageWalk:
    """One attempt, with cookies of its own."""

    def __init__(self, http: HttpClient, redirect_uri: str, username: str, password: str):
        self._http, self._redirect_uri = http, redirect_uri
        self._jar = httpx.Cookies()
        self._state = State(username, password)
        self._pairs: tuple[tuple[str, str], ...] = ()
        self._exchanges: list[Exchange] = []
        self._looks: list[Look] = []

    def go(self, url: str) -> Ended:
        """Follow the pages until the callback, or until none leads on."""
        end = self._go(url)
        callback, stop = (end, None) if isinstance(end, str) else ("", end)
        return Ended(callback, stop, tuple(self._looks), tuple(self._state.doubts), tuple(self._exchanges))

    def _go(self, url: str) -> str | Stop:
        answer = self._send("GET", url)
        for _ in range(MOST_PAGES):
            if answer.redirect:
                if is_callback(answer.redirect, self._redirect_uri):
                    return answer.redirect
                self._looks.append(trace.hop(self._address(answer), answer.status))
                answer = self._hop(answer)
                continue
            taken = self._next(answer)
            if isinstance(taken, Stop):
                return taken
            if is_callback(taken.url, self._redirect_uri):
                joint = ("&" if "?" in taken.url else "?") if taken.pairs else ""
                return f"{taken.url}{joint}{urlencode(taken.pairs)}"  # form_post
            self._pairs = taken.pairs
            answer = self._submit(taken)
        ours = any(look.did != ("followed the redirect",) for look in self._looks[-5:])
        return Stop(f"no callback after {MOST_PAGES} pages", ours=ours)

    def _next(self, answer: HttpAnswer) -> Submission | Stop:
        """Return what to send next."""
        if answer.status == 0:
            late = "time is up" in answer.exchange.note
            return Stop(f"sign-in stopped: {answer.exchange.note}", ours=late)
        page = read(text_of(answer), answer.url, refresh=answer.headers.get("refresh", ""))
        decision = decide(page, self._state, answer.status)
        if isinstance(decision, Step) and (problem := _needs_script(decision, page)):
            decision = problem
        self._looks.append(trace.look(self._address(answer), answer.status, page, decision))
        if isinstance(decision, Stop):
            if "invalid_scope" in page.text:
                return Stop(f"{decision.reason} (invalid_scope)", decision.ours)
            return self._state.weigh(decision, answer.status)
        self._state.note_tried(page)
        if isinstance(decision, Follow):
            return Submission("GET", decision.url, ())
        self._state.doubts += decision.doubts
        return submit(decision, page)

    def _submit(self, step: Submission) -> HttpAnswer:
        if step.method == "POST":
            return self._send("POST", step.url, list(step.pairs))
        if not step.pairs:
            return self._send("GET", step.url.partition("#")[0])
        return self._send("GET", f"{step.url.partition('#')[0].partition('?')[0]}?{urlencode(step.pairs)}")

    def _hop(self, answer: HttpAnswer) -> HttpAnswer:
        """Follow a redirect: 307 and 308 repeat a POST, the others become a GET (RFC 9110 §15.4)."""
        if answer.status in (307, 308) and answer.exchange.method == "POST":
            return self._send("POST", answer.redirect, list(self._pairs))
        return self._send("GET", answer.redirect)

    def _send(self, method: str, url: str, form: list[tuple[str, str]] | None = None) -> HttpAnswer:
        headers = {"Accept": "text/html,application/xhtml+xml", "Accept-Language": "en-US,en;q=0.9"}
        answer = self._http.send(
            method, url, step="sign-in", reach="page", headers=headers, form=form, jar=self._jar
        )
        self._exchanges.append(answer.exchange)
        return answer

    @staticmethod
    def _address(answer: HttpAnswer) -> str:
        return f"{answer.exchange.method} {shown(answer.url, 'sign-in')}"


def _needs_script(step: Step, page: WebPage) -> Stop | None:
    """Return a stop for a form whose action is a script."""
    action = (step.button.action if step.button else "") or step.form.action
    if action.strip().lower().startswith("javascript:"):
        return Stop("the form of a page is submitted by a script", ours=True)
    return None


_CHARSET = re.compile(rb"<meta[^>]+charset\s*=\s*[\"']?([\w:.-]+)", re.IGNORECASE)


def text_of(answer: HttpAnswer) -> str:
    """Return the page's text in the encoding that it declares; UTF-8 when it declares none."""
    header = re.search(r"charset=[\"']?([\w:.-]+)", answer.headers.get("content-type", ""), re.IGNORECASE)
    meta = _CHARSET.search(answer.body[:2048])
    name = header[1] if header else meta[1].decode("ascii", "replace") if meta else "utf-8"
    try:
        codecs.lookup(name)
        return answer.body.decode(name, "replace")
    except (LookupError, ValueError, UnicodeError, TypeError):
        return answer.text()
