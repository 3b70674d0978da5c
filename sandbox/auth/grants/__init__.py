"""Grants of the token endpoint, one module for each grant type, run by Authlib.

They import what `auth` may import.
"""
