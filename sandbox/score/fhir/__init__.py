"""Reads FHIR as an app does: Bundles, references, XML, and JSON with invalid values in it.

May import: `core`, `score.http`. Must never: send a request.
"""
