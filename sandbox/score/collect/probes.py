"""The probes beside the sync: lapsed members, a member without a portal account, the developer portal.

None of these enters a rate. A probe that stumbles is tried again, so that one fault of a payer costs
one metric; a clear refusal is not.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sandbox.score.evidence import Exchange, Observation, seen, unseen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Member
from sandbox.score.signin import tokens
from sandbox.score.signin.launch import Driver, LentAccount, Redeem, SignInSession, sign_in
from sandbox.score.signin.page_flow import text_of
from sandbox.score.signin.pages.forms.login import asks_password
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.scopes import Scopes
from sandbox.score.signin.tokens import ClientApp, Endpoints

MOST_TRIES = 3


@dataclass(frozen=True)
class Door:
    """How members get in: the client, the endpoints, the app and the FHIR base they sign in for."""

    http: HttpClient
    endpoints: Endpoints
    app: ClientApp
    base: str
    driver: Driver | None = None
    scopes: Scopes = field(default_factory=Scopes)

    def sign_in(self, member: Member, redeem: Redeem = tokens.redeem) -> SignInSession:
        account = LentAccount(member.username, member.password)
        return sign_in(
            self.http,
            self.endpoints,
            self.app,
            account,
            aud=self.base,
            scopes=self.scopes,
            driver=self.driver,
            redeem=redeem,
        )

    def sign_in_patiently(self, member: Member) -> SignInSession:
        """Up to three attempts, unless the payer came back and said that it denies access."""
        exchanges: tuple[Exchange, ...] = ()
        for _ in range(MOST_TRIES):
            session = self.sign_in(member)
            exchanges += session.exchanges
            if session.usable or session.error == "access_denied" or not session.walked:
                break
        return replace(session, exchanges=exchanges)


def opt_in(door: Door, members: tuple[Member, ...]) -> Observation:
    """Whether a member who never opened the member portal gets in. Value: `{"works", "why"}`."""
    if not members:
        return unseen("no account of a member without a portal account was lent", cause="no-unopened")
    session = door.sign_in_patiently(members[0])
    if not session.walked:
        return unseen(session.reason, session.exchanges, cause="sign-in-not-walked")
    return seen({"works": session.usable, "why": session.reason}, session.exchanges)


def portal(http: HttpClient, url: str) -> Observation:
    """Whether a developer portal opens without a login. Value: `{"status", "html", "login"}`."""
    if "@" in url or not url.startswith(("http://", "https://")):
        return unseen("no address of a developer portal was given", cause="no-portal-address")
    answer = http.get(url, step="portal", reach="page", headers={"Accept": "text/html"})
    html = "html" in answer.headers.get("content-type", "")
    asks = html and asks_password(read(text_of(answer), answer.url))
    return seen({"status": answer.status, "html": html, "login": asks}, [answer.exchange])
