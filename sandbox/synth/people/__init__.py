"""People are drawn here: households, their members and policies, and the network that treats them.

May import: `core`, `synth.config`, `synth.facts`.
"""
