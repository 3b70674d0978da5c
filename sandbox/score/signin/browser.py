"""Signs in by hand: with the person's own browser, and a callback on this machine (RFC 8252 §7.3)."""

from __future__ import annotations

import socketserver
import threading
import webbrowser
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from sandbox.core.errors import UsageError
from sandbox.score.signin.launch import Driver, SignInAccount, SignInSession
from sandbox.score.signin.page_flow import Ended

TIMEOUT_SECONDS = 300.0
_PAGE = "<!doctype html><html lang=en><title>Done</title><p>{} You can close this page.</p></html>"
_DONE, _REFUSED = "You are signed in.", "The payer refused the sign-in. The score card will say why."


class Callback:
    """Listens for one callback at `redirect_uri`. Use it as a context manager."""

    def __init__(self, redirect_uri: str = "") -> None:
        """Raises UsageError for a URI that is not http on this machine, or a port that is taken."""
        parts = urlsplit(redirect_uri or "http://127.0.0.1:0/callback")
        if parts.scheme != "http" or parts.hostname not in ("127.0.0.1", "localhost"):
            raise UsageError("--browser needs a redirect URI on this machine: http://127.0.0.1:PORT/PATH")
        self._path, self._came, self._url = parts.path or "/", threading.Event(), ""
        try:
            # threads, since browsers open connections in advance that they do not use
            self._server = ThreadingHTTPServer(("127.0.0.1", parts.port or 0), self._handler())
        except OSError as problem:
            raise UsageError(f"cannot listen for the callback: {problem.strerror}") from None
        port = self._server.server_address[1]
        self.redirect_uri = f"http://{parts.hostname}:{port}{self._path}"

    def __enter__(self) -> Callback:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait(self, seconds: float) -> str:
        """Return the URL that was called; empty when none was in time."""
        return self._url if self._came.wait(seconds) else ""

    def _handler(self) -> Callable[..., socketserver.BaseRequestHandler]:
        callback = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                parameters = parse_qs(parts.query)
                mine = parts.path == callback._path and bool({"code", "error"} & parameters.keys())
                self.send_response(200 if mine else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.end_headers()
                if mine:
                    self.wfile.write(_PAGE.format(_DONE if "code" in parameters else _REFUSED).encode())
                if mine and not callback._came.is_set():
                    callback._url = callback.redirect_uri + "?" + parts.query
                    callback._came.set()

            def log_message(self, format: str, *args: object) -> None:
                """Print nothing: the path holds a code."""

        return Handler


def driver(
    callback: Callback,
    tell: Callable[[str], None],
    show: Callable[[str], bool] = webbrowser.open,
    timeout: float = TIMEOUT_SECONDS,
) -> Driver:
    """Return a driver that opens the authorize URL for the person and waits for the callback."""

    def drive(start: str, account: SignInAccount) -> Ended | SignInSession:
        tell(f"Sign in in your browser:\n{start}")
        show(start)
        if url := callback.wait(timeout):
            return Ended(url)
        return SignInSession("UNWALKED", f"nobody returned to the app within {timeout:.0f} s")

    return drive
