"""Causes: why a metric lost points, or was not seen, and the exchanges that show it.

A cause is found in the evidence, beside the check that judges it, and named by a word. `guidance` says what
the word means, what the payer can do about it, and what the person who grades can do. Start at `find`.
"""
