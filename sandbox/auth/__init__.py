"""The SMART on FHIR authorization server decides who may read what.

Lives here: scopes, eligibility and consent (pure), the `context` of a decision, the grants of the token
endpoint, and folders for clients, their authentication, authorization requests and tokens. May import:
`core`, `fhir`, `store`, Authlib, joserfc, httpx (for a client's keys). Must never: import Flask, read
`flask.g`, know that scenarios exist (it only runs the AUTHORIZE and TOKEN gates).
Terms: a *choice* is a patient whose data a person who signed in may share; a *plan* is a token before it is
issued; *access* is what a bearer token allows.
Decisions: Authlib runs the token endpoint through its framework-free core (`authlib_adapter`). The authorize
endpoint is checked by a pure function of our own: SMART fixes an order of errors, and Authlib's hooks are an
unordered set. A code is spent by one conditional UPDATE after every other check, so a wrong verifier does not
spend it, and of several calls at once one succeeds.
"""
