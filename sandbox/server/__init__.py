"""The HTTP server: an asyncio loop in front of the WSGI app.

Lives here: connections and their deadlines (`protocol`), the ASGI application that runs the WSGI app in
threads and waits for it without one (`gateway`), the WSGI environ (`environ`), the server itself, in a
thread or in a gunicorn worker (`runner`, `worker`). May import: `core`, `web.early`. Must never: import
Flask, know what a payer is.
Decision: docs/adr/0001-waiting-without-threads.md.
"""
