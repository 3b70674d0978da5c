"""What every package uses: clock, errors, files, gates, the payer's profile, members.

May import: the standard library, PyYAML, orjson. Must never: do I/O beyond reading the file it is
given, know HTTP frameworks, or import another package.
Words: a *gate* is a point of a request where a fault can act; a *payer profile* is the set of policies that
a payer decides; an *account* is a member's login with what eligibility needs to know.
"""
