"""Errors become answers here: `handlers` inside the app, `refusals` where Flask does not answer.

May import: `web` and what is below it.
"""
