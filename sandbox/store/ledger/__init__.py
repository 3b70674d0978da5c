"""The ledger holds everything that changes while a payer runs, by tenant, with its quotas and retention.

May import: `core` and the modules of `store`. Must never: decide policy.
"""
