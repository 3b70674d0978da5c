"""Floor 3c: the client's report card: what a journal says of the app that made it.

Lives here: the reading of journals, one judgement for each row, the card and its forms. The judgement
is pure: exchanges and an instant in, rows out. Nothing is asked of a payer, nothing is written.
May import: `core`, `fhir` and `auth` (which types an `_include` brings, how a scope is read). Must never:
read a clock or a store, know Flask, or look at what the app cannot help (the payer's own faults).
Words: an *exchange* is an entry of the journal; a *story* is what one app did, in order; a *row* asks
one thing of it; a *finding* is pass, fail or not exercised, with the exchanges that show it.
Decisions: below `web`, since `/_sandbox/review` shows the card, and above `auth`, whose grammar of
scopes it reads; beside `faults`, which it does not import: what a scenario did is told by the names in the
journal, so that a journal saved elsewhere can be judged here. What cannot be seen from the payer's side is
never a pass.
"""
