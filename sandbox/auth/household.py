"""A person who signs in may share their own data, and that of those they act for.

Source: SMART App Launch 2.2.0 "launch/patient" (a picker, where there is more than one) and "fhirUser".
A subscriber acts for dependants under age. Being on somebody's policy gives no right to an adult's
data (45 CFR 164.502(g)): a spouse signs in alone.
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.auth.context import AuthContext
from sandbox.auth.eligibility import Refusal, is_minor
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.grants import Grant


@dataclass(frozen=True)
class Choice:
    """A patient that the person who signed in may choose.

    `member` is the patient's own account, `fhir_user` a relative reference to who signed in.
    """

    member: Account
    fhir_user: str

    @property
    def patient(self) -> str:
        return self.member.patient

    @property
    def acting(self) -> bool:
        return self.fhir_user != f"Patient/{self.patient}"


def choices(context: AuthContext, account: Account) -> tuple[Choice, ...]:
    """Return the person (or the one represented) first, then dependants in the order of the payer."""
    own = Choice(account, account.user)
    if own.acting:  # the one they represent decides by their own coverage and wishes
        return (Choice(context.services.members.get(account.patient, account), account.user),)
    if not context.payer.dependents_offered:
        return (own,)
    dependants = [
        Choice(context.services.members[patient], f"RelatedPerson/{related}")
        for patient, related in context.services.household(account.patient)
        if patient in context.services.members
    ]
    today = context.today()
    return own, *(c for c in dependants if is_minor(context.payer, c.member.birth_date, today))


def refusal(context: AuthContext, account: Account, choice: Choice) -> Refusal | None:
    """Return why `account`, signed in, may not connect an app to this patient's data; None: it may."""
    if "locked" in context.ledger.standing(account.username):
        return Refusal("locked")
    return context.refusal(choice.member, acting=choice.acting)


OF_AGE = "Member eligibility failed: the dependant is of age now and has to connect apps in person"


def find_lost_eligibility(context: AuthContext, grant: Grant) -> str | None:
    """Return why a grant ends: whoever gave it may not connect this patient any more. None: it goes on.

    The payer may never check again. The grant of a backend service belongs to nobody; one whose data is
    refused anyway goes on.
    """
    account = context.services.accounts.get(grant.username)
    if account is None or grant.refused or not context.payer.recheck_eligibility:
        return None
    patients = {choice.patient: choice for choice in choices(context, account)}
    acting = bool(grant.fhir_user) and not grant.fhir_user.startswith("Patient/")
    if acting and grant.patient not in patients:
        return OF_AGE
    why = refusal(context, account, patients.get(grant.patient) or next(iter(patients.values())))
    return why.text if why else None


def is_locked(context: AuthContext, grant: Grant) -> bool:
    """Whether the account of who signed in, or of the patient, is locked: tokens fail until it is not."""
    names = {grant.username, *(m.username for m in [context.services.members.get(grant.patient)] if m)} - {""}
    return context.payer.recheck_eligibility and any("locked" in context.ledger.standing(n) for n in names)
