"""A tenant's library: what was built, and over it what the tenant's clients have written.

May import: the modules of `store` and `fhir`. Must never: write to either layer.
"""
