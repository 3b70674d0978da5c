"""The ledger: everything that changes while a payer runs, keyed by tenant.

Spending a code, replacing a refresh token and taking a use of a token are single conditional UPDATE
statements: of any number of workers exactly one sees `rowcount == 1`.
All times are milliseconds since 1970, UTC, by the tenant's clock.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Engine,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    and_,
    case,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    select,
    text,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from sandbox.core.errors import FileProblem
from sandbox.core.files import json_bytes, json_value
from sandbox.store import address
from sandbox.store.driver import Driver, given

_META = MetaData()


def _table(name: str, *columns: Column[Any] | Index) -> Table:
    return Table(name, _META, Column("tenant", String, primary_key=True), *columns)


CLOCK = _table("clock", Column("offset", BigInteger, nullable=False))
COUNTER = _table(
    "counter",
    Column("name", String, primary_key=True),
    Column("value", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False, default=0),
)
OPT_IN = _table("opt_in", Column("username", String, primary_key=True), Column("at", BigInteger))
PENDING = _table(
    "pending",  # an authorization request between /authorize and its code
    Column("id", String, primary_key=True),
    Column("browser", String, nullable=False),
    Column("request", String, nullable=False),
    Column("username", String),
    Column("expires", BigInteger, nullable=False),
    Column("patient", String),
    Column("scenario", String),
)
PUSHED = _table(
    "pushed",  # an authorization request that a client has sent ahead (RFC 9126)
    Column("id", String, primary_key=True),
    Column("client", String, nullable=False),
    Column("request", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
SESSION = _table(
    "session",  # a browser at the payer's pages, signed in or not yet
    Column("id", String, primary_key=True),
    Column("username", String),
    Column("csrf", String, nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("since", BigInteger, nullable=False),
)
STANDING = _table(
    "standing",  # what was decided about a member: locked, approved, opted out
    Column("username", String, primary_key=True),
    Column("mark", String, primary_key=True),
    Column("at", BigInteger, nullable=False),
)
GRANT = _table(
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
    Column("effects", String),  # accidents that happened while it was given
    Index("grant_member", "tenant", "username"),
)
CODE = _table(
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
TOKEN = _table(
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
    Column("effects", String),  # accidents that happened while it was minted
    Index("token_grant", "tenant", "grant"),
)
ARMED = Table(
    "armed",  # accidents that happen a number of times and are over
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("source", String, nullable=False),
    Column("times", Integer, nullable=False),
    Column("left", Integer, nullable=False),
    Column("rule", String, nullable=False),
    Index("armed_source", "tenant", "source", unique=True),
)
JOURNAL = Table(
    "journal",
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("entry", String, nullable=False),
    Index("journal_tenant", "tenant", "number"),
    sqlite_autoincrement=True,  # whoever follows the journal is never shown a number twice
)
CLIENT = _table(
    "client",  # an app registered here, or what was decided about one of the fixtures (entry: null)
    Column("id", String, primary_key=True),
    Column("entry", String),
    Column("created", BigInteger, nullable=False),
    Column("manage", String),
    Column("state", String, nullable=False),
    Column("criterion", String),
    Column("secret", String),
    Column("old_secret", String),
    Column("old_until", BigInteger),
)
ASSERTION = _table(
    "assertion",  # client assertions that were used, until they expire by themselves
    Column("client", String, primary_key=True),
    Column("jti", String, primary_key=True),
    Column("expires", BigInteger, nullable=False),
    Index("assertion_expires", "tenant", "expires"),
)
REMOTE_KEYS = _table(
    "remote_keys",  # what was found at a client's jwks_uri, as long as its Cache-Control says
    Column("uri", String, primary_key=True),
    Column("body", String, nullable=False),
    Column("fetched", BigInteger, nullable=False),
    Column("expires", BigInteger, nullable=False),
)
SIGNING_KEY = Table(
    "signing_key",  # the keys a tenant rotated to, in order; the first one is the server's own
    _META,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("tenant", String, nullable=False),
    Column("kid", String, nullable=False),
    Column("value", String, nullable=False),
    Column("since", BigInteger, nullable=False),
    Index("signing_key_tenant", "tenant", "number"),
)
KEY = Table("key", _META, Column("name", String, primary_key=True), Column("value", String, nullable=False))

_STATE = select(
    select(CLOCK.c.offset).where(CLOCK.c.tenant == given("tenant")).scalar_subquery(),
    exists().where(ARMED.c.tenant == given("tenant"), ARMED.c.left > 0),
)
"""What every request asks first; built once."""

_PER_TENANT = (
    CLOCK, COUNTER, OPT_IN, STANDING, PENDING, PUSHED, SESSION, GRANT, CODE, TOKEN, ARMED, JOURNAL, CLIENT,
    ASSERTION, REMOTE_KEYS, SIGNING_KEY,
)  # fmt: skip


def digest(secret: str) -> str:
    """How codes, tokens and secrets are kept: SHA-256, hex. They are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(frozen=True)
