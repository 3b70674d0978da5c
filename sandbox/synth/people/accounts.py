"""Logins: what an account says beside the member's own facts. The password is the username and "-pass"."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.core.members import Account, CoverageSpan
from sandbox.synth.facts import CoveredMember, Person, Relative


@dataclass(frozen=True)
class Login:
    """Who signs in, as what, and what for."""

    username: str
    role: str
    purpose: str
    portal_opened: bool = True


def own(member: CoveredMember, login: Login) -> Account:
    """A member's own login."""
    return _account(member, login, member.person, "")


def acting(member: CoveredMember, login: Login, relative: Relative) -> Account:
    """The login of somebody who acts for a member: their name, the member's data."""
    return _account(member, login, relative.person, f"RelatedPerson/{relative.id}")


def _account(member: CoveredMember, login: Login, who: Person, fhir_user: str) -> Account:
    return Account(
        username=login.username,
        password=f"{login.username}-pass",
        patient=member.patient_id,
        name=f"{who.given_name} {who.family}",
        role=login.role,
        birth_date=member.person.birth_date,
        spans=tuple(CoverageSpan(p.line, p.start, p.end) for p in member.policies),
        portal_opened=login.portal_opened,
        purpose=login.purpose,
        fhir_user=fhir_user,
    )
