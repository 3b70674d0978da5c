"""Floor 3b: accidents: a vocabulary of verbs (`effects/`), and the sentences made of them (scenarios).

Lives here: the scenario format, the catalogue, and the gates that a scenario binds for one request.
May import: `core`, `fhir`, `auth` (effects transform their types), pydantic. Must never: be imported
by the rooms it disturbs, read the wall clock, or draw unseeded randomness.
Words: a *scenario* is a change of character plus rules; a *rule* is when → then; an *effect* is one
verb with its parameters; a *dial* is a parameter that a scenario declares; a *selection* is scenarios
at settings, in a session; *expect* is what the rubric must say of it, *shows* what a client sees.
Decisions: the stage is not written in YAML, the verb implies it. Scenarios combine by listing, there
is no inheritance; a dial fills whole values, there are no templates. Equal selections are one tenant.
"""
