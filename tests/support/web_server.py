"""Web servers that are not ours: sites of apps, of key sets and of other payers, on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, dict[str, str], bytes | Iterable[bytes]]
"""Status, headers and body; a body in parts has no Content-Length."""


@contextmanager
def web_server(answer: Callable[[BaseHTTPRequestHandler, bytes], Answer]) -> Iterator[str]:
    """A server that answers by a function of the request and its body. Yields its origin."""

    class Handler(BaseHTTPRequestHandler):
        def _any(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            status, headers, body = answer(self, self.rfile.read(size))
            whole = isinstance(body, bytes)
            self.send_response(status)
            for name, value in (headers | ({"Content-Length": str(len(body))} if whole else {})).items():
                self.send_header(name, value)
            self.end_headers()
            with suppress(OSError):  # the caller may have left
                for part in [body] if whole else body:
                    self.wfile.write(part)

        do_GET = do_POST = _any  # noqa: N815  http.server's names

        def log_message(self, format: str, *args: object) -> None:
            """Tests are quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
