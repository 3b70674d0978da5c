"""/auth as a member's browser sees it: authorize, login, picker, consent; and PAR, which leads there."""

from __future__ import annotations

from typing import Any

from flask import Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.apis.smart import decision
from sandbox.apis.smart import pending_request as sign_in
from sandbox.auth import consent as consents
from sandbox.auth.authlib_adapter import NO_STORE, TokenRequest
from sandbox.auth.authorization import authorize as authorization
from sandbox.auth.authorization import pushed_request
from sandbox.auth.authorization.decision import error_url
from sandbox.auth.authorization.request import AuthorizationRequest, parameters
from sandbox.auth.errors import CallbackError, OAuthRefusal
from sandbox.auth.household import choices, refusal
from sandbox.auth.password import SignInAttempt
from sandbox.auth.tokens.id_token import subject
from sandbox.core.errors import BadRequest
from sandbox.core.members import Account, list_examples
from sandbox.store.ledger.repositories.sign_ins import Pending
from sandbox.web import i18n, quota, session
from sandbox.web.negotiation import json_response
from sandbox.web.pages import login_page, page, refuse_foreign_forms
from sandbox.web.request import current

FORM = "application/x-www-form-urlencoded"
_NOT_A_FORM = f"The body must be {FORM}"


def push() -> Response:
    """RFC 9126: the request sent ahead, by the client itself."""
    context = current()
    if context.payer.par == "off":
        text = "This payer does not accept pushed authorization requests."
        raise OAuthRefusal("invalid_request", text, cause="pushed-requests-unsupported", status=404)
    if request.mimetype != FORM:
        raise BadRequest(_NOT_A_FORM, cause="media-type-unsupported")
    quota.take("pushed")
    caller = TokenRequest(request.form.to_dict(flat=False), dict(request.headers), context)
    return json_response(pushed_request.push(caller, _args()), 201, NO_STORE)


def tell_app(error: CallbackError) -> AnyResponse:
    """RFC 6749 §4.1.2.1: an error goes to the app. Whoever came back to a page of a sign-in that is over
    reads so first, and is not thrown out of the app that they are in."""
    current().notes["cause"] = error.cause
    url = error_url(current(), error)
    if request.method == "POST" or request.endpoint == "smart.authorize":
        return redirect(url, 303)
    return page("finished.html", 400, text=str(error), back=url)


def authorize() -> AnyResponse:
    context = current()
    args, ahead = _args(), False
    if pushed_request.names_one(args, context):
        args, ahead = pushed_request.take(args, context), True
    auth_request = authorization.check(args, context, pushed=ahead)
    browser = session.browser()
    account = None if _must_sign_in(auth_request, browser) else browser.account
    if "none" in auth_request.prompt:
        return _silently(auth_request, account)
    i18n.use_locales(" ".join(args.get("ui_locales", ())))
    pending = sign_in.begin(auth_request, browser, account)
    if account is None or decision.refused(account):
        return sign_in.to("login", pending)
    return decision.go_on(pending, auth_request, account)


def _args() -> dict[str, list[str]]:
    """The request's parameters, from the bytes that were sent."""
    if request.method == "POST" and request.mimetype != FORM:
        raise BadRequest(_NOT_A_FORM, cause="media-type-unsupported")
    try:
        return parameters(request.get_data() if request.method == "POST" else request.query_string)
    except ValueError:
        raise BadRequest("The request has too many parameters", cause="too-many-parameters") from None


def _must_sign_in(auth_request: AuthorizationRequest, browser: session.Browser) -> bool:
    """Whether somebody who is signed in has to do so again (OpenID Connect Core §3.1.2.1)."""
    if {"login", "select_account"} & set(auth_request.prompt):
        return True
    signed_in = browser.account
    if signed_in and auth_request.subject not in (None, subject(current(), signed_in.username)):
        return True
    age = current().now() - browser.session.since
    return auth_request.max_age is not None and age > auth_request.max_age * 1000


def _silently(auth_request: AuthorizationRequest, account: Account | None) -> AnyResponse:
    """prompt=none: a code from an earlier consent, or the error that says who would have to be asked."""
    context = current()

    def refuse(error: str, text: str, *, cause: str) -> CallbackError:
        return CallbackError(auth_request.redirect_uri, error, text, auth_request.state, cause=cause)

    if account is None:
        if auth_request.subject:
            text = "The member that id_token_hint names is not signed in."
            raise refuse("login_required", text, cause="other-member")
        raise refuse("login_required", "No member is signed in.", cause="not-signed-in")
    grants = authorization.find_earlier_grants(context, auth_request, account)
    if not grants:
        raise refuse("consent_required", "The member has not consented to this yet.", cause="consent-missing")
    choice = next((c for c in choices(context, account) if c.patient == grants[0].patient), None)
    if choice is None or len(grants) > 1:
        raise refuse("interaction_required", "The member has to choose a person.", cause="choice-missing")
    why = refusal(context, account, choice)
    if why and current().payer.ineligible_answer != "refused-token":
        raise refuse("access_denied", f"{why.text}.", cause=why.reason)
    return redirect(decision.issue_answer(auth_request, account, choice, auth_request.scope).url, 303)


