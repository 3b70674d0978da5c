"""Eligibility decides whether a member may connect apps at a payer on a day (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from sandbox.core.members import Account
from sandbox.core.payer import PayerProfile

EXPLAIN: dict[str, str] = {
    "locked": "This account is locked: call the number on the member card to unlock it",
    "not-yet-covered": "Member eligibility failed: no active coverage was found",
    "lapsed": "Member eligibility failed: coverage has ended and the period of access is over",
    "line-not-supported": "Member eligibility failed: this plan is not covered by the Patient Access API",
    "too-new": "Member eligibility failed: coverage began too recently, try again in some days",
    "minor": "Member eligibility failed: a parent or guardian has to connect apps for this member",
    "not-opted-in": "Sharing with apps is not switched on: sign in to the member portal and switch it on",
    "approval-pending": "The health plan has not approved connections for this member yet",
}
"""Reason → text, in the order of the checks: what the member can do nothing about comes first."""


@dataclass(frozen=True)
class Refusal:
    """Why a member may not connect: a reason of `EXPLAIN`.

    `text` is for the member and contains no data of theirs.
    """

    reason: str

    @property
    def text(self) -> str:
        return EXPLAIN[self.reason]


def decide(
    payer: PayerProfile,
    account: Account,
    today: date,
    opted_in: bool,
    *,
    standing: frozenset[str] = frozenset(),
    acting: bool = False,
) -> Refusal | None:
    """Return why the member of `account` may not connect; None: they may.

    `opted_in`: whether they have switched sharing on. `standing` is what the payer or the member decided:
    locked, approved, opted-out. `acting`: another person signed in and acts for them.
    """
    current = [span for span in account.spans if span.covers(today)]
    past = [span for span in account.spans if span.end is not None and span.end < today]
    if "locked" in standing:
        return Refusal("locked")
    if not current and not past:
        return Refusal("not-yet-covered")
    if not current and payer.inactive_access_days is not None:
        last = max(span.end for span in past if span.end is not None)
        if (today - last).days > payer.inactive_access_days:
            return Refusal("lapsed")
    if not any(span.line in payer.supported_lines for span in current or past):
        return Refusal("line-not-supported")
    if today < min(span.start for span in account.spans) + timedelta(days=payer.waiting_days):
        return Refusal("too-new")
    if payer.minors == "guardian-only" and not acting and is_minor(payer, account.birth_date, today):
        return Refusal("minor")
    if "opted-out" in standing or (payer.portal_opt_in and not opted_in):
        return Refusal("not-opted-in")
    if payer.connection_approval and "approved" not in standing:
        return Refusal("approval-pending")
    return None


def is_minor(payer: PayerProfile, born: date, today: date) -> bool:
    """Whether a person has not reached the payer's age of majority. It is reached on the birthday; a person
    born on February 29 reaches it on March 1 of other years."""
    had_birthday = (today.month, today.day) >= (born.month, born.day)
    return today.year - born.year - (not had_birthday) < payer.adult_age
