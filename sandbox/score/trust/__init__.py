"""Checks that a score can be trusted: attempts to break in, and requests under another User-Agent.

May import: `core` and the packages of `score` that send requests. Must never: judge.
"""
