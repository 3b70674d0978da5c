"""The server: the composition root, gunicorn, TLS, the payer in this process, and the HTTP server itself.

`app` wires the packages into a WSGI app and is the only module that knows them all; `gunicorn` serves it,
`embedded` runs it in this process. In front of it is an asyncio loop: connections and their deadlines
(`protocol`), the ASGI application that runs the WSGI app in threads and waits for it without one (`gateway`),
the WSGI environ (`environ`), the server itself, in a thread or in a gunicorn worker (`runner`, `worker`).
May import: `population`, `apis` and what is below them. The modules of the HTTP server import `core`,
`store.secret` and `web.errors.refusals` only; they do not know what a payer is.
Decision: docs/adr/0001-waiting-without-threads.md.
"""
