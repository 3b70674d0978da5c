"""A member signs in here, over HTTP, by hand, by script or with a Chromium; and an app gets its tokens.

May import: `core`, `score.http`, `score.fhir`, `score.evidence`; Playwright where a script asks for it.
"""
