"""The population fills libraries: it generates synthetic members or imports FHIR files, and builds once.

May import: `synth`, `store`, `fhir`, `settings`, `core`. Must never: import an API or know HTTP.
"""
