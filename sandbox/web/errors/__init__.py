"""Errors become answers here: `handlers` for Flask, `exceptions` and `refusals` where Flask does not answer.

May import: `web` and what is below it.
"""
