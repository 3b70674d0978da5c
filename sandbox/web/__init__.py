"""Floor 4: HTTP in, HTTP out. Flask lives here, and server-rendered pages.

May import: every floor below. Must never: decide policy (auth does), touch SQL (store does), know
which scenario is in force (it only runs the REQUEST, AUTHORIZE and RESPONSE gates).
Words: a *visit* is everything known of the request in hand (tenant, payer, clock, gates, addresses);
it is made once, on arrival, and lives in `flask.g`.
Decisions: the scenario prefix becomes WSGI's SCRIPT_NAME, so that every URL the server builds carries
it by itself. The control API answers loopback callers that name a loopback host, or whoever holds
the key: a web page that resolves to 127.0.0.1 gets nothing. A preflight is answered before the
REQUEST gate and is journalled; CORS marks are set after the RESPONSE gate, so that a browser app can
read what a scenario did to it. A pin (a scenario chosen at login) is found once, on arrival, from what
the request carries; no handler and no grant knows of it.
"""
