"""The grader scores any payer's Patient Access API from outside, over HTTP, against a rubric.

Asking: `http`, `signin`, `collect`, `instruments`, `trust`. What was seen: `evidence`. Judging: `checks`,
`rubric`, `editions`, `causes`. Telling: `card`, `report`, `guidance`, and over many payers `fleet`. Logs
are read in `traffic`, FHIR in `fhir`; what the rubric does not count is found in `lint`. Only those that
ask touch the network; the rest is pure.
May import: core, httpx, pydantic, orjson, rich, Jinja; Playwright where a sign-in script asks for it.
Must never: import the server or the author; read the journal, the scenario list or `Sandbox-Effects`
of the payer it grades; follow links into networks it was not pointed at; keep a token in evidence.
Words: an *exchange* is one request and its answer; an *observation* is a named finding, seen or unseen;
a *verdict* is what a check makes of it; a *band* is the rubric's row that a verdict falls into; the
*card* is the sum; a *claim* is what a payer says of itself; *instruments* are what it lends a grader.
Start at `run.grade`.
"""
