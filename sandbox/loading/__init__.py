"""`serve --data`: other people's files as the contents of a library."""

from sandbox.loading.contents import ACCOUNTS, load, logins
from sandbox.loading.kept import kept
from sandbox.loading.report import Report

__all__ = ["ACCOUNTS", "Report", "kept", "load", "logins"]