class Pending:
    """An authorization request waiting for its member: `request` is the validated request as JSON,
    `browser` the digest of the session that started it, `username` who has signed in for it (None:
    nobody yet), `patient` whose data they have chosen to share (None: not chosen)."""

    id: str
    browser: str
    request: dict[str, Any]
    username: str | None
    expires: int
    patient: str | None = None


@dataclass(frozen=True)
class Session:
    """A browser at this payer. `username` None: nobody has signed in; `csrf` must come with every
    form; `since` is when the member signed in."""

    username: str | None
    csrf: str
    expires: int
    since: int


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


@dataclass(frozen=True)
class ClientRecord:
    """What the ledger knows of a client. `entry` is the registered metadata as JSON (None: a client of
    the fixtures, about which only something was decided); `manage` and the secrets are digests; the
    old secret works until `old_until`."""

    id: str
    entry: str | None
    created: int
    manage: str | None
    state: str
    criterion: str | None
    secret: str | None
    old_secret: str | None
    old_until: int | None


@dataclass(frozen=True)
class RemoteKeys:
    """A JWKS (JSON text) that was fetched."""

    uri: str
    body: str
    fetched: int
    expires: int


@dataclass(frozen=True)
class Armed:
    """An accident that happens `left` more times. `rule` is what was asked for, as JSON; `source` keeps
    the same header from arming it twice."""

    number: int
    source: str
    times: int
    left: int
    rule: dict[str, Any]


def _columns(table: Table, shape: type[Any]) -> list[Column[Any]]:
    return [table.c[name] for name in shape.__dataclass_fields__]


PINS_KEPT = 4096
"""Tokens whose pin is remembered by a process."""


class Ledger:
    """The whole ledger, in a file or in a schema of a database; `tenant(name)` is the part that request
    handlers hold. Raises FileProblem."""

    def __init__(self, place: str | Path):
        try:
            if not (isinstance(place, str) and address.is_url(place)):
                Path(place).parent.mkdir(parents=True, exist_ok=True)
            self._engine = _engine(place)
            with self._engine.begin() as db:
                if db.dialect.name == "postgresql":
                    schema = address.schema_of(str(place))
                    # "if not exists" is no answer to two workers that come at the same time
                    db.execute(select(func.pg_advisory_xact_lock(func.hashtext(schema))))
                    db.execute(CreateSchema(schema, if_not_exists=True))
                for table in _META.sorted_tables:  # two workers may come first at the same time
                    db.execute(CreateTable(table, if_not_exists=True))
                    known = {column["name"] for column in inspect(db).get_columns(table.name)}
                    for column in table.columns:  # a ledger that an older version has kept
                        if column.name not in known:
                            kind = column.type.compile(self._engine.dialect)
                            db.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}'))
                    for index in table.indexes:
                        db.execute(CreateIndex(index, if_not_exists=True))
        except (OSError, DBAPIError) as problem:
            why = f"{address.shown(place)}: cannot be opened ({problem})"
            raise FileProblem(why.splitlines()[0]) from None
        self._driver = Driver(self._engine)
        self._pins = lru_cache(PINS_KEPT)(self._pin_of)

    def tenant(self, name: str, pin: str = "") -> TenantLedger:
        return TenantLedger(self._engine, self._driver, name, pin)

    def pin_of(self, tenant: str, token: str) -> str:
        """The selection that a token is pinned to (empty: none). It never changes, so it is kept."""
        return self._pins(tenant, digest(token))

    def _pin_of(self, tenant: str, hash: str) -> str:
        return self.tenant(tenant).pinned_by(token=hash)

    def clear(self) -> None:
        """Empty every tenant. Keys stay, so that restarts do not invalidate signatures."""
        with self._engine.begin() as db:
            for table in _PER_TENANT:
                db.execute(delete(table))

    def key(self, name: str, make: Any) -> str:
        """A secret shared by all workers: made once, by whoever comes first."""
        query = select(KEY.c.value).where(KEY.c.name == name)
        with self._engine.begin() as db:
            found = db.execute(query).scalar()
        if found is not None:
            return str(found)
        made = make()
        with self._engine.begin() as db:
            db.execute(_upsert(self._engine, KEY).values(name=name, value=made).on_conflict_do_nothing())
            return str(db.execute(query).scalar_one())

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are the parent's."""
        self._driver.forget()
        self._engine.dispose(close=False)

    def close(self) -> None:
        self._driver.close()
        self._engine.dispose()


