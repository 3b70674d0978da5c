"""The library holds resources as finished bytes, with index rows that searches become SQL over.

May import: `core`, `fhir`, `store.address`, `store.driver`.
"""
