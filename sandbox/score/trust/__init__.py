"""Trust in a score is checked here: locks that must hold, and the same answers under another name.

May import: `core` and the packages of `score` that ask. Must never: score.
"""
