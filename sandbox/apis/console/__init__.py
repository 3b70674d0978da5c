"""The console answers under /console, for whoever runs the payer: its requests, scenarios, clock and members.

May import: `web` and what is below it.
"""
