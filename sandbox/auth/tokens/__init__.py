"""Tokens are issued, read, introspected and revoked here: access tokens and id_tokens.

May import: what `auth` may import.
"""
