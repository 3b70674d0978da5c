"""/auth as a member's browser sees it: authorize, login, picker, consent; and PAR, which leads there.

The AUTHORIZE gate stands here, right before a decision goes back to the app.
"""

from __future__ import annotations

import hmac

from authlib.oauth2.rfc6749 import OAuth2Error
from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth import authorize as authorization
from sandbox.auth import consent as consents
from sandbox.auth import pushed
from sandbox.auth.decision import Decision, conclude, error_url, reply_params
from sandbox.auth.household import Choice, choices, refusal, remembered
from sandbox.auth.request import AuthorizationRequest, CallbackError, parameters
from sandbox.auth.scopes import launches_patient
from sandbox.auth.server import NO_STORE, TokenRequest
from sandbox.core.errors import BadRequest
from sandbox.core.files import json_bytes
from sandbox.core.gates import Stage
from sandbox.core.roster import Account
from sandbox.store.secret import new_secret
from sandbox.store.tenant.signin import Pending
from sandbox.web import session, words
from sandbox.web.pages import page, refuse_foreign_forms
from sandbox.web.visit import Visit, here, refine

oauth = Blueprint("oauth", __name__, url_prefix="/auth")

PENDING_SECONDS = 1800
"""How long a member may take between /authorize and the answer."""

FORM = "application/x-www-form-urlencoded"


@oauth.post("/par")
def push() -> Response:
    """RFC 9126: the request sent ahead, by the client itself."""
    visit = here()
    if visit.payer.par == "off":
        return _json({"error": "invalid_request", "error_description": "This payer takes none"}, 404)
    if request.mimetype != FORM:
        raise BadRequest("The body must be application/x-www-form-urlencoded")
    form = request.form.to_dict(flat=False)
    caller = TokenRequest(form, dict(request.headers), visit.desk)
    try:
        return _json(pushed.push(caller, _args()), 201)
    except OAuth2Error as problem:
        status, body, _ = problem()
        answer = _json(dict(body), status)
        if status == 401:
            answer.headers["WWW-Authenticate"] = 'Basic realm="par"'
        return answer


def _json(body: object, status: int) -> Response:
    return Response(
        json_bytes(body), status=status, headers=[*NO_STORE, ("Content-Type", "application/json")]
    )


@oauth.route("/authorize", methods=["GET", "POST"])
def authorize() -> AnyResponse:
    visit = here()
    args, ahead = _args(), False
    if pushed.names_one(args, visit.desk):
        args, ahead = pushed.take(args, visit.desk), True
    try:
        asked = authorization.check(args, visit.desk, pushed=ahead)
        browser = session.browser()
        account = None if _must_sign_in(asked, browser) else browser.account
        if "none" in asked.prompt:
            return _silently(asked, account)
    except CallbackError as error:
        return redirect(error_url(visit.desk, error), 303)
    words.stay_for(request.args.get("ui_locales", ""))
    pending = Pending(
        new_secret(),
        browser.key,
        asked.to_json(),
        account.username if account else None,
        visit.desk.now() + PENDING_SECONDS * 1000,
    )
    visit.ledger.add_pending(pending)
    if account is None or _refused(account):
        return _to("login", pending)
    return _on(pending, asked, account)


def _args() -> dict[str, list[str]]:
    """The request's parameters, from the bytes that were sent."""
    if request.method == "POST" and request.mimetype != FORM:
        raise BadRequest("The body must be application/x-www-form-urlencoded")
    try:
        return parameters(request.get_data() if request.method == "POST" else request.query_string)
    except ValueError:
        raise BadRequest("The request has too many parameters") from None


def _refused(account: Account) -> bool:
    """Whether the one patient of somebody who is signed in already may not connect: they get to sign
    in as somebody else before the app hears of it."""
    found = choices(here().desk, account)
    return len(found) == 1 and refusal(here().desk, account, found[0]) is not None


def _must_sign_in(asked: AuthorizationRequest, browser: session.Browser) -> bool:
    """Whether somebody who is signed in has to do so again (OpenID Connect Core §3.1.2.1)."""
    if {"login", "select_account"} & set(asked.prompt):
        return True
    age = here().desk.now() - browser.session.since
    return asked.max_age is not None and age > asked.max_age * 1000


def _silently(asked: AuthorizationRequest, account: Account | None) -> AnyResponse:
    """prompt=none: a code from an earlier consent, or the error that says who would have to be asked."""
    desk = here().desk

    def refuse(error: str, text: str) -> CallbackError:
        return CallbackError(asked.redirect_uri, error, text, asked.state)

    if account is None:
        raise refuse("login_required", "Nobody is signed in")
    grants = remembered(desk, asked, account)
    if not grants:
        raise refuse("consent_required", "The member has not agreed to this yet")
    choice = next((c for c in choices(desk, account) if c.patient == grants[0].patient), None)
    if choice is None or len(grants) > 1:
        raise refuse("interaction_required", "The member has to say whose data is meant")
    why = refusal(desk, account, choice)
    if why and here().payer.ineligible_answer != "refused-token":
        raise refuse("access_denied", why.text)
    return _answer(asked, account, choice, asked.scope)


def _to(step: str, pending: Pending) -> AnyResponse:
    return redirect(f"{here().auth}/{step}?request={pending.id}", 303)


@oauth.get("/login")
def login() -> Response:
    pending, asked = _pending()
    return _login_page(pending, asked)


@oauth.post("/login")
def log_in() -> AnyResponse:
    refuse_foreign_forms()
    pending, asked = _pending()
    session.require_token()
    tried = session.attempt()
    if tried.account is None:
        return _login_page(pending, asked, tried)
    browser = session.sign_in(tried.account)
    here().ledger.log_in(pending.id, tried.account.username, browser.key)
    return _on(pending, asked, tried.account)


