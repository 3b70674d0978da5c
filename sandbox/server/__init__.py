"""The server: composition root, `serve`, TLS, the payer in this process, and the HTTP server itself.

`app` wires the packages into a WSGI app and is the only module that knows them all; `serve` serves it,
under gunicorn (`worker`) or, as on Windows, alone; `embedded` runs it inside another program. In front of
it is an asyncio loop: connections and their deadlines (`protocol`), the ASGI application that runs the WSGI
app in threads and waits for it without one (`gateway`), and the server itself (`runner`).
May import: `population`, `apis` and what is below them. The modules of the HTTP server import `core`,
`store.secret` and `web.errors.refusals` only; they do not know what a payer is.
Decision: docs/adr/0001-waiting-without-threads.md.
"""
