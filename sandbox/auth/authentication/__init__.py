"""Clients authenticate here: by secret, by a signed assertion, or (public ones) by their name alone.

May import: what `auth` may import.
"""