def login() -> Response:
    pending, auth_request = sign_in.find_pending()
    return _login_page(pending, auth_request)


def log_in() -> AnyResponse:
    refuse_foreign_forms()
    pending, auth_request = sign_in.find_pending()
    session.require_token(session.login_token(pending.id))
    tried = session.attempt()
    if tried.account is None:
        return _login_page(pending, auth_request, tried)
    # First, since the form may come a second time with a cookie that is over by then.
    current().ledger.log_in(pending.id, tried.account.username, session.cookie_digest())
    session.sign_in(tried.account, pending.browser)
    return decision.go_on(pending, auth_request, tried.account)


def _login_page(
    pending: Pending, auth_request: AuthorizationRequest, tried: SignInAttempt | None = None
) -> Response:
    context = current()
    # Beside a refusal there is no list: whoever reads the page should read the refusal.
    is_listed = tried is None and context.payer.sandbox and context.payer.test_accounts
    examples = list_examples(context.wiring.accounts) if is_listed else []
    chosen = next((a for a in examples if a.username == request.args.get("account")), None)
    # A member who may not connect goes back to the app straight from this form.
    return login_page(
        "login.html",
        tried,
        leaves=True,
        again=f"{context.issuer}/login?request={pending.id}",
        csrf=session.login_token(pending.id),
        request_id=pending.id,
        client=context.clients[auth_request.client_id],
        examples=examples,
        chosen=chosen,
    )


def _page(template: str, pending: Pending, auth_request: AuthorizationRequest, **values: Any) -> Response:
    """A page of the sign-in whose form may lead back to the app."""
    client, csrf = current().clients[auth_request.client_id], session.browser().session.csrf
    return page(template, leaves=True, csrf=csrf, request_id=pending.id, client=client, **values)


def pick() -> AnyResponse:
    pending, auth_request = sign_in.find_pending()
    account = sign_in.member(pending)
    offered = choices(current(), account)
    return _page("pick.html", pending, auth_request, account=account, choices=offered)


def picked() -> AnyResponse:
    refuse_foreign_forms()
    pending, auth_request = sign_in.find_pending()
    account = sign_in.member(pending)
    session.require_token()
    choice = sign_in.choice(account, request.form.get("patient"))
    return decision.choose(pending, auth_request, account, choice)


def consent() -> AnyResponse:
    pending, auth_request = sign_in.find_pending()
    account = sign_in.member(pending)
    if pending.patient is None:
        return decision.go_on(pending, auth_request, account)
    context = current()
    return _page(
        "consent.html",
        pending,
        auth_request,
        account=account,
        choice=sign_in.choice(account, pending.patient),
        data=[(name, consents.words(name)) for name in consents.offered(auth_request.scope, context.types())],
        offline="offline_access" in auth_request.scope and context.payer.refresh_max_days is not None,
        until=context.now() + (context.payer.refresh_max_days or 0) * 86_400_000,
        redirect_uri=auth_request.redirect_uri,
    )


def decide() -> AnyResponse:
    refuse_foreign_forms()
    pending, auth_request = sign_in.find_pending()
    account = sign_in.member(pending)
    session.require_token()
    context = sign_in.note_member(account, auth_request)
    choice = sign_in.choice(account, pending.patient)
    scope = _agreed(auth_request, context.types())
    if scope is not None and not consents.shares_nothing(auth_request.scope, scope):
        return decision.finish(pending, auth_request, account, choice, scope)
    context.notes["cause"] = "declined"
    text = "The member declined to share" if scope is None else "The member chose to share none of the data"
    return decision.finish(pending, auth_request, account, choice, error="access_denied", description=text)


def _agreed(auth_request: AuthorizationRequest, types: list[str]) -> tuple[str, ...] | None:
    """The scopes the member agreed to: "share" those that are ticked, "allow" everything; or None."""
    match request.form.get("decision"):
        case "allow":
            return auth_request.scope
        case "share":
            kept = request.form.getlist("data")
            offline = "offline" in request.form or "offline_access" not in auth_request.scope
            return consents.narrowed(auth_request.scope, kept, types, offline=offline)
    return None
