"""Logs of real use: read (NDJSON, HAR, the sandbox's own journal), cut to the window, told as observations.

What a log shows gets the names and shapes that probing gives (see collect), so the same checks judge both.
May import: core, pydantic, and of the examiner answers, evidence, outcomes, requests.
Must never: the network.
"""
