"""The configuration of a population is read here: shares, code sets, names, the members of the fixtures.

May import: `core`, `synth.facts`.
"""
