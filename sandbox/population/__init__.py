"""Build libraries: from generated synthetic members or from imported FHIR files.

May import: `synth`, `store`, `fhir`, `settings`, `core`. Must never: import an API or know HTTP.
"""
