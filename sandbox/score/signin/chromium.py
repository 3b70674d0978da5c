"""Signs in with a Chromium of this machine: makes the same choices on pages that scripts draw.

The page is read as it is drawn: every element of its document is marked with whether it is shown, and what
was chosen is typed, ticked and clicked. Playwright is optional: `pip install playwright`. It uses a Chromium
that is installed already.
"""

from __future__ import annotations

import copy
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sandbox.core import clock
from sandbox.core.errors import UsageError
from sandbox.score.evidence import Exchange
from sandbox.score.http.guard import Guard
from sandbox.score.http.redaction import shown
from sandbox.score.signin.launch import Driver, SignInAccount
from sandbox.score.signin.page_flow import MOST_PAGES, Ended, is_callback
from sandbox.score.signin.pages import trace
from sandbox.score.signin.pages.choice import decide
from sandbox.score.signin.pages.page import WebPage
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.pages.steps import Follow, State, Step, Stop
from sandbox.score.signin.pages.trace import Look

MISSING = "--browser-driver needs Playwright and a Chromium: pip install playwright, and install chromium"
NAVIGATION_MS = 30_000
CLICK_MS = 3_000
DRAWING_SECONDS = 6.0  # that scripts may take to draw the next page
CHANGING_SECONDS = 8.0  # that a page may take to change after a click
POLL_MS = 150.0

# Returns the elements of a document, and a copy of it that marks what is shown.
_LOOK = """() => {
  const elements = [document.documentElement, ...document.documentElement.querySelectorAll('*')];
  const copy = document.documentElement.cloneNode(true);
  const marked = [copy, ...copy.querySelectorAll('*')];
  elements.forEach((element, place) => {
    const mark = marked[place];
    if (!mark) return;
    const style = getComputedStyle(element), box = element.getBoundingClientRect();
    const tag = element.tagName, kind = (element.type || '').toLowerCase();
    const ticked = tag === 'INPUT' && ['checkbox', 'radio'].includes(kind);
    const typed = ['INPUT', 'BUTTON', 'TEXTAREA'].includes(tag) && !ticked && kind !== 'hidden';
    let seen = style.display !== 'none' && style.visibility !== 'hidden';
    seen = seen && element.getAttribute('aria-hidden') !== 'true';
    if (typed) seen = seen && box.width > 1 && box.height > 1 && box.right > 0 && style.opacity !== '0';
    mark.setAttribute('data-ref', place);
    mark.setAttribute('data-shown', seen ? '1' : '0');
    if (ticked) mark.toggleAttribute('checked', element.checked);
    else if (tag === 'INPUT' && kind !== 'password') mark.setAttribute('value', element.value);
    else if (tag === 'OPTION') mark.toggleAttribute('selected', element.selected);
  });
  return {html: copy.outerHTML, elements};
}"""


