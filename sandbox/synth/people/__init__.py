"""Draw people: households, their members and policies, and the provider network.

May import: `core`, `synth.config`, `synth.facts`.
"""
