"""The SMART on FHIR authorization server decides who may read what.

Lives here: scopes, eligibility and consent (pure), the `context` of a decision, and folders for clients,
authorization requests, grants and tokens. May import: `core`, `fhir`, `store`, Authlib, joserfc, httpx (for a
client's keys). Must never: import Flask, read `flask.g`, know that scenarios exist (it only runs the
AUTHORIZE and TOKEN gates).
Words: a *desk* is everything one request needs to decide (payer, clock, ledger, gates…); a *choice*
is a patient whose data somebody who signed in may share; a *plan* is a token before it is minted;
*access* is what a bearer token turned out to allow.
Decisions: Authlib runs the token, revocation and introspection endpoints through its framework-free
core. The authorize endpoint is checked by our own pure function: SMART fixes an order of errors, and
Authlib's hooks are an unordered set whose returns are dropped. A code is spent by one conditional
UPDATE after every other check, so a wrong verifier does not burn it and a race has one winner.
"""