def find_chromium() -> str | None:
    """Return a Chromium of this machine by its usual names; None leaves the choice to Playwright."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)


@contextmanager
def open_driver(redirect_uri: str, guard: Guard) -> Iterator[Driver]:
    """Open a driver: one browser for all attempts, each in a context of its own.

    Raises UsageError in one line without Playwright or a Chromium.
    """
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        raise UsageError(MISSING) from None
    with sync_playwright() as play:
        try:
            browser = play.chromium.launch(executable_path=find_chromium(), args=["--no-sandbox"])
        except Error:
            raise UsageError(MISSING) from None

        def drive(start: str, account: SignInAccount) -> Ended:
            context = browser.new_context(locale="en-US")
            try:
                return _Attempt(context, redirect_uri, guard, account).go(start)
            finally:
                context.close()

        try:
            yield drive
        finally:
            with suppress(Error):
                browser.close()


class _Seen:
    """One frame as it is drawn now, and the elements in it."""

    def __init__(self, frame: Any) -> None:
        self._handle = frame.evaluate_handle(_LOOK)
        self.page: WebPage = read(self._handle.evaluate("seen => seen.html"), frame.url, rendered=True)

    def element(self, ref: int) -> Any:
        return self._handle.evaluate_handle("(seen, place) => seen.elements[place]", ref).as_element()


class _Attempt:
    """One attempt in one browser context."""

    def __init__(self, context: Any, redirect_uri: str, guard: Guard, account: SignInAccount):
        self._redirect_uri, self._guard = redirect_uri, guard
        self._state = State(account.username, account.password, interactive=True)
        self._callback, self._status = "", 200
        self._exchanges: list[Exchange] = []
        self._looks: list[Look] = []
        context.route("**/*", self._route)
        self._page = context.new_page()
        self._page.set_default_timeout(NAVIGATION_MS)
        self._page.on("response", self._note)

    def go(self, start: str) -> Ended:
        """Open the authorize URL and go on until the callback, or until nothing goes on."""
        from playwright.sync_api import Error

        stop: Stop | None = None
        try:
            self._page.goto(start, wait_until="domcontentloaded")
            stop = self._go()
        except Error as problem:
            if not self._callback:
                why = (problem.message or "no reason given").splitlines()[0]
                stop = Stop(f"sign-in stopped: {why[:120]}", ours="net::" not in why and "Timeout" not in why)
        return Ended(
            self._callback,
            None if self._callback else stop,
            tuple(self._looks),
            tuple(self._state.doubts),
            tuple(self._exchanges),
        )

    def _go(self) -> Stop | None:
        before: tuple[object, ...] = ()
        for _ in range(MOST_PAGES):
            seen, decision, after = self._decided(before)
            if self._callback:
                return None
            self._looks.append(
                trace.look(f"GET {shown(seen.page.url, 'sign-in')}", self._status, seen.page, decision)
            )
            if isinstance(decision, Stop):
                return after.weigh(decision, self._status)
            self._state = after
            self._state.note_tried(seen.page)
            before = seen.page.signature
            if isinstance(decision, Step):
                self._state.doubts += decision.doubts
            self._act(seen, decision)
        return Stop(f"no callback after {MOST_PAGES} pages", ours=True)

    def _decided(self, before: tuple[object, ...]) -> tuple[_Seen, Step | Follow | Stop, State]:
        """Wait until scripts have drawn something to act on, and return what to do."""
        began = clock.stopwatch()
        while True:
            waited = clock.stopwatch() - began
            seen, decision, after = self._look()
            same = seen.page.signature == before
            if self._callback or (not same and not isinstance(decision, Stop)):
                return seen, decision, after
            final = isinstance(decision, Stop) and not decision.ours and self._status >= 400
            if final or waited > (CHANGING_SECONDS if same else DRAWING_SECONDS):
                return seen, decision, after
            self._page.wait_for_timeout(POLL_MS)

    def _look(self) -> tuple[_Seen, Step | Follow | Stop, State]:
        """Return the first frame with something to act on; else the page itself."""
        from playwright.sync_api import Error

        first: tuple[_Seen, Step | Follow | Stop, State] | None = None
        for frame in self._page.frames:
            try:
                seen = _Seen(frame)
            except Error:  # the frame is being replaced
                continue
            state = copy.deepcopy(self._state)
            decision = decide(seen.page, state, self._status if frame == self._page.main_frame else 200)
            if not isinstance(decision, Stop):
                return seen, decision, state
            first = first or (seen, decision, state)
        if first is None:
            self._page.wait_for_timeout(POLL_MS)
            return self._look()
        return first

    def _act(self, seen: _Seen, decision: Step | Follow) -> None:
        """Type, tick and click what was decided."""
        if isinstance(decision, Follow):
            if decision.ref >= 0:
                self._click(seen.element(decision.ref))
            else:
                self._page.goto(decision.url, wait_until="domcontentloaded")
            return
        controls = {control.ref: control for control in decision.form.controls}
        for ref, value in decision.values.items():
            element, control = seen.element(ref), controls[ref]
            if element is None:
                continue
            if isinstance(value, bool):
                if value != control.checked and (value or control.kind != "radio"):
                    element.evaluate("box => box.click()")
            elif control.kind == "select":
                element.select_option(list(value) if isinstance(value, tuple) else value)
            elif isinstance(value, str):
                element.fill(value)
        if decision.button is not None:
            self._click(seen.element(decision.button.ref))
        elif typed := next((c for c in decision.form.controls if c.ref in decision.values and c.typed), None):
            seen.element(typed.ref).press("Enter")
        elif decision.form.controls:
            seen.element(decision.form.controls[0].ref).evaluate("field => field.form && field.form.submit()")

    @staticmethod
    def _click(element: Any) -> None:
        """Click like a member; by script when something covers the element."""
        from playwright.sync_api import Error

        try:
            element.click(timeout=CLICK_MS, no_wait_after=True)
        except Error:
            with suppress(Error):
                element.evaluate("button => button.click()")

    def _route(self, route: Any) -> None:
        """Catch the callback without requesting it, and block what the guard does not allow."""
        url = route.request.url
        if is_callback(url, self._redirect_uri):
            posted = route.request.post_data if route.request.method == "POST" else ""
            joint = "&" if "?" in url else "?"
            self._callback = self._callback or (f"{url}{joint}{posted}" if posted else url)
            route.fulfill(status=200, content_type="text/plain", body="done")
        elif self._guard.refuses(url, "page"):
            route.abort()
        else:
            route.continue_()

    def _note(self, response: Any) -> None:
        """Keep every document that the browser opens as an exchange."""
        request = response.request
        if request.resource_type != "document" or is_callback(response.url, self._redirect_uri):
            return
        address = shown(response.url, "sign-in")
        self._exchanges.append(Exchange(request.method, address, response.status, 0.0, "sign-in"))
        if response.frame == self._page.main_frame and not 300 <= response.status < 400:
            self._status = response.status
