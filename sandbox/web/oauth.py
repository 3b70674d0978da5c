"""/auth: authorize, login, consent; token, revoke, introspect; JWKS and OpenID discovery.

The AUTHORIZE gate stands here, right before a decision goes back to the app.
"""

from __future__ import annotations

import hmac

from flask import Blueprint, Response, redirect, request
from werkzeug.wrappers import Response as AnyResponse

from sandbox.auth import authorize as authorization
from sandbox.auth.authorize import AuthorizationRequest, CallbackError, Decision
from sandbox.auth.identity import jwks
from sandbox.auth.scopes import resource_scopes
from sandbox.auth.server import TokenRequest
from sandbox.core.errors import BadRequest
from sandbox.core.files import json_bytes
from sandbox.core.gates import Reply, Stage
from sandbox.core.roster import Account
from sandbox.fhir import metadata
from sandbox.store.ledger import Pending, digest, new_secret
from sandbox.web.exchange import respond
from sandbox.web.pages import BROWSER, browser_secret, keep_cookie, page, refuse_foreign_forms, who_logs_in
from sandbox.web.visit import here, refine

oauth = Blueprint("oauth", __name__, url_prefix="/auth")

PENDING_SECONDS = 1800
"""How long a member may take between /authorize and the answer."""

DATA = (
    ("Your name, date of birth and contact details", ("Patient", "RelatedPerson")),
    ("Your coverage", ("Coverage",)),
    ("Your claims, what was billed and what you paid", ("ExplanationOfBenefit",)),
    ("Your conditions and allergies", ("Condition", "AllergyIntolerance")),
    ("Your lab results, vital signs and answers", ("Observation", "Specimen", "QuestionnaireResponse")),
    ("Your medicines and immunizations", ("MedicationRequest", "MedicationDispense", "Immunization")),
    ("Your visits, procedures and implants", ("Encounter", "Procedure", "ServiceRequest", "Device")),
    ("Your reports and documents", ("DiagnosticReport", "DocumentReference")),
    ("Your care plans, goals and care team", ("CarePlan", "Goal", "CareTeam")),
    ("Who treated you, and where", ("Organization", "Practitioner", "Location")),
)
"""What the consent page calls the data, and the types it stands for. The rest comes along."""


@oauth.route("/authorize", methods=["GET", "POST"])
def authorize() -> AnyResponse:
    visit = here()
    args = (request.form if request.method == "POST" else request.args).to_dict(flat=False)
    try:
        asked = authorization.check(args, visit.desk)
    except CallbackError as error:
        return redirect(authorization.error_url(visit.desk, error), 303)
    secret = browser_secret()
    pending = Pending(
        new_secret(),
        digest(secret),
        asked.to_json(),
        None,
        visit.desk.now() + PENDING_SECONDS * 1000,
    )
    visit.ledger.add_pending(pending)
    response = redirect(f"{visit.auth}/login?request={pending.id}", 303)
    keep_cookie(response, BROWSER, secret)  # type: ignore[arg-type]
    return response


@oauth.get("/login")
def login() -> Response:
    pending, asked = _pending()
    return _login_page(pending, asked)


@oauth.post("/login")
def log_in() -> AnyResponse:
    refuse_foreign_forms()
    pending, asked = _pending()
    account = who_logs_in()
    if account is None:
        return _login_page(pending, asked, 400, "This user name and password do not belong together.")
    visit = refine(member=account.username, client=asked.client_id)
    visit.notes.update(member=account.username, client=asked.client_id)
    visit.ledger.log_in(pending.id, account.username)
    refusal = visit.desk.refusal(account)
    if refusal is not None:
        visit.notes["refusal"] = refusal.reason
        if visit.payer.ineligible_answer == "page":
            return page("refused.html", 403, text=refusal.text)
        if visit.payer.ineligible_answer == "callback":
            return _conclude(pending, asked, account, error="access_denied", description=refusal.text)
    return redirect(f"{visit.auth}/consent?request={pending.id}", 303)


