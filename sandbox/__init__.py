"""payer-sandbox is a US health payer in a box, and a grader for real ones.

Layers, top down: `cli`, `server`, `population`, `apis`, `web`, `faults`, `auth`, `store`, `fhir`, `core`.
Beside them: `synth` (the author of the population) and `score` (the grader) import `core` only; `review`
makes the report card of a client app.
Each package's `__init__` says what lives there, what it may import, what it must never do.
"""

__version__ = "0.1.0"
