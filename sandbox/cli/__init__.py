"""The command line: `main` declares the commands, the other modules implement them.

May import: every other package; each command imports what it needs when it runs, so that `--help` is instant.
Must never: be imported by them.
"""