def _engine(place: str | Path) -> Engine:
    engine = address.writing(place)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def pragmas(connection: Any, record: Any) -> None:
            # A sandbox may lose its last second in a power cut; it may not be slow.
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=OFF")

    return engine


def _upsert(engine: Engine, table: Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that may say what happens if the row is there: each database has its own."""
    return postgresql.insert(table) if engine.dialect.name == "postgresql" else sqlite.insert(table)


class TenantLedger:
    """One tenant's part of the ledger. What is granted through it is pinned to the selection `pin`
    (empty: to none); `minted` and `granted` list what was written through it."""

    def __init__(self, engine: Engine, driver: Driver, name: str, pin: str = ""):
        self._engine = engine
        self._driver = driver
        self.name = name
        self.pin = pin
        self.minted: list[str] = []
        self.granted: list[str] = []

    def _write(self) -> AbstractContextManager[Connection]:
        # Each write begins with its writing statement: a reader that turns writer would be told
        # "busy" at once, a writer waits its turn.
        return self._engine.begin()

    def _upsert(self, table: Table) -> Any:
        return _upsert(self._engine, table)

    def _where(self, table: Table, **same: Any) -> list[Any]:
        return [table.c.tenant == self.name, *(table.c[k] == v for k, v in same.items())]

    def _one(self, table: Table, shape: type[Any], **same: Any) -> Any:
        with self._engine.connect() as db:
            row = db.execute(select(*_columns(table, shape)).where(*self._where(table, **same))).first()
        return shape(*row) if row else None

    def _add(self, table: Table, values: Mapping[str, Any]) -> None:
        with self._write() as db:
            db.execute(insert(table), {"tenant": self.name, **values})

    def _take(self, table: Table, conditions: list[Any], changes: Mapping[str, Any]) -> bool:
        with self._write() as db:
            return db.execute(update(table).where(*conditions).values(**changes)).rowcount == 1

    # clock and counters

    def offset(self) -> int:
        """Milliseconds this tenant's clock is ahead of the machine's."""
        found = self._driver.rows(_OFFSET, tenant=self.name)
        return int(found[0][0]) if found else 0

    def state(self) -> tuple[int, bool]:
        """(the clock's offset in milliseconds, whether any accident is armed), in one look."""
        offset, waiting = self._driver.rows(_STATE, tenant=self.name)[0]
        return int(offset or 0), bool(waiting)

    def move_clock(self, offset: int) -> None:
        row = self._upsert(CLOCK).values(tenant=self.name, offset=offset)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant"], set_={"offset": offset}))

    def count(self, name: str, by: int = 1) -> int:
        """Add to a counter and return its new value, atomically across workers."""
        row = self._upsert(COUNTER).values(tenant=self.name, name=name, value=by, since=0)
        row = row.on_conflict_do_update(
            index_elements=["tenant", "name"], set_={"value": COUNTER.c.value + by}
        )
        with self._write() as db:
            return int(db.execute(row.returning(COUNTER.c.value)).scalar_one())

    def window(self, name: str, now: int, length: int) -> tuple[int, int]:
        """Count one event in a window of `length` ms that starts with its first event.

        Returns (events so far, when the window started); atomic across workers.
        """
        over = COUNTER.c.since + length <= now
        row = self._upsert(COUNTER).values(tenant=self.name, name=name, value=1, since=now)
        row = row.on_conflict_do_update(
            index_elements=["tenant", "name"],
            set_={
                "value": case((over, 1), else_=COUNTER.c.value + 1),
                "since": case((over, now), else_=COUNTER.c.since),
            },
        )
        with self._write() as db:
            value, since = db.execute(row.returning(COUNTER.c.value, COUNTER.c.since)).one()
        return int(value), int(since)

    def counted(self, name: str, now: int, length: int) -> tuple[int, int]:
        """What `window` would say if nothing more happened: (events, when the window started)."""
        query = select(COUNTER.c.value, COUNTER.c.since).where(*self._where(COUNTER, name=name))
        with self._engine.connect() as db:
            found = db.execute(query).first()
        return (int(found[0]), int(found[1])) if found and found[1] + length > now else (0, now)

    def forget_count(self, name: str) -> None:
        with self._write() as db:
            db.execute(delete(COUNTER).where(*self._where(COUNTER, name=name)))

    # opt-ins

    def opted_in(self, username: str) -> bool:
        with self._engine.connect() as db:
            query = select(OPT_IN.c.at).where(*self._where(OPT_IN, username=username))
            return db.execute(query).first() is not None

    def opt_in(self, username: str, at: int) -> None:
        row = self._upsert(OPT_IN).values(tenant=self.name, username=username, at=at)
        with self._write() as db:
            db.execute(row.on_conflict_do_nothing())

    def standing(self, username: str) -> frozenset[str]:
        """What was decided about a member: any of locked, approved, opted-out."""
        query = select(STANDING.c.mark).where(*self._where(STANDING, username=username))
        with self._engine.connect() as db:
            return frozenset(db.execute(query).scalars())

    def mark(self, username: str, mark: str, at: int) -> None:
        row = self._upsert(STANDING).values(tenant=self.name, username=username, mark=mark, at=at)
        with self._write() as db:
            db.execute(row.on_conflict_do_nothing())

    def unmark(self, username: str, mark: str) -> None:
        with self._write() as db:
            db.execute(delete(STANDING).where(*self._where(STANDING, username=username, mark=mark)))

    # authorization requests

    def push(self, id: str, client: str, request: Mapping[str, Any], expires: int) -> None:
        body = json_bytes(request).decode()
        self._add(PUSHED, {"id": digest(id), "client": client, "request": body, "expires": expires})

    def take_pushed(self, id: str, client: str, now: int) -> dict[str, Any] | None:
        """A pushed request, once, for the client that pushed it, before it expires."""
        good = [*self._where(PUSHED, id=digest(id), client=client), PUSHED.c.expires > now]
        with self._write() as db:
            found = db.execute(delete(PUSHED).where(*good).returning(PUSHED.c.request)).scalar()
        return json_value(found) if found is not None else None

    def add_pending(self, pending: Pending) -> None:
        self._add(
            PENDING,
            {
                "id": digest(pending.id),
                "browser": pending.browser,
                "request": json_bytes(pending.request).decode(),
                "username": pending.username,
                "expires": pending.expires,
                "patient": pending.patient,
                "scenario": self.pin or None,
            },
        )

    def pending(self, id: str) -> Pending | None:
        found = self._one(PENDING, Pending, id=digest(id))
        if found is None:
            return None
        whole: Pending = replace(found, id=id, request=json_value(found.request))
        return whole

    def log_in(self, id: str, username: str, browser: str) -> None:
        """Somebody has signed in for a request: it goes on in the session that they got."""
        changes = {"username": username, "browser": browser, "patient": None, "scenario": self.pin or None}
        self._take(PENDING, self._where(PENDING, id=digest(id)), changes)

    def choose_patient(self, id: str, patient: str) -> None:
        self._take(PENDING, self._where(PENDING, id=digest(id)), {"patient": patient})

    def end_pending(self, id: str) -> bool:
        """Forget the request. True for exactly one caller."""
        with self._write() as db:
            return db.execute(delete(PENDING).where(*self._where(PENDING, id=digest(id)))).rowcount == 1

    # sessions of browsers

    def add_session(self, id: str, session: Session) -> None:
        self._add(SESSION, {"id": digest(id), **vars(session)})

    def session(self, id: str) -> Session | None:
        found: Session | None = self._one(SESSION, Session, id=digest(id))
        return found

    def end_session(self, id: str) -> None:
        with self._write() as db:
            db.execute(delete(SESSION).where(*self._where(SESSION, id=digest(id))))

    # grants, codes, tokens

    def add_grant(self, grant: Grant) -> None:
        self._add(GRANT, {**vars(grant), "scenario": self.pin or None})
        self.granted.append(grant.id)

    def grant(self, id: str) -> Grant | None:
        found: Grant | None = self._one(GRANT, Grant, id=id)
        return found

    def grants_of(self, username: str) -> list[Grant]:
        """A member's grants that are not revoked, newest first."""
        query = (
            select(*_columns(GRANT, Grant))
            .where(*self._where(GRANT, username=username), GRANT.c.revoked.is_(None))
            .order_by(GRANT.c.created.desc())
        )
        with self._engine.connect() as db:
            return [Grant(*row) for row in db.execute(query)]

    def revoke_grant(self, id: str, at: int) -> None:
        """Revoke a grant: every token of the family dies with it."""
        self._take(GRANT, [*self._where(GRANT, id=id), GRANT.c.revoked.is_(None)], {"revoked": at})

    def add_code(self, secret: str, code: Code) -> None:
        self._add(CODE, {"hash": digest(secret), **vars(code)})

    def code(self, secret: str) -> Code | None:
        found: Code | None = self._one(CODE, Code, hash=digest(secret))
        return found

    def spend_code(self, secret: str, at: int) -> bool:
        """True for exactly one caller."""
        unspent = [*self._where(CODE, hash=digest(secret)), CODE.c.spent.is_(None)]
        return self._take(CODE, unspent, {"spent": at})

    def add_token(self, token: Token) -> None:
        self._add(TOKEN, vars(token))
        self.minted.append(token.hash)

    def token(self, secret: str, kind: str | None = None) -> Token | None:
        same = {"hash": digest(secret)} | ({"kind": kind} if kind else {})
        found: Token | None = self._one(TOKEN, Token, **same)
        return found

    def bearer(self, secret: str, kind: str | None = None) -> tuple[Token, Grant] | None:
        """A token and the grant it stands for, in one question."""
        for row in self._driver.rows(_BEARER, tenant=self.name, hash=digest(secret)):
            token, grant = Token(*row[: len(_TOKEN)]), Grant(*row[len(_TOKEN) :])
            return (token, grant) if kind in (None, token.kind) else None
        return None

    def use_token(self, hash: str) -> bool:
        """Take one use of a token that has a limited number. False when none is left."""
        return self._take(
            TOKEN, [*self._where(TOKEN, hash=hash), TOKEN.c.uses > 0], {"uses": TOKEN.c.uses - 1}
        )

    def replace_token(self, hash: str, at: int) -> bool:
        """Mark a refresh token as replaced. True for exactly one caller."""
        current = [*self._where(TOKEN, hash=hash), TOKEN.c.replaced.is_(None), TOKEN.c.revoked.is_(None)]
        return self._take(TOKEN, current, {"replaced": at})

    def revoke_token(self, hash: str, at: int) -> None:
        self._take(TOKEN, [*self._where(TOKEN, hash=hash), TOKEN.c.revoked.is_(None)], {"revoked": at})

    # signing keys

    def add_signing_key(self, kid: str, private: str, at: int) -> None:
        self._add(SIGNING_KEY, {"kid": kid, "value": private, "since": at})

    def signing_keys(self) -> list[tuple[str, int]]:
        """The private keys (JWK, JSON) of this tenant with the time each took over, oldest first."""
        query = select(SIGNING_KEY.c.value, SIGNING_KEY.c.since).where(SIGNING_KEY.c.tenant == self.name)
        with self._engine.connect() as db:
            return [(value, since) for value, since in db.execute(query.order_by(SIGNING_KEY.c.number))]

    # clients

    def add_client(self, record: ClientRecord) -> None:
        self._add(CLIENT, vars(record))

    def client(self, id: str) -> ClientRecord | None:
        found: ClientRecord | None = self._one(CLIENT, ClientRecord, id=id)
        return found

    def clients(self) -> list[ClientRecord]:
        """In the order in which they registered."""
        query = select(*_columns(CLIENT, ClientRecord)).where(*self._where(CLIENT))
        with self._engine.connect() as db:
            found = db.execute(query.order_by(CLIENT.c.created, CLIENT.c.id))
            return [ClientRecord(*row) for row in found]

    def change_client(self, id: str, at: int, **changes: Any) -> None:
        """Change columns of a client; a client of the fixtures gets its row now."""
        fresh = {"tenant": self.name, "id": id, "created": at, "state": "approved", **changes}
        row = self._upsert(CLIENT).values(fresh)
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant", "id"], set_=changes))

    def remove_client(self, id: str) -> bool:
        """True for exactly one caller."""
        with self._write() as db:
            return db.execute(delete(CLIENT).where(*self._where(CLIENT, id=id))).rowcount == 1

    def revoke_client(self, id: str, at: int) -> None:
        """Every grant and token of a client dies, codes not yet spent included."""
        with self._write() as db:
            for table in (GRANT, TOKEN):
                alive = [*self._where(table, client=id), table.c.revoked.is_(None)]
                db.execute(update(table).where(*alive).values(revoked=at))

    def spend_assertion(self, client: str, jti: str, until: int, now: int) -> bool:
        """Remember a client's `jti` until its assertion expires. True for exactly one caller."""
        row = self._upsert(ASSERTION).values(tenant=self.name, client=client, jti=digest(jti), expires=until)
        with self._write() as db:
            db.execute(delete(ASSERTION).where(ASSERTION.c.tenant == self.name, ASSERTION.c.expires <= now))
            added = db.execute(row.on_conflict_do_nothing().returning(ASSERTION.c.jti))
            return added.first() is not None

    def remote_keys(self, uri: str) -> RemoteKeys | None:
        found: RemoteKeys | None = self._one(REMOTE_KEYS, RemoteKeys, uri=uri)
        return found

    def keep_remote_keys(self, keys: RemoteKeys) -> None:
        row = self._upsert(REMOTE_KEYS).values(tenant=self.name, **vars(keys))
        with self._write() as db:
            db.execute(row.on_conflict_do_update(index_elements=["tenant", "uri"], set_=vars(keys)))

    # pins, and accidents that are remembered

    def pinned_by(self, *, pending: str = "", code: str = "", token: str = "") -> str:
        """The selection that a sign-in, a code or a token (its digest) is pinned to; empty: none."""
        of_grant = select(GRANT.c.scenario).where(GRANT.c.tenant == self.name)
        if pending:
            query = select(PENDING.c.scenario).where(*self._where(PENDING, id=digest(pending)))
        elif code:
            query = of_grant.join(CODE, (CODE.c.tenant == GRANT.c.tenant) & (CODE.c.grant == GRANT.c.id))
            query = query.where(CODE.c.hash == digest(code))
        else:
            query = of_grant.join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            query = query.where(TOKEN.c.hash == token)
        with self._engine.connect() as db:
            return db.execute(query).scalar() or ""

    def remember(self, effects: str) -> None:
        """Write these accidents on what was granted and minted through this view."""
        with self._write() as db:
            for table, key, written in ((GRANT, "id", self.granted), (TOKEN, "hash", self.minted)):
                if written:
                    rows = [table.c.tenant == self.name, table.c[key].in_(written)]
                    db.execute(update(table).where(*rows).values(effects=effects))

    def remembered(self, token: str) -> str:
        """The accidents that a token and its grant were made with, separated by commas."""
        query = (
            select(GRANT.c.effects, TOKEN.c.effects)
            .join(TOKEN, (TOKEN.c.tenant == GRANT.c.tenant) & (TOKEN.c.grant == GRANT.c.id))
            .where(GRANT.c.tenant == self.name, TOKEN.c.hash == digest(token))
        )
        with self._engine.connect() as db:
            found = db.execute(query).first()
        return ",".join(part for part in found if part) if found else ""

    # accidents that happen a number of times

    def arm(self, rule: Mapping[str, Any], times: int, source: str) -> bool:
        """Arm an accident. False when the same source has armed it before."""
        row = self._upsert(ARMED).values(
            tenant=self.name, source=source, times=times, left=times, rule=json_bytes(rule).decode()
        )
        with self._write() as db:
            added = db.execute(row.on_conflict_do_nothing().returning(ARMED.c.number))
            return added.first() is not None

    def armed(self) -> list[Armed]:
        """Every accident that was armed, the oldest first, spent ones included."""
        columns = [ARMED.c[name] for name in Armed.__dataclass_fields__]
        query = select(*columns).where(ARMED.c.tenant == self.name).order_by(ARMED.c.number)
        with self._engine.connect() as db:
            return [
                Armed(number, source, times, left, json_value(rule))
                for number, source, times, left, rule in db.execute(query)
            ]

    def take(self, number: int) -> bool:
        """Take one time of an armed accident. False when none is left."""
        rows = [ARMED.c.tenant == self.name, ARMED.c.number == number, ARMED.c.left > 0]
        return self._take(ARMED, rows, {"left": ARMED.c.left - 1})

    def disarm(self) -> int:
        """Forget every armed accident. Returns how many there were."""
        with self._write() as db:
            return db.execute(delete(ARMED).where(ARMED.c.tenant == self.name)).rowcount

    # journal and reset

    def note(self, entry: Mapping[str, Any]) -> None:
        self._driver.run(_NOTE, tenant=self.name, entry=json_bytes(entry).decode())

    def journal(
        self,
        limit: int = 100,
        after: int = 0,
        wanted: Callable[[dict[str, Any]], bool] = lambda entry: True,
        *,
        oldest: bool = False,
    ) -> list[dict[str, Any]]:
        """The latest exchanges that are wanted (or the first after a number), oldest first. A limit of
        0 is none."""
        order = JOURNAL.c.number.asc() if oldest else JOURNAL.c.number.desc()
        query = (
            select(JOURNAL.c.number, JOURNAL.c.entry)
            .where(JOURNAL.c.tenant == self.name, JOURNAL.c.number > after)
            .order_by(order)
        )
        found: list[dict[str, Any]] = []
        with self._engine.connect() as db:
            for number, entry in db.execute(query).yield_per(200):
                told = {"number": number, **json_value(entry)}
                if wanted(told):
                    found.append(told)
                    if len(found) == limit:
                        break
        return found if oldest else found[::-1]

    def last_number(self) -> int:
        """The number of the tenant's latest exchange; 0 when there is none."""
        query = select(JOURNAL.c.number).where(JOURNAL.c.tenant == self.name)
        with self._engine.connect() as db:
            return db.execute(query.order_by(JOURNAL.c.number.desc()).limit(1)).scalar() or 0

    def reset(self) -> None:
        """Forget everything of this tenant, its clock included."""
        with self._write() as db:
            for table in _PER_TENANT:
                db.execute(delete(table).where(table.c.tenant == self.name))


_TOKEN = _columns(TOKEN, Token)
_OFFSET = select(CLOCK.c.offset).where(CLOCK.c.tenant == given("tenant"))
_NOTE = insert(JOURNAL).values(tenant=given("tenant"), entry=given("entry"))
_BEARER = (
    select(*_TOKEN, *_columns(GRANT, Grant))
    .join(GRANT, and_(GRANT.c.tenant == TOKEN.c.tenant, GRANT.c.id == TOKEN.c.grant))
    .where(TOKEN.c.tenant == given("tenant"), TOKEN.c.hash == given("hash"))
)


def new_secret(length: int = 32) -> str:
    """An unguessable string of URL-safe characters; `length` is in bytes of entropy."""
    return secrets.token_urlsafe(length)