def _login_page(
    pending: Pending, asked: AuthorizationRequest, tried: session.Attempt | None = None
) -> Response:
    # A member who may not connect goes back to the app straight from this form.
    shown = page(
        "login.html",
        session.status(tried),
        leads_to=asked.redirect_uri,
        again=f"{here().auth}/login?request={pending.id}",
        csrf=session.browser().session.csrf,
        request_id=pending.id,
        client=here().clients[asked.client_id],
        tried=tried,
        username=request.form.get("username", ""),
    )
    return session.wait_header(shown, tried)


def _on(pending: Pending, asked: AuthorizationRequest, account: Account) -> AnyResponse:
    """What follows once somebody is signed in: the picker, or the one patient there is."""
    desk = _known(account, asked).desk
    found = choices(desk, account)
    if len(found) > 1 and launches_patient(" ".join(asked.scope)):
        return _to("pick", pending)
    return _chosen(pending, asked, account, found[0])


def _chosen(pending: Pending, asked: AuthorizationRequest, account: Account, choice: Choice) -> AnyResponse:
    """A patient is established: they may connect, or are told why not."""
    visit = _known(account, asked)
    why = refusal(visit.desk, account, choice)
    if why is not None:
        visit.notes["refusal"] = why.reason
        if visit.payer.ineligible_answer == "page":
            return page("refused.html", 403, text=why.text)
        if visit.payer.ineligible_answer == "callback":
            return _finish(pending, asked, account, choice, error="access_denied", description=why.text)
    visit.ledger.choose_patient(pending.id, choice.patient)
    return _to("consent", pending)


@oauth.get("/pick")
def pick() -> AnyResponse:
    pending, asked = _pending()
    account = _member(pending)
    return page(
        "pick.html",
        leads_to=asked.redirect_uri,
        csrf=session.browser().session.csrf,
        request_id=pending.id,
        client=here().clients[asked.client_id],
        account=account,
        choices=choices(here().desk, account),
    )


@oauth.post("/pick")
def picked() -> AnyResponse:
    refuse_foreign_forms()
    pending, asked = _pending()
    account = _member(pending)
    session.require_token()
    return _chosen(pending, asked, account, _choice(account, request.form.get("patient")))


@oauth.get("/consent")
def consent() -> AnyResponse:
    pending, asked = _pending()
    account = _member(pending)
    if pending.patient is None:
        return _on(pending, asked, account)
    desk = here().desk
    return page(
        "consent.html",
        leads_to=asked.redirect_uri,
        csrf=session.browser().session.csrf,
        request_id=pending.id,
        client=here().clients[asked.client_id],
        account=account,
        choice=_choice(account, pending.patient),
        data=[(name, consents.DATA[name][0]) for name in consents.offered(asked.scope, desk.types())],
        offline="offline_access" in asked.scope and desk.payer.refresh_max_days is not None,
        until=desk.now() + (desk.payer.refresh_max_days or 0) * 86_400_000,
        redirect_uri=asked.redirect_uri,
    )


@oauth.post("/consent")
def decide() -> AnyResponse:
    refuse_foreign_forms()
    pending, asked = _pending()
    account = _member(pending)
    session.require_token()
    visit = _known(account, asked)
    choice = _choice(account, pending.patient)
    scope = _agreed(asked, visit.desk.types())
    if scope is None:
        description = "The member declined to share"
        return _finish(pending, asked, account, choice, error="access_denied", description=description)
    if consents.shares_nothing(asked.scope, scope):
        description = "The member chose to share none of the data"
        return _finish(pending, asked, account, choice, error="access_denied", description=description)
    return _finish(pending, asked, account, choice, scope)


def _agreed(asked: AuthorizationRequest, types: list[str]) -> tuple[str, ...] | None:
    """The scopes the member agreed to: "share" those that are ticked, "allow" everything; or None."""
    match request.form.get("decision"):
        case "allow":
            return asked.scope
        case "share":
            kept = request.form.getlist("data")
            return consents.narrowed(asked.scope, kept, types, offline="offline" in request.form)
    return None


def _finish(
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
    return _answer(asked, account, choice, scope, error, description)


def _answer(
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
    )
    decision = visit.gates.run(Stage.AUTHORIZE, decision, visit.facts)
    return redirect(conclude(visit.desk, asked, decision), 303)


def _pending() -> tuple[Pending, AuthorizationRequest]:
    """The request that this browser started. Raises BadRequest for a stranger's, a finished or a
    stale one."""
    visit = here()
    found = visit.ledger.pending(request.values.get("request", ""))
    key = session.browser().key
    if found is None or not hmac.compare_digest(found.browser, key) or found.expires <= visit.desk.now():
        raise BadRequest("This sign-in is finished, expired or was started in another browser")
    asked = AuthorizationRequest.from_json(found.request)
    client = visit.clients.get(asked.client_id)
    if client is None or client.refusal:
        raise BadRequest("The client application is not known to this payer")
    return found, asked


def _member(pending: Pending) -> Account:
    """Who signed in for this request. A session that ended since, or became another's, does not count."""
    account = session.browser().account
    if account is None or account.username != pending.username:
        raise BadRequest("Sign in first")
    return account


def _choice(account: Account, patient: str | None) -> Choice:
    """One of those whose data this account may share. Raises BadRequest for anybody else."""
    for choice in choices(here().desk, account):
        if choice.patient == patient:
            return choice
    raise BadRequest("Choose one of the people in the list")


def _known(account: Account, asked: AuthorizationRequest) -> Visit:
    """The visit, knowing who is here and for which app."""
    visit = refine(member=account.username, client=asked.client_id)
    visit.notes.update(member=account.username, client=asked.client_id)
    return visit
