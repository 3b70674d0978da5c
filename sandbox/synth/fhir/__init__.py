"""FHIR resources are made here of facts, in the editions of the guides; `renderers` has one module a kind.

May import: `core` and the other folders of `synth`.
"""
