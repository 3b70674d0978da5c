"""The grader scores any payer's Patient Access API from outside, over HTTP, against a rubric.

Requests are sent by `http`, `signin`, `collect`, `instruments`, `trust` and put in order by `examination`.
`evidence` holds what was seen. `checks`, `rubric`, `editions` and `causes` judge it; `card`, `report` and
`guidance` present the result, `fleet` that of many payers. `traffic` reads logs and `fhir` reads FHIR; `lint`
reports what the rubric does not count. Only the packages that send requests touch the network.
May import: core, httpx, pydantic, orjson, rich, Jinja; Playwright where a sign-in script asks for it.
Must never: import the server or the author; read the journal, the scenario list or `Sandbox-Effects`
of the payer it grades; follow links into networks it was not pointed at; keep a token in evidence.
Words: an *exchange* is one request and its answer; an *observation* is a named finding, seen or unseen;
a *verdict* is what a check makes of it; a *band* is the rubric's row that a verdict falls into; the
*card* lists all verdicts with their points; a *claim* is what a payer says of itself; *instruments* are what
it lends a grader (accounts, a clock, fresh payers).
Start at `run.grade`.
"""
