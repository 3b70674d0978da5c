"""Clients are registered apps: their metadata, redirect URIs, keys, and how they authenticate.

May import: what `auth` may import.
"""
