"""The schema says what types, search parameters and paths there are, and what a resource must have.

May import: `core` and `fhir.dates`.
"""
