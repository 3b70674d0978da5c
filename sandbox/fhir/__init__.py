"""FHIR R4 as a query language is here: parameters, searches, Bundles, reads, capability statements.

`schema` has THE table of search parameters (`types`), from which parsing, indexing and the
CapabilityStatement all follow; `search` parses; `reader` answers over a `Library`, which `store` implements.
May import: `core`. Must never: know a database, HTTP, OAuth or scenarios.
Words: a *row* is what the index keeps of a resource; *stored* is a resource as finished bytes; a
*page* is one screen of results; the *compartment* is everything that belongs to one patient;
*shared* types (Organization, Practitioner) belong to no patient and may be read by every member.
Decision: `$everything` and searches are ordered by the library's own key, which also breaks the ties
of `_sort`, so that paging is stable. Every page of a walk is the library as it was at the first.
"""
