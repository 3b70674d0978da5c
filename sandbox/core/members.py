"""Accounts: a member's login, what deciding about a connection needs to know, and whom to try first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice
from typing import Any

ROLES = (
    "eligible",
    "ineligible",
    "not-opted-in",
    "lapsed-30",
    "lapsed-200",
    "lapsed-500",
    "lapsed-1000",
    "lapsed-2000",
    "lapsed-4000",
    "dependant",
    "representative",
)
"""What an account is for when a payer is graded (the roster of test accounts a payer hands out).

The last two are not graded: a dependant has a login of their own besides the subscriber's, and a
personal representative signs in for somebody else.
"""

LINES = ("medicare-advantage", "medicaid", "chip", "qhp", "commercial")
"""Lines of business, in the words of CMS-9115-F's reach: all but the last are mandated."""


@dataclass(frozen=True)
class CoverageSpan:
    """One coverage: line of business, first day, last day (None: still running)."""

    line: str
    start: date
    end: date | None

    def covers(self, day: date) -> bool:
        return self.start <= day and (self.end is None or day <= self.end)


@dataclass(frozen=True)
class Account:
    """One person's login. The password is synthetic and public: it is printed for whoever tries it.

    `patient` is the logical id of the Patient whose data it opens; `portal_opened` says whether the
    member has ever opened the member portal; `purpose` is one line for people choosing whom to log
    in as. `fhir_user` is who signs in, where that is not the patient (`RelatedPerson/rel-0020-1`);
    the birth date and the coverages are the patient's all the same.
    """

    username: str
    password: str
    patient: str
    name: str
    role: str
    birth_date: date
    spans: tuple[CoverageSpan, ...]
    portal_opened: bool = True
    purpose: str = ""
    fhir_user: str = ""

    @property
    def user(self) -> str:
        """A reference to who signs in: the value of SMART's `fhirUser`, without the base."""
        return self.fhir_user or f"Patient/{self.patient}"

    @property
    def line(self) -> str:
        """The line of business of the latest coverage."""
        return max(self.spans, key=lambda span: span.start).line

    @property
    def coverage_end(self) -> date | None:
        """The last day of the latest coverage; None while it runs."""
        return max(self.spans, key=lambda span: span.start).end

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Account:
        """An account that `json_bytes` wrote. Raises KeyError, TypeError or ValueError on other shapes."""
        spans = tuple(
            CoverageSpan(
                s["line"], date.fromisoformat(s["start"]), date.fromisoformat(s["end"]) if s["end"] else None
            )
            for s in data["spans"]
        )
        return cls(**{**data, "birth_date": date.fromisoformat(data["birth_date"]), "spans": spans})


EXAMPLES_MAX = 50
"""Members in a list: of loaded data, all may be."""

_LINE_NAMES = dict(
    zip(LINES, ("Medicare Advantage", "Medicaid", "CHIP", "Marketplace (QHP)", "Employer plan"), strict=True)
)
"""Line of business → its name."""

_GROUP_TITLES = {
    "ineligible": "Not eligible",
    "not-opted-in": "Not opted in",
    "lapsed": "Coverage ended",
    "dependant": "Dependents",
    "representative": "Personal representatives",
}
"""Role, without the days of a lapse → the title of its group."""


@dataclass(frozen=True)
class ExampleGroup:
    """Members who are used for the same purpose."""

    title: str
    accounts: tuple[Account, ...]


def list_examples(accounts: Mapping[str, Account]) -> list[Account]:
    """Return the first accounts that have a purpose. `accounts` are by user name."""
    return list(islice((account for account in accounts.values() if account.purpose), EXAMPLES_MAX))


def find_first_example(examples: Sequence[Account]) -> Account | None:
    """Return the member to begin with: the first who may connect an app."""
    return next((a for a in examples if a.role == "eligible"), examples[0] if examples else None)


def group_examples(examples: Sequence[Account]) -> list[ExampleGroup]:
    """Return the members in groups: whom to begin with, eligible ones by line of business, the others."""
    first = find_first_example(examples)
    groups: dict[str, list[Account]] = {"Start here": [first] if first else []}
    groups |= {
        title: []
        for title in (*(f"Eligible: {name}" for name in _LINE_NAMES.values()), *_GROUP_TITLES.values())
    }
    for account in examples:
        if account is not first:
            role = account.role.partition("-")[0] if account.role.startswith("lapsed") else account.role
            title = _GROUP_TITLES.get(role) or f"Eligible: {_LINE_NAMES.get(account.line, account.line)}"
            groups.setdefault(title, []).append(account)
    return [ExampleGroup(title, tuple(accounts)) for title, accounts in groups.items() if accounts]
