"""Observations are collected here, in order, over HTTP. Nothing is judged.

May import: `core` and the packages of `score` that ask. Start at `examination`.
"""
