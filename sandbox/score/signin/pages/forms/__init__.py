"""Forms of sign-in pages: what controls ask for, how a login is filled, which button is pressed.

May import: what `signin.pages` may import.
"""
