"""The search language turns parameters into a query of clauses, values and includes.

May import: `core`, `fhir.dates` and `fhir.schema`.
"""
