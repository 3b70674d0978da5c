"""The member portal answers under /portal and /member: sharing, connected apps, education.

May import: `web` and what is below it.
"""
