"""Faults: the verbs (`effects/`), the scenario files that use them, and the gates that apply them.

May import: `core`, `fhir`, `auth` (verbs change their types), pydantic. Must never: be imported by the
packages that pass values through gates, read the wall clock, or draw unseeded randomness.
Terms: a *scenario* changes the payer's profile and adds rules; a *rule* says when a verb applies; an
*effect* is a verb with its parameters; a *selection* is scenarios with the values of their parameters, in a
session; *expect* is the expected score, *shows* what a client sees.
The verb determines the gate, so YAML does not name it. Scenarios combine by listing, without inheritance. A
parameter replaces an entire value, without templates. Equal selections have the same state.
"""
