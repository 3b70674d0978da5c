"""Where a sign-in goes from here: on to a page, or back to the app with what was decided.

The AUTHORIZE gate stands here, right before a decision goes back to the app.
"""

from __future__ import annotations

from flask import redirect
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.smart import pending_request as sign_in
from sandbox.auth.authorization.decision import AuthorizationAnswer, Decision, issue, reply_params
from sandbox.auth.authorization.request import AuthorizationRequest
from sandbox.auth.household import Choice, choices, refusal
from sandbox.auth.scopes import launches_patient
from sandbox.auth.tokens.id_token import subject
from sandbox.core.errors import BadRequest
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.core.members import Account
from sandbox.store.ledger.repositories.grants import Code
from sandbox.store.ledger.repositories.sign_ins import Pending
from sandbox.store.secret import digest, seal, unseal
from sandbox.web import session
from sandbox.web.pages import page
from sandbox.web.request import current


def refused(account: Account) -> bool:
    """Whether the one patient of somebody who is signed in already may not connect: they get to sign
    in as somebody else before the app hears of it."""
    offered = choices(current(), account)
    return len(offered) == 1 and refusal(current(), account, offered[0]) is not None


def go_on(pending: Pending, auth_request: AuthorizationRequest, account: Account) -> AnyResponse:
    """What follows once somebody is signed in: the picker, or the one patient there is."""
    context = sign_in.note_member(account, auth_request)
    offered = choices(context, account)
    if len(offered) > 1 and launches_patient(" ".join(auth_request.scope)):
        return sign_in.to("pick", pending)
    return choose(pending, auth_request, account, offered[0])


def choose(
    pending: Pending, auth_request: AuthorizationRequest, account: Account, choice: Choice
) -> AnyResponse:
    """Go on with a patient: the member may connect, or the app is told why not."""
    context = sign_in.note_member(account, auth_request)
    if auth_request.subject not in (None, subject(context, account.username)):
        context.notes["cause"] = "other-member"
        text = "Another member signed in than id_token_hint names"
        return finish(pending, auth_request, account, choice, error="login_required", description=text)
    why = refusal(context, account, choice)
    if why is not None:
        context.notes.update(refusal=why.reason, cause=why.reason)
        if context.payer.ineligible_answer == "page":
            return page("refused.html", 403, text=why.text)
        if context.payer.ineligible_answer == "callback":
            return finish(pending, auth_request, account, choice, error="access_denied", description=why.text)
    context.ledger.choose_patient(pending.id, choice.patient)
    return sign_in.to("consent", pending)


def finish(
    pending: Pending,
    auth_request: AuthorizationRequest,
    account: Account,
    choice: Choice,
    scope: tuple[str, ...] = (),
    error: str | None = None,
    description: str | None = None,
) -> AnyResponse:
    """Back to the app. The same decision again leads to the same redirect, as long as its code is good;
    another decision takes the place of the one before."""
    ledger, now = current().ledger, current().now()
    decision = json_bytes([account.username, choice.patient, scope, error, description]).decode()
    earlier = ledger.code_by_hash(pending.code) if pending.code else None
    if pending.answer and pending.decision == decision and (earlier is None or _is_good(earlier)):
        return redirect(unseal(pending.answer, pending.id), 303)
    issued = issue_answer(auth_request, account, choice, scope, error, description)
    code = digest(issued.code) if issued.code else None
    if ledger.answer(pending, seal(issued.url, pending.id), decision, code):
        if earlier:
            ledger.revoke_grant(earlier.grant, now)
        return redirect(issued.url, 303)
    # The form was sent twice, and the other one was faster: its answer counts.
    if issued.grant:
        ledger.revoke_grant(issued.grant, now)
    latest = ledger.pending(pending.id)
    if latest is None:
        raise BadRequest("This sign-in is over, or was started in another browser", cause="sign-in-over")
    return finish(latest, auth_request, account, choice, scope, error, description)


def _is_good(code: Code) -> bool:
    grant = current().ledger.grant(code.grant)
    return code.expires > current().now() and grant is not None and grant.revoked is None


def issue_answer(
    auth_request: AuthorizationRequest,
    account: Account,
    choice: Choice,
    scope: tuple[str, ...],
    error: str | None = None,
    description: str | None = None,
) -> AuthorizationAnswer:
    """Return where the browser goes: to the app, with a code, or with the error that was decided."""
    context = current()
    why = refusal(context, account, choice) if error is None else None
    decision = Decision(
        account.username,
        choice.patient,
        scope,
        auth_request.redirect_uri,
        reply_params(context, auth_request.state),
        error,
        description,
        refused=why.text if why else None,
        fhir_user=choice.fhir_user,
        signed_in=session.browser().session.since,
    )
    decision = context.gates.run(Stage.AUTHORIZE, decision, context.facts)
    return issue(context, auth_request, decision)
