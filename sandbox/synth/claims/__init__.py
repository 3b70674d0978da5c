"""Claims come of stories here, and are adjudicated.

May import: `core`, `synth.config`, `synth.facts`, `synth.people`.
"""
