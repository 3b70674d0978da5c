"""One tenant's part of the ledger, a noun a module: its tables, their rows as frozen dataclasses, and what
can be done with them.

May import: `core`, `store.driver`, `store.secret`. Must never: decide policy, keep anything in the process.
Decision: every noun is a `Part` (its methods are a view of one tenant); `store.ledger.database.TenantLedger`
is all of them together and the one thing that callers hold.
"""
