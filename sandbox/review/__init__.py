"""The report card of a client app, from the payer's journal of its requests.

The package reads journals, judges each row, and renders the card. The judgment is pure: exchanges and an
instant go in, rows come out. It sends no request and writes no file.

It may import `core` and `fhir` (the types that an `_include` returns). It must not read a clock or a store,
import Flask, or judge what the app cannot change (the payer's own faults).

An *exchange* is an entry of the journal. A *story* is all that one app did, in order. A *row* is one
requirement. A *finding* is pass, fail or not exercised, with the exchanges that show it. What the payer
cannot observe is never a pass. The effects of a scenario are known by their names in the journal only, so
that a journal that was saved elsewhere can be judged.
"""
