"""The members of a hand-scored payer and the records it holds of each: plain FHIR in dictionaries.

One member's records as they come: 1 Patient, 1 Coverage, 20 ExplanationOfBenefit of 4 providers, and two of
each of four clinical types: 30 resources, and 4 references to what no search shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from fake_payer import LAPSES, LINES

Resource = dict[str, Any]

ANCHOR = date(2026, 1, 1)
CLINICAL = ("AllergyIntolerance", "Immunization", "Procedure", "Encounter")
CLAIMS, PROVIDERS = 20, 4
_SUBJECT = {"Coverage": "beneficiary", "Procedure": "subject", "Encounter": "subject", "Device": "patient"}


@dataclass(frozen=True)
class Person:
    """A test account and the member behind it."""

    username: str
    role: str = "eligible"
    line: str = "qhp"
    coverage_end: date | None = None
    password: str = "correct horse"

    @property
    def patient(self) -> str:
        return f"pat-{self.username}"

    @property
    def number(self) -> int:
        """The number in a user name: 7 of `member07`."""
        return int("".join(letter for letter in self.username if letter.isdecimal()) or 0)

    def lent(self) -> dict[str, Any]:
        """The account as a facts document lends it."""
        ended = self.coverage_end.isoformat() if self.coverage_end else None
        return {
            "username": self.username,
            "password": self.password,
            "role": self.role,
            "line": self.line,
            "coverage_end": ended,
        }


def roster(eligible: int = 39, lines: Iterable[str] = LINES, lapsed: Iterable[int] = LAPSES) -> list[Person]:
    """Eligible members of the lines in turn, one ineligible, one who never opened the portal, the lapsed."""
    names = list(lines)
    people = [Person(f"member{n:02}", line=names[n % len(names)]) for n in range(eligible)]
    people += [Person("starts-next-month", "ineligible"), Person("never-opened", "not-opted-in")]
    ended = {days: ANCHOR - timedelta(days=days) for days in lapsed}
    return people + [Person(f"former{days}", f"lapsed-{days}", "qhp", end) for days, end in ended.items()]


def subject_of(kind: str) -> str:
    """The element that names whose record a resource is."""
    return _SUBJECT.get(kind, "patient")


def records(
    person: Person, clinical: Iterable[str] = CLINICAL, claims: int = CLAIMS, providers: int = PROVIDERS
) -> list[Resource]:
    """All that the payer holds of one member."""
    made = _claims(person, claims, providers)
    return [_patient(person), _coverage(person), *made, *_clinical(person, clinical)]


def _patient(person: Person) -> Resource:
    return {"resourceType": "Patient", "id": person.patient, "name": [{"family": f"Of {person.username}"}]}


def _coverage(person: Person) -> Resource:
    started = {"ineligible": "2026-02-01"}.get(person.role, "2014-01-01")
    period = {"start": started}
    if person.coverage_end:
        period["end"] = person.coverage_end.isoformat()
    return {
        "resourceType": "Coverage",
        "id": f"cov-{person.username}",
        "status": "active",
        "beneficiary": {"reference": f"Patient/{person.patient}"},
        "period": period,
    }


def _claims(person: Person, claims: int, providers: int) -> Iterator[Resource]:
    for number in range(claims):
        yield {
            "resourceType": "ExplanationOfBenefit",
            "id": f"eob-{person.username}-{number:02}",
            "status": "active",
            "patient": {"reference": f"Patient/{person.patient}"},
            "provider": {"reference": f"Organization/org-{number % providers:02}"},
            "insurance": [{"focal": True, "coverage": {"reference": f"Coverage/cov-{person.username}"}}],
        }


def _clinical(person: Person, kinds: Iterable[str]) -> Iterator[Resource]:
    for kind in kinds:
        for number in range(2):
            yield {
                "resourceType": kind,
                "id": f"{kind.lower()}-{person.username}-{number}",
                subject_of(kind): {"reference": f"Patient/{person.patient}"},
            }
