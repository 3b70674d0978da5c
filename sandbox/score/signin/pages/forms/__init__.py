"""A form of a sign-in page: what its controls ask for, how a login is filled, which button is pressed.

May import: what `signin.pages` may import.
"""
