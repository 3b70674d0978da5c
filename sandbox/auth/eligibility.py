"""May this member connect? Payer × member × day → yes, or the reason (pure)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from sandbox.core.payer import Payer
from sandbox.core.roster import Account

Reason = Literal["not-yet-covered", "lapsed", "line-not-supported", "not-opted-in"]

EXPLAIN: dict[Reason, str] = {
    "not-yet-covered": "Member eligibility failed: no active coverage was found",
    "lapsed": "Member eligibility failed: coverage has ended and the period of access is over",
    "line-not-supported": "Member eligibility failed: this plan is not covered by the Patient Access API",
    "not-opted-in": "Sharing with apps is not switched on: sign in to the member portal and switch it on",
}


@dataclass(frozen=True)
class Refusal:
    """Why a member may not connect; `text` is for the member and holds no data of theirs."""

    reason: Reason

    @property
    def text(self) -> str:
        return EXPLAIN[self.reason]


def decide(payer: Payer, account: Account, today: date, opted_in: bool) -> Refusal | None:
    """None: may connect. `opted_in`: whether the member has ever switched sharing on."""
    current = [span for span in account.spans if span.covers(today)]
    past = [span for span in account.spans if span.end is not None and span.end < today]
    if not current and not past:
        return Refusal("not-yet-covered")
    if not current and payer.inactive_access_days is not None:
        last = max(span.end for span in past if span.end is not None)
        if (today - last).days > payer.inactive_access_days:
            return Refusal("lapsed")
    if not any(span.line in payer.supported_lines for span in current or past):
        return Refusal("line-not-supported")
    if payer.portal_opt_in and not opted_in:
        return Refusal("not-opted-in")
    return None
