"""Logins: what an account says beside the member's own facts. The password is the username and "-pass"."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.core.members import Account, CoverageSpan
from sandbox.synth.facts import CoveredMember, Relative


@dataclass(frozen=True)
class Login:
    """Who signs in, as what, and what for."""

    username: str
    role: str
    purpose: str
    portal_opened: bool = True


def account_of(member: CoveredMember, login: Login, relative: Relative | None = None) -> Account:
    """Return a member's login, or the login of a relative who acts for the member."""
    person = relative.person if relative else member.person
    return Account(
        username=login.username,
        password=f"{login.username}-pass",
        patient=member.patient_id,
        name=f"{person.given_name} {person.family}",
        role=login.role,
        birth_date=member.person.birth_date,
        spans=tuple(CoverageSpan(p.line, p.start, p.end) for p in member.policies),
        portal_opened=login.portal_opened,
        purpose=login.purpose,
        fhir_user=f"RelatedPerson/{relative.id}" if relative else "",
    )
