"""HTTP itself is here: headers, compression, the origin of a request, waits.

May import: `core` and `web`.
"""
