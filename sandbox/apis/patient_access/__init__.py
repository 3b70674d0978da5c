"""The Patient Access API answers under /fhir: reads, searches, operations, batch, and what it says of itself.

May import: `web` and what is below it. Source: 42 CFR 422.119, CARIN Blue Button, US Core.
"""
