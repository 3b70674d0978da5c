"""The rows of the report card by topic: sign-in, tokens, reads, retries, recovery."""
