"""The HTTP client of the grader goes only where its guard lets it, and bounds what comes back.

May import: `core`, `score.evidence`, `score.lint`.
"""
