"""The state of the payers: many endpoints graded side by side, and what they are worth together.

A *fleet* is a file of endpoints; a *result* is one endpoint's card, a file of its own, so that a run that
was killed goes on where it stopped; the *survey* is the sum. May import: the examiner, core, pydantic.
Must never: import the server; know which of the endpoints are sandboxes (only `demo` makes such a fleet).
"""
