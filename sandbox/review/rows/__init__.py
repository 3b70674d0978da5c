"""The rows of the card by what they look at: signing in, tokens, reading, manners, and coping."""
