"""Why a request was refused, in one sentence, and how to repair it: a table of causes.

The first row that fits wins. `path` is below the payer's prefix, `error` the OperationOutcome's code
or the OAuth error, `text` what the answer said, `token` the state of the bearer token.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.faults import one_shot
from sandbox.faults.verbs import VERBS


@dataclass(frozen=True)
class Cause:
    """A row. Every condition that is there must hold; texts are regular expressions."""

    why: str
    repair: str
    path: str = ""
    status: tuple[int, ...] = ()
    error: str = ""
    text: str = ""
    token: str = ""
    refusal: str = ""

    def fits(self, entry: Mapping[str, Any]) -> bool:
        return (
            (not self.status or entry["status"] in self.status)
            and bool(re.match(self.path, entry["path"]))
            and (not self.error or bool(re.fullmatch(self.error, entry.get("error") or "")))
            and (not self.text or bool(re.search(self.text, entry.get("said") or "", re.I)))
            and (not self.token or entry.get("token_state") == self.token)
            and (not self.refusal or entry.get("refusal") == self.refusal)
        )


_AGAIN = "Send the member through /auth/authorize again."
_REFRESH = "Use the refresh token once and keep the new tokens, or send the member through /auth/authorize."
_ASK = "Ask for the scope at /auth/authorize; a token never gains scopes later."

CAUSES: Sequence[Cause] = (
    # any request, whatever it is for: these come before rows that know only a path
    Cause("The X-Sandbox-Fail-Next header cannot be read; the rest of the request was not looked at.",
          "Write it as <place>=<times>[:<status>], such as token=2 or Patient=1:429, or leave it out.", "",
          (400,), text="X-Sandbox-Fail-Next is "),
    Cause("The X-Sandbox-Fail-Next header came without the control key; the rest was not looked at.",
          "Send the key as X-Sandbox-Key, or leave the header out.", "", (403,),
          text="X-Sandbox-Fail-Next needs "),
    Cause("The control API was called without its key.", "Send the key as X-Sandbox-Key.", "", (403,),
          text="control API needs its key"),
    Cause("The body of the request broke off, or is malformed.",
          "Send the whole body, as long as Content-Length says.", "", (400,),
          text="body of the request cannot be read"),
    Cause("The request has more parameters than this payer takes.", "Send fewer.", "", (400, 413),
          text="too many (parameters|values)"),
    Cause("The body is not of the media type that is wanted here.",
          "Send a form as application/x-www-form-urlencoded, and a FHIR resource as application/fhir+json.",
          "", (400, 415), text="application/(x-www-form-urlencoded|fhir)"),
    Cause("The server failed: a mistake of the sandbox, not of the app.",
          "Look for the request's id in the log of the server, and report it.", "", (500,),
          text="The server failed"),
    # the bearer token
    Cause("No bearer token came with the request.", "Send `Authorization: Bearer <access_token>`.",
          "/fhir", (401,), error="login"),
    Cause("The access token is not known to this payer.",
          "Use the token of this payer and prefix: a token of another session or scenario path is a stranger"
          " here, and a reset forgets all.", "/fhir", (401,), token="unknown"),
    Cause("A refresh token was sent where an access token is wanted.",
          "Send `access_token` of the token response; `refresh_token` is for /auth/token only.",
          "/fhir", (401,), token="refresh"),
    Cause("The access token had expired by the payer's clock.", _REFRESH, "/fhir", (401,), token="expired"),
    Cause("The access token was revoked.", _AGAIN, "/fhir", (401,), token="revoked"),
    Cause("The member's grant was revoked, and every token of it.", _AGAIN, "/fhir", (401,),
          token="grant-revoked"),
    Cause("The access token was good for a number of requests, and they are used up.", _REFRESH,
          "/fhir", (401,), token="used-up"),
    Cause("The account of the member is locked.",
          'Whoever runs the sandbox unlocks it: POST {"locked": false} to _sandbox/members/<name>.',
          "/fhir", (401,), token="locked"),
    Cause("The access token is not accepted.", _REFRESH, "/fhir", (401,)),
    Cause("The token's scopes do not reach this.", _ASK, "/fhir", (403,),
          text="needs the scope|scopes of this token"),
    Cause("The token is for another patient than the one asked for.",
          "Use the `patient` of the token response in searches and reads.", "/fhir", (403,),
          text="another patient"),
    Cause("The payer lets this member sign in and then refuses their data.",
          "Tell the member what the answer says; no other request will succeed.", "/fhir", (403,)),
    # FHIR requests
    Cause("Nothing can be written here.", "Send a Bundle of type batch whose entries are GETs.", "/fhir/?$",
          (400,), error="not-supported"),
    Cause("The body is no Bundle of type batch.", "Send a Bundle of type batch whose entries are GETs.",
          "/fhir/?$", (400,)),
    Cause("The body of the operation is no Parameters resource.",
          "Send Parameters, or the parameters in the address.", "/fhir", (400,),
          text="body of an operation|Every parameter is an object|body is not JSON"),
    Cause("This page token was not issued for this query by this payer.",
          "Follow the `next` link as it is, without changing or building it.", "/fhir", (400,), text="_page"),
    Cause("A parameter or its value cannot be understood.",
          "Read `expression` and the text of the OperationOutcome; /fhir/metadata lists the parameters.",
          "/fhir", (400,)),
    Cause("This payer does not have $everything.", "Fall back to a search for each type in /fhir/metadata.",
          r"/fhir/Patient/[^/]+/\$everything", (404,), error="not-supported"),
    Cause("A search names the type of resource it is for.", "Search at /fhir/<type>, type by type.", "/fhir",
          (404,), text="Searches are by type"),
    Cause("There is no such address or resource type at this payer.",
          "Read /fhir/metadata: it lists what can be read and searched.", "/fhir", (404,),
          error="not-supported"),
    Cause("The resource has no such version.", "Read /fhir/<type>/<id>/_history for those it has.", "/fhir",
          (404,), text="No such version"),
    Cause("No resource has this id, or it is another member's.",
          "Count the reference as unresolvable and go on; do not retry.", "/fhir", (404,)),
    Cause("The method is not possible here.", "This API is read with GET (and POST to _search).", "/fhir",
          (405,)),
    Cause("The answer was asked for in a form that the payer does not have.",
          "Send `Accept: application/fhir+json`.", "/fhir", (406,)),
    Cause("The resource was deleted.", "Remove it from your copy; it does not come back.", "/fhir", (410,),
          error="deleted"),
    Cause("What was asked for is gone.", "Begin the search again from its first page.", "/fhir", (410,)),
    # the app
    Cause("The payer has suspended or denied this app, or has not approved it yet.",
          'Whoever runs the sandbox decides: POST {"state": "approved"} to _sandbox/clients/<id>.', "/auth/",
          text=r"\(state: (submitted|denied|suspended)"),
    Cause("This payer registers apps by hand.", "Write to the contact that the answer names.",
          "/auth/register", (404,)),
    Cause("The registration token is missing, or not this client's.",
          "Send `Authorization: Bearer <registration_access_token>` of the answer to the registration.",
          "/auth/register", (401,)),
    Cause("The metadata of the client cannot be accepted.",
          "Send JSON; error_description names the field and what would do.", "/auth/register", (400,)),
    # authorize
    Cause("The pushed request is unknown, used, expired, or another client's.",
          "Push the request again, and use its request_uri once and at once.", "/auth/authorize", (400,),
          text="This request_uri"),
    Cause("The pushed request is incomplete or wrong.",
          "Push what /auth/authorize takes, each parameter once; read error_description.", "/auth/par",
          (400,)),
    Cause("`redirect_uri` is missing, or there more than once.", "Send the one that is registered, once.",
          "/auth/authorize", (400,), text="redirect_uri is missing"),
    Cause("`state` is missing or too short.",
          "Send a random state of 22 characters or more, and compare it when the member comes back.",
          "/auth/authorize", text="state is (missing|shorter)"),
    Cause("The redirect URI is not one that the client registered.",
          "Register it, character for character; only the port of a loopback address may differ.",
          "/auth/authorize", (400,), text="redirect_uri"),
    Cause("The client is not registered here.", "Use a client id of the developer page.", "/auth/authorize",
          (400,), text="client_id|client application"),
    Cause("PKCE is missing or malformed.",
          "Send code_challenge (S256 of a verifier of 43 to 128 characters) and code_challenge_method=S256.",
          "/auth/authorize", error="invalid_request", text="code_challenge|PKCE"),
    Cause("This payer takes no `aud`.", "Leave `aud` out.", "/auth/authorize", error="invalid_request",
          text="aud is not a parameter"),
    Cause("`aud` does not name this FHIR base.", "Send the FHIR base exactly as `aud`.", "/auth/authorize",
          error="invalid_request", text=r"\baud\b"),
    Cause("None of the scopes asked for can be granted.", "Ask for scopes of smart-configuration's list.",
          "/auth/authorize", error="invalid_scope"),
    Cause("The response type is not `code`.", "Send response_type=code.", "/auth/authorize",
          text="response_type"),
    Cause("`id_token_hint` names another member than the one who is signed in.",
          "Leave `id_token_hint` out, or have that member sign in.", "/auth/", error="login_required",
          text="id_token_hint"),
    Cause("A silent sign-in was asked for, and nobody is signed in.", "Leave `prompt=none` out.",
          "/auth/authorize", error="login_required"),
    Cause("A parameter of the authorization request is missing, doubled or wrong.",
          "Read error_description; each parameter is sent once.", "/auth/authorize"),
    # sign-in
    Cause("The member has not switched sharing on in the member portal.",
          "Sign in at /portal as the member and switch sharing on, then connect again.", "/auth/",
          refusal="not-opted-in"),
    Cause("The member's coverage has not begun.", "Show the member the error; move the clock to try later.",
          "/auth/", refusal="not-yet-covered"),
    Cause("The member's coverage ended too long ago for this payer.",
          "Show the member the error: this payer gives former members no access.", "/auth/",
          refusal="lapsed"),
    Cause("The member's line of business is not served by this API.",
          "Show the member the error: their plan is not included.", "/auth/", refusal="line-not-supported"),
    Cause("The account is locked.", 'Whoever runs the sandbox unlocks it: POST {"locked": false} to'
          " _sandbox/members/<name>.", "/auth/", refusal="locked"),
    Cause("The member's coverage began too recently for this payer.",
          "Show the member the error; move the clock to try later.", "/auth/", refusal="too-new"),
    Cause("The member is under age, and this payer lets a parent or guardian connect.",
          "Sign in as the parent and choose the child.", "/auth/", refusal="minor"),
    Cause("The payer approves each member's connections, and has not approved this one.",
          'Whoever runs the sandbox approves: POST {"approved": true} to _sandbox/members/<name>.', "/auth/",
          refusal="approval-pending"),
    Cause("There were too many wrong passwords for this name or from this address.",
          "Wait as long as Retry-After says.", "/(auth|portal)/login", (429,)),
    Cause("User name and password do not belong together.", "The password of a member is <name>-pass.",
          "/(auth|portal)/login", (400,), text="password"),
    Cause("The sign-in is over, or was begun in another browser.",
          "Begin again at /auth/authorize and keep the browser's cookies.", "/auth/(login|pick|consent)",
          (400,)),
    Cause("The form came from another site.", "Let the member's browser fill the payer's own page.",
          "/auth/", (403,), text="another site"),
    Cause("The page of the sign-in was out of date.", "Load it again in the member's browser.",
          "/(auth|portal)/", (403,), text="out of date"),
    Cause("The member declined, or the payer refused the sign-in.",
          "Show the member error_description and offer to try again.", "/auth/", error="access_denied"),
    # token
    Cause("The client assertion is not accepted.",
          "Sign a new one for each call with the registered key: iss and sub the client id, aud the token"
          " endpoint, exp within five minutes.", "/auth/", error="invalid_client", text="assertion"),
    Cause("The client could not be authenticated.",
          "Send a known client_id; a confidential client sends its secret by HTTP Basic, form-encoded.",
          "/auth/", error="invalid_client"),
    Cause("The authorization code was used before; everything that came of it is revoked.",
          "Redeem a code once, and do not repeat the call when its answer is lost.", "/auth/token",
          error="invalid_grant", text="code was already"),
    Cause("The code's verifier does not fit its challenge.",
          "Send the code_verifier whose SHA-256 was the code_challenge.", "/auth/token",
          text="code_verifier|code challenge"),
    Cause("The authorization code had expired.", "Redeem the code at once: it lives for a minute.",
          "/auth/token", error="invalid_grant", text="code has expired"),
    Cause("The redirect URI is not that of the authorization request.",
          "Send the same redirect_uri to /auth/token as to /auth/authorize.", "/auth/token",
          error="invalid_grant", text="redirect_uri"),
    Cause("The refresh token was used before, and it works once.",
          "Keep the refresh token of every answer, and refresh once at a time.", "/auth/token",
          error="invalid_grant", text="refresh token was already"),
    Cause("The member may not connect any more, so the grant does not go on.",
          "Show the member the error; who may connect again signs in again.", "/auth/token",
          error="invalid_grant", text="eligibility failed|account is locked|not switched on|not approved"),
    Cause("The code or refresh token is unknown, expired, revoked, or of another client or redirect URI.",
          _AGAIN, "/auth/token", error="invalid_grant"),
    Cause("A refresh asked for scopes that were not granted.", "Leave `scope` out of a refresh.",
          "/auth/token", error="invalid_scope"),
    Cause("The client may not use this grant type, or the payer has none of that name.",
          "Use authorization_code and refresh_token.", "/auth/token",
          error="(unauthorized_client|unsupported_grant_type)"),
    Cause("The form is incomplete or malformed.",
          "Send application/x-www-form-urlencoded, every parameter once; read error_description.",
          "/auth/(token|revoke|introspect)", (400,)),
    # portal, control, anything
    Cause("The control API cannot read this call.", "Read `message`; _sandbox/openapi.json has every call.",
          "/_sandbox", (400,)),
    Cause("The portal asks for its own login and form.", "Sign in at /portal and use its page.", "/portal",
          (403,)),
    Cause("The body of the request is too large.", "Forms and control calls are small: a megabyte at most.",
          "", (413,)),
    Cause("There is nothing at this address.", "Read /fhir/metadata and the smart-configuration.", "",
          (404,)),
    Cause("The method is not possible here.", "See the Allow header.", "", (405,)),
    Cause("The request was refused.", "Read what the answer says.", ""),
)  # fmt: skip


def explain(entry: Mapping[str, Any], titles: Mapping[str, str]) -> dict[str, str]:
    """`why` and `repair` of a refusal; empty for what was not refused. `titles` are the scenarios'."""
    if entry["status"] < 400 and not entry.get("error"):
        return {}
    told = [_on_purpose(effect, titles) for effect in entry["effects"] if _answers(effect)]
    if told:
        return {"why": told[-1], "repair": _REPAIRS.get(entry["status"], "A client of this payer must cope.")}
    found = next(cause for cause in CAUSES if cause.fits(entry))
    because = [_on_purpose(effect, titles) for effect in entry.get("because", ())]
    return {"why": " ".join([found.why, *because]), "repair": found.repair}


_REPAIRS = {
    401: "Refresh the token once; when that does not help, send the member through /auth/authorize.",
    403: "Do not repeat the request: tell the member, and go on without it.",
    404: "Go on without it: what is not there will not come by asking again.",
    410: "Begin again from the first page.",
    429: "Wait as long as Retry-After says, then send the same request again.",
    500: "Repeat once after a pause; go on without it when it stays.",
    502: "Repeat after a pause that grows.",
    503: "Wait as long as Retry-After says, then send the same request again.",
    504: "Repeat after a pause that grows, and ask for less.",
}


def _answers(effect: str) -> bool:
    """Whether this effect may itself have made a refusal of the answer."""
    verb = VERBS.get(effect.partition(":")[2])
    return verb is not None and not verb.silent and verb.stage.name in _REFUSING


_REFUSING = {"REQUEST", "AUTHORIZE", "QUERY", "RESPONSE"}


def _on_purpose(effect: str, titles: Mapping[str, str]) -> str:
    scenario, _, verb = effect.partition(":")
    if scenario == one_shot.NAME:
        return f"A test armed this failure through the control API or a header ({verb})."
    title = titles.get(scenario)
    return f"The scenario {scenario} did this on purpose ({verb}{f'; “{title}”' if title else ''})."
