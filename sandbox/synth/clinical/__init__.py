"""The clinical record is derived here from claims and events.

May import: `core`, `synth.config`, `synth.facts`, `synth.people`.
"""
