"""Instruments are what a payer lends a grader: its facts document, a clock, a fresh payer.

May import: `core` and the packages of `score` that ask.
"""
