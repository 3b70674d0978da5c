"""`serve --data`: other people's files as the contents of a library."""

from sandbox.population.import_fhir.contents import ACCOUNTS, load, logins
from sandbox.population.import_fhir.report import Report, kept

__all__ = ["ACCOUNTS", "Report", "kept", "load", "logins"]
