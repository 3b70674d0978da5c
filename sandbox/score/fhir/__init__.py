"""FHIR is read here as an app reads it: Bundles, references, XML, and JSON with odd values in it.

May import: `core`, `score.http`. Must never: ask for anything.
"""
