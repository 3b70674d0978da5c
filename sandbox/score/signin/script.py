"""Signs in by a script: your function drives a Playwright page through the payer's pages.

    def sign_in(page, account):
        page.fill("#user", account.username)
        page.fill("#password", account.password)
        page.click("text=Log in")

The page shows the payer's first page; the function may return anywhere before the callback.
Playwright is optional: `pip install playwright`.
"""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sandbox.core.errors import FileProblem, UsageError
from sandbox.score.signin.launch import Driver, SignInAccount, SignInSession
from sandbox.score.signin.page_flow import Ended, is_callback

TIMEOUT_MS = 30_000.0


def load(path: Path) -> Callable[[Any, SignInAccount], None]:
    """Load `sign_in` of a script. Raises FileProblem without one, UsageError without Playwright."""
    if not path.is_file():
        raise FileProblem(f"{path}: no such file")
    try:
        sign_in = runpy.run_path(str(path)).get("sign_in")
    except Exception as problem:  # the script is the user's own: say what is wrong with it
        raise FileProblem(f"{path}: {type(problem).__name__}: {problem}") from None
    if not callable(sign_in):
        raise FileProblem(f"{path}: has no function sign_in(page, account)")
    try:
        import playwright.sync_api  # noqa: F401
    except ImportError:
        raise UsageError("--sign-in-script needs Playwright: pip install playwright") from None
    hook: Callable[[Any, SignInAccount], None] = sign_in
    return hook


def driver(
    hook: Callable[[Any, SignInAccount], None],
    redirect_uri: str,
    executable: str | None = None,
    timeout_ms: float = TIMEOUT_MS,
) -> Driver:
    """Return a driver with a browser per attempt. The callback is caught and never requested.

    `timeout_ms` is for the script's actions, and for the callback after it.
    """

    def drive(start: str, account: SignInAccount) -> Ended | SignInSession:
        from playwright.sync_api import Error, sync_playwright

        caught: list[str] = []
        try:
            with sync_playwright() as play:
                browser = play.chromium.launch(executable_path=executable, args=["--no-sandbox"])
                try:
                    page = browser.new_context().new_page()
                    page.set_default_timeout(timeout_ms)
                    page.set_default_navigation_timeout(TIMEOUT_MS)

                    def catch(route: Any) -> None:
                        caught.append(route.request.url)
                        route.fulfill(status=200, body="done")

                    page.route(lambda url: is_callback(url, redirect_uri), catch)
                    page.goto(start)
                    if not caught:
                        hook(page, account)
                    for _ in range(50):
                        if caught:
                            break
                        page.wait_for_timeout(timeout_ms / 50)
                finally:
                    browser.close()
        except Error as problem:
            if not caught:
                why = problem.message.splitlines()[0] if problem.message else "no reason given"
                return SignInSession("UNWALKED", f"the sign-in script stopped: {why[:120]}")
        except Exception as problem:  # a user's script may raise anything; the attempt has failed
            return SignInSession("UNWALKED", f"the sign-in script failed: {type(problem).__name__}")
        if caught:
            return Ended(caught[0])
        return SignInSession("UNWALKED", "the sign-in script ended before the callback")

    return drive
