"""The yearly usage report: how many members' data went to apps, and to how many more than once.

Source: 42 CFR 422.119(f), added by CMS-0057-F (spec REG-60): aggregated and de-identified, by calendar
year, due on March 31 of the next. A transfer is a day on which an app read a member's data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

_NOT_DATA = ("/fhir/metadata", "/fhir/.well-known")


def report(entries: Iterable[Mapping[str, Any]], year: int) -> dict[str, Any]:
    """Counts of a calendar year, from the journal. No member is named."""
    days: dict[str, set[tuple[str, str]]] = {}
    apps: set[str] = set()
    for entry in entries:
        member, path = entry.get("member"), entry["path"]
        if (
            entry["at"].startswith(f"{year:04}-")
            and entry["status"] == 200
            and member
            and path.startswith("/fhir/")
            and not path.startswith(_NOT_DATA)
        ):
            app = entry.get("client") or ""
            days.setdefault(member, set()).add((app, entry["at"][:10]))
            apps.add(app)
    return {
        "year": year,
        "level": "contract",
        "id": "H9999",
        "unique_patients": len(days),
        "unique_patients_multiple": sum(len(found) > 1 for found in days.values()),
        "apps": len(apps),
        "due": f"{year + 1:04}-03-31",
    }
