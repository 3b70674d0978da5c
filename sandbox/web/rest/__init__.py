"""The RESTful interactions of FHIR, for every API that serves resources: reads, versions, searches.

An API adds `rest_operations()` to its own, and `lookups` and `stored_read` where its callers have tokens.

May import: `web` and what is below it.
"""
