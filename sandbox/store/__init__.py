"""The store keeps a library (built once, read-only) and a ledger (everything that changes).

Lives here: SQL, through SQLAlchemy Core; SQLite files by default.
May import: `core`, `fhir`. Must never: keep anything mutable in the process (any worker must be able
to answer any request), know HTTP, decide policy.
Words: *library* = resources as finished bytes with their index rows; *ledger* = codes, tokens,
grants, opt-ins, counters, clocks, journal; *tenant* = a payer prefix (scenario set and session),
"" for the default one. Reset = empty a tenant's part of the ledger. `ledger.database.TenantLedger` is what
callers hold; its nouns are in `ledger.repositories`. `layered` reads a library and written resources as one.
Decisions: a library is written (`library.write`) beside its place and renamed when whole, so a killed build
leaves none that opens. Tokens, codes and secrets are stored as SHA-256 only.
"""
