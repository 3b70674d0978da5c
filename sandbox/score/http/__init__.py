"""The HTTP client of the grader: it connects only to allowed addresses, and limits what it reads.

May import: `core`, `score.evidence`.
"""
