"""Grants, and the codes and tokens that stand for them.

Spending a code, replacing a refresh token and taking a use of a token are single conditional UPDATE
statements: of any number of workers exactly one sees `rowcount == 1`. The tokens that come of a code or a
refresh token are written in its transaction: a crash leaves the old one good, or both written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Column, Engine, Executable, Index, Integer, String, and_, select

from sandbox.store.driver import Driver, bind
from sandbox.store.ledger.maintenance import Upkeep
from sandbox.store.ledger.repositories.repository import Part, changing, columns, table
from sandbox.store.secret import digest

GRANT = table(
    "grant",  # one yes of one member to one client; the family of all its tokens
    Column("id", String, primary_key=True),
    Column("client", String, nullable=False),
    Column("username", String, nullable=False),
    Column("patient", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("refused", String),
    Column("revoked", BigInteger),
    Column("fhir_user", String, nullable=False, default=""),
    Column("scenario", String),  # the selection that it is pinned to
    Column("terms", String),  # the selection that a header chose when it was given
    Column("effects", String),  # faults that happened while it was given
    Column("signed_in", BigInteger),
    Index("grant_member", "tenant", "username"),
    Index("grant_client", "tenant", "client"),
)
CODE = table(
    "code",
    Column("hash", String, primary_key=True),
    Column("grant", String, nullable=False),
    Column("client", String, nullable=False),
    Column("redirect_uri", String, nullable=False),
    Column("challenge", String),
    Column("nonce", String),
    Column("expires", BigInteger, nullable=False),
    Column("spent", BigInteger),
)
TOKEN = table(
    "token",
    Column("hash", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("grant", String, nullable=False),
    Column("client", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("issued", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("uses", Integer),
    Column("replaced", BigInteger),
    Column("revoked", BigInteger),
    Column("effects", String),  # faults that happened while it was minted
    Index("token_grant", "tenant", "grant"),
)


@dataclass(frozen=True)
class Grant:
    """A member's yes to a client. `refused`: the token works, but data is refused for this reason."""

    id: str
    client: str
    username: str
    patient: str
    scope: str
    created: int
    refused: str | None
    revoked: int | None
    fhir_user: str = ""  # who signed in, where that is not the patient
    signed_in: int | None = None  # when they did (ms)
    scenario: str | None = None  # the selection that it is pinned to; the ledger writes it
    terms: str | None = None  # the selection that a header chose when it was given; likewise

    @property
    def selection(self) -> str:
        """The selection under which it was given; empty: the payer's own."""
        return self.scenario or self.terms or ""


@dataclass(frozen=True)
class Code:
    grant: str
    client: str
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    expires: int
    spent: int | None


@dataclass(frozen=True)
class Token:
    """An access or refresh token (`kind`). `uses`: requests it is still good for (None: unlimited)."""

    hash: str
    kind: str
    grant: str
    client: str
    scope: str
    issued: int
    expires: int
    uses: int | None
    replaced: int | None
    revoked: int | None


_TOKEN = columns(TOKEN, Token)
_WITH_GRANT = select(*_TOKEN, *columns(GRANT, Grant)).join(
    GRANT, and_(GRANT.c.tenant == TOKEN.c.tenant, GRANT.c.id == TOKEN.c.grant)
)
BEARER = _WITH_GRANT.where(TOKEN.c.tenant == bind("tenant"), TOKEN.c.hash == bind("hash"))
"""A token and the grant it stands for: see `stands_for`."""


def stands_for(row: Sequence[Any]) -> tuple[Token, Grant]:
    return Token(*row[: len(_TOKEN)]), Grant(*row[len(_TOKEN) :])


_REVOKE_GRANT = changing(GRANT, "id", GRANT.c.revoked.is_(None), revoked=bind("at"))
_SPEND = changing(CODE, "hash", CODE.c.spent.is_(None), spent=bind("at"))
_USE = changing(TOKEN, "hash", TOKEN.c.uses > 0, uses=TOKEN.c.uses - 1)
_REVOKE = changing(TOKEN, "hash", TOKEN.c.revoked.is_(None), revoked=bind("at"))
_REPLACE = changing(TOKEN, "hash", TOKEN.c.replaced.is_(None), TOKEN.c.revoked.is_(None), replaced=bind("at"))


