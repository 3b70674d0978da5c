"""Where a sign-in goes from here: on to a page, or back to the app with what was decided.

The AUTHORIZE gate stands here, right before a decision goes back to the app.
"""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth.decision import Decision, conclude, reply_params
from sandbox.auth.household import Choice, choices, refusal
from sandbox.auth.request import AuthorizationRequest
from sandbox.auth.scopes import launches_patient
from sandbox.core.errors import BadRequest
from sandbox.core.gates import Stage
from sandbox.core.roster import Account
from sandbox.store.tenant.signin import Pending
from sandbox.web import pending as sign_in
from sandbox.web import session
from sandbox.web.pages import page
from sandbox.web.visit import here


def refused(account: Account) -> bool:
    """Whether the one patient of somebody who is signed in already may not connect: they get to sign
    in as somebody else before the app hears of it."""
    found = choices(here().desk, account)
    return len(found) == 1 and refusal(here().desk, account, found[0]) is not None


def go_on(pending: Pending, asked: AuthorizationRequest, account: Account) -> AnyResponse:
    """What follows once somebody is signed in: the picker, or the one patient there is."""
    desk = sign_in.known(account, asked).desk
    found = choices(desk, account)
    if len(found) > 1 and launches_patient(" ".join(asked.scope)):
        return sign_in.to("pick", pending)
    return choose(pending, asked, account, found[0])


def choose(pending: Pending, asked: AuthorizationRequest, account: Account, choice: Choice) -> AnyResponse:
    """A patient is established: they may connect, or are told why not."""
    visit = sign_in.known(account, asked)
    why = refusal(visit.desk, account, choice)
    if why is not None:
        visit.notes["refusal"] = why.reason
        if visit.payer.ineligible_answer == "page":
            return page("refused.html", 403, text=why.text)
        if visit.payer.ineligible_answer == "callback":
            return finish(pending, asked, account, choice, error="access_denied", description=why.text)
    visit.ledger.choose_patient(pending.id, choice.patient)
    return sign_in.to("consent", pending)


def finish(
    pending: Pending,
    asked: AuthorizationRequest,
    account: Account,
    choice: Choice,
    scope: tuple[str, ...] = (),
    error: str | None = None,
    description: str | None = None,
) -> AnyResponse:
    """Back to the app, once."""
    if not here().ledger.end_pending(pending.id):
        raise BadRequest("This sign-in was already finished")
    return answer(asked, account, choice, scope, error, description)


def answer(
    asked: AuthorizationRequest,
    account: Account,
    choice: Choice,
    scope: tuple[str, ...],
    error: str | None = None,
    description: str | None = None,
) -> AnyResponse:
    """The redirect to the app: with a code, or with the error that was decided."""
    visit = here()
    why = refusal(visit.desk, account, choice) if error is None else None
    decision = Decision(
        account.username,
        choice.patient,
        scope,
        asked.redirect_uri,
        reply_params(visit.desk, asked.state),
        error,
        description,
        refused=why.text if why else None,
        fhir_user=choice.fhir_user,
        signed_in=session.browser().session.since,
    )
    decision = visit.gates.run(Stage.AUTHORIZE, decision, visit.facts)
    return redirect(conclude(visit.desk, asked, decision), 303)
