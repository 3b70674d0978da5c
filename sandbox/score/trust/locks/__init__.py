"""Attempts to get at members' records as a stranger would, with nothing but what the payer lends.

One module for each kind of lock. An attempt changes nothing and is made once; a lock that gives way is a
finding of the gravest level. May import: the client, sign-in, tokens, bundles. Must never: score.
"""
