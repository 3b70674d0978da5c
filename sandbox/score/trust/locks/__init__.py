"""Tries to read members' records as an attacker would, with only what the payer lends.

Each kind of attempt is a module. An attempt changes nothing and is made once; one that succeeds is a finding
of the level `critical`. May import: `core` and the packages of `score` that send requests. Must never: judge.
"""