@oauth.get("/consent")
def consent() -> Response:
    pending, asked = _pending()
    account = _member(pending)
    scopes = resource_scopes(asked.scope)
    readable = {k for k in here().desk.types() if any(s.covers(k, a) for s in scopes for a in "rs")}
    return page(
        "consent.html",
        leads_to=asked.redirect_uri,
        request_id=pending.id,
        client=here().rooms.clients[asked.client_id],
        account=account,
        data=[words for words, types in DATA if readable & set(types)],
        offline="offline_access" in asked.scope,
        redirect_uri=asked.redirect_uri,
    )


@oauth.post("/consent")
def decide() -> AnyResponse:
    refuse_foreign_forms()
    pending, asked = _pending()
    account = _member(pending)
    visit = refine(member=account.username, client=asked.client_id)
    visit.notes.update(member=account.username, client=asked.client_id)
    if request.form.get("decision") != "allow":
        description = "The member declined to share"
        return _conclude(pending, asked, account, error="access_denied", description=description)
    return _conclude(pending, asked, account)


def _conclude(
    pending: Pending,
    asked: AuthorizationRequest,
    account: Account,
    error: str | None = None,
    description: str | None = None,
) -> AnyResponse:
    """Back to the app, once: with a code, or with the error that was decided."""
    visit = here()
    if not visit.ledger.end_pending(pending.id):
        raise BadRequest("This sign-in was already finished")
    refusal = visit.desk.refusal(account) if error is None else None
    decision = Decision(
        account.username,
        account.patient,
        asked.scope,
        asked.redirect_uri,
        authorization.reply_params(visit.desk, asked.state),
        error,
        description,
        refused=refusal.text if refusal else None,
    )
    decision = visit.gates.run(Stage.AUTHORIZE, decision, visit.facts)
    return redirect(authorization.conclude(visit.desk, asked, decision), 303)


def _pending() -> tuple[Pending, AuthorizationRequest]:
    """The request that this browser started. Raises BadRequest for a stranger's, a finished or a
    stale one."""
    visit = here()
    found = visit.ledger.pending(request.values.get("request", ""))
    cookie = digest(request.cookies.get(BROWSER, ""))
    if found is None or not hmac.compare_digest(found.browser, cookie) or found.expires <= visit.desk.now():
        raise BadRequest("This sign-in is finished, expired or was started in another browser")
    return found, AuthorizationRequest.from_json(found.request)


def _member(pending: Pending) -> Account:
    if pending.username is None:
        raise BadRequest("Sign in first")
    return here().rooms.accounts[pending.username]


def _login_page(
    pending: Pending, asked: AuthorizationRequest, status: int = 200, problem: str | None = None
) -> Response:
    client = here().rooms.clients[asked.client_id]
    # A member who may not connect goes back to the app straight from this form.
    return page(
        "login.html",
        status,
        leads_to=asked.redirect_uri,
        request_id=pending.id,
        client=client,
        problem=problem,
        username=request.form.get("username", ""),
    )


@oauth.post("/token")
def token() -> Response:
    asked = _token_request()
    here().notes["grant_type"] = asked.form.get("grant_type")
    return respond(here().rooms.server.token(asked))


@oauth.post("/revoke")
def revoke() -> Response:
    reply = here().rooms.server.endpoint("revocation", _token_request())
    return respond(reply if reply.status != 200 else Reply(200, reply.headers, b""))


@oauth.post("/introspect")
def introspect() -> Response:
    return respond(here().rooms.server.endpoint("introspection", _token_request()))


def _token_request() -> TokenRequest:
    if request.mimetype != "application/x-www-form-urlencoded":
        raise BadRequest("The body must be application/x-www-form-urlencoded")
    return TokenRequest(request.form.to_dict(flat=False), dict(request.headers), here().desk)


@oauth.get("/jwks")
def keys() -> Response:
    return Response(json_bytes(jwks(here().rooms.signing_key)), content_type="application/json")


@oauth.get("/.well-known/openid-configuration")
def openid_configuration() -> Response:
    body = metadata.openid_configuration(here().auth)
    return Response(json_bytes(body), content_type="application/json")
