"""Collects observations over HTTP: documents, sign-ins, syncs, former members, the refresh token.

May import: `core`, `score.http`, `score.fhir`, `score.lint`, `score.signin`, `score.instruments`. Must never:
judge. `score.examination` puts the parts in order.
"""
