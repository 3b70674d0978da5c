"""The HTTP toolkit serves every API: requests, errors, CORS, the journal, pages. Flask lives here.

May import: `faults` and what is below it. Must never: decide policy (auth does), touch SQL (store does), know
which scenario is in force (it only runs the REQUEST, AUTHORIZE and RESPONSE gates).
Words: a *visit* is everything known of the request in hand; it is made once, on arrival (`request`).
Decisions: the scenario prefix becomes WSGI's SCRIPT_NAME, so that every URL carries it by itself. The
control API answers loopback callers that name a loopback host, or whoever holds the key: a web page
that resolves to 127.0.0.1 gets nothing. A preflight is answered before the REQUEST gate; CORS marks are
set after the RESPONSE gate, so that a browser app can read what a scenario did to it. A pin is found
once, on arrival, from what the request carries. Hot reads that nothing can happen to are answered
beneath Flask (`dispatch`): Flask's dispatch is half of what they cost, and both ways are held side by side.
"""
