"""Signs members in (over HTTP, by hand, by script or with a Chromium) and gets tokens for the app.

May import: `core`, `score.http`, `score.fhir`, `score.evidence`; Playwright where it is needed.
"""