class Grants(Part):
    """A tenant's grants. `minted` and `granted` list what was written through this view."""

    def __init__(self, engine: Engine, driver: Driver, upkeep: Upkeep, name: str, pin: str = ""):
        super().__init__(engine, driver, upkeep, name, pin)
        self.minted: list[str] = []
        self.granted: list[str] = []

    def add_grant(self, grant: Grant) -> None:
        self._add(GRANT, {**vars(grant), "scenario": self.pin or None, "terms": self.terms or None})
        self.granted.append(grant.id)

    def grant(self, id: str) -> Grant | None:
        return self._one(GRANT, Grant, id=id)

    def grants_of(self, username: str) -> list[Grant]:
        """A member's grants that are not revoked, newest first."""
        query = (
            select(*columns(GRANT, Grant))
            .where(*self._where(GRANT, username=username), GRANT.c.revoked.is_(None))
            .order_by(GRANT.c.created.desc())
        )
        with self._engine.connect() as db:
            return [Grant(*row) for row in db.execute(query)]

    def revoke_grant(self, id: str, at: int) -> None:
        """Revoke a grant: every token of the family dies with it."""
        self._took(_REVOKE_GRANT, key=id, at=at)

    def add_code(self, secret: str, code: Code) -> None:
        self._add(CODE, {"hash": digest(secret), **vars(code)})

    def code(self, secret: str) -> Code | None:
        return self.code_by_hash(digest(secret))

    def code_by_hash(self, hash: str) -> Code | None:
        """The code with this digest."""
        return self._one(CODE, Code, hash=hash)

    def spend_code(self, secret: str, at: int, tokens: Sequence[Token] = ()) -> bool:
        """Spend a code for these tokens, both or neither. True for exactly one caller."""
        return self._exchange(_SPEND, digest(secret), at, tokens)

    def add_token(self, *tokens: Token) -> None:
        """Add tokens, all or none."""
        first, *others = (self._adding(TOKEN, vars(token)) for token in tokens)
        self._driver.together(first, *others)
        self.minted += [token.hash for token in tokens]

    def _exchange(self, statement: Executable, key: str, at: int, tokens: Sequence[Token]) -> bool:
        """Take what `statement` takes and add the tokens, in one transaction."""
        taking = statement, {"tenant": self.name, "key": key, "at": at}
        done = self._driver.together(taking, *(self._adding(TOKEN, vars(token)) for token in tokens))
        self.minted += [token.hash for token in tokens if done]
        return done

    def token(self, secret: str, kind: str | None = None) -> Token | None:
        same = {"hash": digest(secret)} | ({"kind": kind} if kind else {})
        return self._one(TOKEN, Token, **same)

    def list_expiring(self, now: int, limit: int) -> list[tuple[Token, Grant]]:
        """Return the tokens in use that expire next after `now` (ms), the earliest first."""
        query = _WITH_GRANT.where(
            *self._where(TOKEN, revoked=None, replaced=None), TOKEN.c.expires > now, GRANT.c.revoked.is_(None)
        )
        with self._engine.connect() as db:
            return [stands_for(row) for row in db.execute(query.order_by(TOKEN.c.expires).limit(limit))]

    def token_with_digest(self, beginning: str) -> Token | None:
        """Return the access token whose digest begins so, as the journal has it."""
        query = select(*_TOKEN).where(
            *self._where(TOKEN, kind="access"), TOKEN.c.hash.startswith(beginning, autoescape=True)
        )
        with self._engine.connect() as db:
            row = db.execute(query.limit(1)).first()
        return Token(*row) if row else None

    def bearer(self, secret: str, kind: str | None = None) -> tuple[Token, Grant] | None:
        """A token and the grant it stands for, in one question."""
        for row in self._driver.rows(BEARER, tenant=self.name, hash=digest(secret)):
            token, grant = stands_for(row)
            return (token, grant) if kind in (None, token.kind) else None
        return None

    def use_token(self, hash: str) -> bool:
        """Take one use of a token that has a limited number. False when none is left."""
        return self._took(_USE, key=hash)

    def replace_token(self, hash: str, at: int, tokens: Sequence[Token] = ()) -> bool:
        """Replace a refresh token by these, both or neither. True for exactly one caller."""
        return self._exchange(_REPLACE, hash, at, tokens)

    def revoke_token(self, hash: str, at: int) -> None:
        self._took(_REVOKE, key=hash, at=at)
