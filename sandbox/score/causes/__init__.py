"""Find why a metric lost points or was not seen, and the exchanges that show it.

A cause has an id. `guidance` says what the id means, what the payer can do about it, and what the person
who grades can do. Start at `find`.
"""
