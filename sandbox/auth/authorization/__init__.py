"""An authorization request is checked here, and its decision goes back to the app.

May import: what `auth` may import.
"""
