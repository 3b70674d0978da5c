"""payer-sandbox: a US health payer in a box, and a grader for real ones.

Floors, top to bottom: `cli` · `app` · `web` · `faults` · `auth` · `store` · `fhir` · `core`.
Two towers beside them: `synth` (the author) and `score` (the examiner); both import `core` only.
Each room's `__init__` is its door plate: what lives there, what it may import, what it must never do.
"""

__version__ = "0.1.0"
