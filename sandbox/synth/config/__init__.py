"""The files of `fixtures/` become dataclasses here: shares, code sets, names, named members.

May import: `core`, `synth.facts`, pydantic.
"""
