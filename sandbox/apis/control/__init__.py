"""The control API answers under /_sandbox, for whoever runs the payer; `client` calls it from outside.

May import: `web` and what is below it.
"""
