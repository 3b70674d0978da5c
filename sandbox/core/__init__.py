"""The core is what every package uses: clock, errors, files, gates, the payer's profile, members.

May import: the standard library, PyYAML, orjson. Must never: do I/O beyond reading the file it is
given, know HTTP frameworks, or import another package.
Words: a *gate* is a point in a request where an accident may happen; a *payer* is the frozen set of
policies a payer decides; an *account* is a member's login and what eligibility needs to know.
"""
