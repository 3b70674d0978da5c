"""Turns logs of real use (NDJSON, HAR, the sandbox's own journal) into observations.

They have the names and shapes of those that probing makes (see `collect`), so the same checks judge both.
May import: `core`, pydantic, `score.http`, `score.signin`, `score.evidence`, `score.requests`.
Must never: send a request.
"""
