"""Render facts as FHIR resources, in the editions of the guides. `renderers` has one module per kind.

May import: `core` and the other folders of `synth`.
"""
