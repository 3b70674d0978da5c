"""Renderers turn facts into FHIR, one module for each kind of resource or claim.

They import the facts, the record and `synth.fhir`; `synth.fhir.registry` lists them.
"""
