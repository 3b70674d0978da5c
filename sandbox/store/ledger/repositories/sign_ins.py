"""Sign-ins under way: requests sent ahead, requests waiting for their member, browsers' sessions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import BigInteger, Column, String, delete, null, update

from sandbox.core.errors import bad_request
from sandbox.core.files import json_bytes, json_value
from sandbox.store.driver import bind
from sandbox.store.ledger.repositories.repository import Part, changing, table
from sandbox.store.secret import digest

PENDING = table(
    "pending",  # an authorization request between /authorize and its code
    Column("id", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("request", String, nullable=False),
    Column("username", String),
    Column("expires", BigInteger, nullable=False),
    Column("patient", String),
    Column("scenario", String),
    Column("terms", String),
    Column("login_session", String),
    Column("answer", String),
    Column("decision", String),
    Column("code", String),
)
PUSHED = table(
    "pushed",  # an authorization request that a client has sent ahead (RFC 9126)
    Column("id", String, primary_key=True),
    Column("client", String, nullable=False),
    Column("request", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
SESSION = table(
    "session",  # a browser at the payer's pages, signed in or not yet
    Column("id", String, primary_key=True),
    Column("username", String),
    Column("csrf", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
    Column("browser", String, nullable=False, default=""),
)


_LOG_IN = changing(
    PENDING, "id", username=bind("who"), login_session=bind("session"), patient=null(), scenario=bind("pin")
)
_CHOOSE = changing(PENDING, "id", patient=bind("whose"))


@dataclass(frozen=True)
class Pending:
    """An authorization request and its member: `request` is the validated request as JSON, `browser` the
    browser that started it (as Session has it), `username` who has signed in for it (None: nobody yet),
    `patient` whose data they have chosen to share (None: not chosen).

    `login_session` is the session (its digest) that the login form was sent from. `answer` is the redirect
    to the app that the request was answered with last (None: not answered), sealed with the request's own
    id, `decision` the decision that led to it, `code` the digest of the code in it (None: an error).
    """

    id: str
    browser: str
    request: dict[str, Any]
    username: str | None
    expires: int
    patient: str | None = None
    login_session: str | None = None
    answer: str | None = None
    decision: str | None = None
    code: str | None = None


@dataclass(frozen=True)
class BrowserSession:
    """A browser at this payer. `username` None: nobody has signed in; `csrf` must come with every
    form; `since` is when the member signed in. `browser` is the digest of the first session of this
    browser, which every later one takes over (empty: this is the first)."""

    username: str | None
    csrf: str
    expires: int
    since: int
    browser: str = ""


REQUEST = 16_384
"""Bytes of an authorization request as it is kept."""


def _text(request: Mapping[str, Any]) -> str:
    body = json_bytes(request)
    if len(body) > REQUEST:
        text = f"The authorization request has more than {REQUEST} bytes"
        bad_request(text, cause="authorization-request-invalid")
    return body.decode()


class SignIns(Part):
    def push(self, id: str, client: str, request: Mapping[str, Any], expires: int) -> None:
        """Keep a request that was sent ahead. Raises BadRequest for one that is too long."""
        body = _text(request)
        self._add(PUSHED, {"id": digest(id), "client": client, "request": body, "expires": expires})

    def take_pushed(self, id: str, client: str, now: int) -> dict[str, Any] | None:
        """A pushed request, once, for the client that pushed it, before it expires."""
        good = [*self._where(PUSHED, id=digest(id), client=client), PUSHED.c.expires > now]
        with self._write() as db:
            request = db.execute(delete(PUSHED).where(*good).returning(PUSHED.c.request)).scalar()
        return json_value(request) if request is not None else None

    def add_pending(self, pending: Pending) -> None:
        """Keep a request until it is answered. Raises BadRequest for one that is too long."""
        self._add(
            PENDING,
            {
                "id": digest(pending.id),
                "browser": pending.browser,
                "request": _text(pending.request),
                "username": pending.username,
                "expires": pending.expires,
                "patient": pending.patient,
                "scenario": self.pin or None,
                "terms": self.terms or None,
            },
        )

    def pending(self, id: str) -> Pending | None:
        row = self._one(PENDING, Pending, id=digest(id))
        # the row has the request as JSON
        return row and replace(row, id=id, request=json_value(row.request))  # type: ignore[arg-type]

    def log_in(self, id: str, username: str, session: str) -> None:
        """Somebody has signed in for a request, by a form of this session (its digest)."""
        changes = {"who": username, "session": session, "pin": self.pin or None}
        self._took(_LOG_IN, key=digest(id), **changes)

    def choose_patient(self, id: str, patient: str) -> None:
        self._took(_CHOOSE, key=digest(id), whose=patient)

    def answer(self, pending: Pending, answer: str, decision: str, code: str | None) -> bool:
        """Keep what a request is answered with, in place of the answer in `pending`. True for exactly one of
        those who saw that one."""
        same = [
            *self._where(PENDING, id=digest(pending.id)),
            PENDING.c.answer.is_not_distinct_from(pending.answer),
        ]
        changes = {"answer": answer, "decision": decision, "code": code}
        with self._write() as db:
            return db.execute(update(PENDING).where(*same).values(changes)).rowcount == 1

    # sessions of browsers

    def add_session(self, id: str, session: BrowserSession) -> None:
        self._add(SESSION, {"id": digest(id), **vars(session)})

    def session(self, id: str) -> BrowserSession | None:
        return self._one(SESSION, BrowserSession, id=digest(id))

    def end_session(self, id: str) -> None:
        with self._write() as db:
            db.execute(delete(SESSION).where(*self._where(SESSION, id=digest(id))))
