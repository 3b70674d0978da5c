"""The developer site answers under /developer: addresses, documentation, registration of apps.

May import: `web` and what is below it. Source: 42 CFR 422.119(d).
"""
