"""Grade many endpoints and report on all of them together.

A *fleet* is a file of endpoints. A *result* is one endpoint's card in a file of its own, so that a run that
was killed continues where it stopped. The *survey* combines all results.

May import: the examiner, core, pydantic. Must never: import the server, or know which of the endpoints are
sandboxes (only `demo` builds such a fleet).
"""
