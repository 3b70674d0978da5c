"""The ledger: everything that changes while a payer runs, keyed by tenant.

All times are milliseconds since 1970, UTC, by the tenant's clock, but for `written` and `used`, which are
by the server's. What stays how long is in `retention`.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    Executable,
    String,
    Table,
    delete,
    event,
    func,
    inspect,
    literal,
    select,
    text,
    true,
    update,
)
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateIndex, CreateSchema, CreateTable

from sandbox.core.cache import ByteBoundedCache, bounded
from sandbox.core.clock import Clock, SystemClock, sleep
from sandbox.core.errors import FileProblem, Unavailable
from sandbox.core.files import make_private, make_private_folder
from sandbox.store import address
from sandbox.store.driver import Driver, bind
from sandbox.store.failures import translate_errors
from sandbox.store.ledger import retention
from sandbox.store.ledger.maintenance import Upkeep
from sandbox.store.ledger.quota import QUOTA, Quotas
from sandbox.store.ledger.repositories.armed_faults import ArmedFaults
from sandbox.store.ledger.repositories.clients import Clients
from sandbox.store.ledger.repositories.clock import Clocks, Switches
from sandbox.store.ledger.repositories.counters import Counters
from sandbox.store.ledger.repositories.jobs import Jobs
from sandbox.store.ledger.repositories.journal import JOURNAL, ExchangeRecords, Journals, Watches
from sandbox.store.ledger.repositories.keys import KeyRepository
from sandbox.store.ledger.repositories.member_status import Standings
from sandbox.store.ledger.repositories.pins import Origin, Pins
from sandbox.store.ledger.repositories.repository import META, upsert
from sandbox.store.ledger.repositories.request_state import RequestState
from sandbox.store.ledger.repositories.sign_ins import SignIns
from sandbox.store.ledger.repositories.work import TenantWork, WorkQueue
from sandbox.store.ledger.repositories.written import WrittenResources
from sandbox.store.ledger.retention import PER_PAYER, TENANT, Sweeper
from sandbox.store.secret import digest

KEY = Table("key", META, Column("name", String, primary_key=True), Column("value", String, nullable=False))


class TenantLedger(
    RequestState, Clocks, Counters, Standings, SignIns, Clients, KeyRepository, Pins, ArmedFaults, Switches,
    Journals,
):  # fmt: skip
    """One tenant's part of the ledger, whole. `quotas` are the counters of all tenants."""

    def __init__(
        self, engine: Engine, driver: Driver, upkeep: Upkeep, quotas: Quotas, name: str, pin: str = ""
    ):
        super().__init__(engine, driver, upkeep, name, pin)
        self.quotas = quotas

    @cached_property
    def written(self) -> WrittenResources:
        return WrittenResources(self._engine, self._driver, self._upkeep, self.name)

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs(self._engine, self._driver, self._upkeep, self.name)

    @cached_property
    def work(self) -> TenantWork:
        return TenantWork(self._engine, self._driver, self._upkeep, self.name)

    @cached_property
    def exchanges(self) -> ExchangeRecords:
        return ExchangeRecords(self._engine, self._driver, self._upkeep, self.name)

    def reset(self) -> None:
        """Forget everything of this tenant, its clock included."""
        with self._write() as db:
            for table in PER_PAYER:
                if table is not TENANT:
                    db.execute(delete(table).where(table.c.tenant == self.name))


ORIGINS_KEPT = 2 << 20
"""Bytes of origins of tokens that a process remembers."""

TOUCH = 600_000
"""Milliseconds between two notes of a process that a payer is in use."""

TOUCHED = 1 << 20
"""Bytes of names of payers whose last note a process remembers."""

PATIENCE = 600
"""Milliseconds that a write waits for another writer: a request may write three times (a quota, what it
asks for, the journal), and is answered within two seconds."""

OPENING = 5000
"""Milliseconds that the opening of a ledger waits for another process that makes it."""

TRIES, BETWEEN_TRIES = 100, 0.05
"""How often a new ledger is set up where SQLite does not wait by itself, and the seconds between."""

PROBE = 250
"""Milliseconds that the health check waits for another writer."""


@dataclass(frozen=True)
class Limits:
    """What the operator may change of how much a ledger keeps; see `settings`."""

    journal: int = 20_000
    journal_per_payer: int = 10_000
    idle_days: int = retention.IDLE_DAYS
    quota_factor: int = 1


class Ledger:
    """The whole ledger, in a file or in a schema of a database; `tenant(name)` is the part that request
    handlers hold. `clock` is the server's own, `base` that of payers which nobody has moved. Raises
    FileProblem."""

    def __init__(
        self,
        place: str | Path,
        clock: Clock | None = None,
        base: Clock | None = None,
        limits: Limits | None = None,
    ):
        clock, limits = clock or SystemClock(), limits or Limits()
        self.upkeep = Upkeep(clock)
        try:
            if not (isinstance(place, str) and address.is_url(place)):
                make_private_folder(Path(place).parent)
                make_private(Path(place))
                _prepare(Path(place))
            self._engine = _engine(place)
            with self._engine.begin() as db:
                _create(db, place, self.upkeep.now())
        except (OSError, DBAPIError, sqlite3.Error) as problem:
            why = f"{address.shown(place)}: cannot be opened ({problem})"
            raise FileProblem(why.splitlines()[0]) from None
        translate_errors(self._engine)
        self._driver, self._probe = Driver(self._engine, PATIENCE), Driver(self._engine, PROBE)
        self._origins = bounded(ORIGINS_KEPT)(self._origin_of)
        self._touched: ByteBoundedCache[str, int] = ByteBoundedCache(TOUCHED)
        self.quotas = Quotas(self._driver, self._engine.dialect.name, self.upkeep.now, limits.quota_factor)
        self.work = WorkQueue(self._driver, self.upkeep.now)
        watches = Watches(self._driver, self._engine.dialect.name, self.upkeep.now)
        self.watch, self.is_watched = watches.watch, watches.is_watched
        base = base or clock
        self._sweeper = Sweeper(
            self._driver,
            retention.rules(limits.journal, limits.journal_per_payer),
            self.upkeep.now,
            lambda: int(base.now().timestamp() * 1000),
            idle_days=limits.idle_days,
        )
        self.upkeep.sweep, self.upkeep.visit = self.sweep, self.visit
        self._probed: tuple[int, bool] = (0, True)

    def tenant(self, name: str, pin: str = "") -> TenantLedger:
        return TenantLedger(self._engine, self._driver, self.upkeep, self.quotas, name, pin)

    def sweep(self) -> int:
        """Remove a batch of what need not stay, and give free pages back. Returns how many rows went;
        a ledger that cannot be written keeps them."""
        try:
            gone = self._sweeper.sweep()
            if gone and self._engine.dialect.name == "sqlite":
                _shrink(self._engine)
        except (Unavailable, DBAPIError, sqlite3.Error):
            return 0
        return gone

    def visit(self, tenant: str, now: int | None = None) -> None:
        """Note that a payer is in use, once in a while."""
        now = now or self.upkeep.now()
        if now - (self._touched.get(tenant) or -TOUCH) >= TOUCH:
            with suppress(Unavailable):
                self._driver.run(_touching(self._engine.dialect.name), tenant=tenant, now=now)
                self._touched.keep(tenant, now)

    def is_known(self, tenant: str) -> bool:
        """Whether anybody has asked this payer something before."""
        if not tenant or self._touched.get(tenant) is not None:
            return True
        return bool(self._driver.rows(_KNOWN, tenant=tenant))

    def problems(self) -> list[str]:
        """What is wrong with the ledger right now; a look at it costs a fraction of a second at most."""
        now = self.upkeep.now()
        if not self._probed[0] <= now < self._probed[0] + 1000:
            try:
                self._probe.run(_probing(self._engine.dialect.name), now=now)
            except Unavailable:
                self._probed = (now, False)
            else:
                self._probed = (now, True)
        texts = [] if self._probed[1] else ["the ledger cannot be written"]
        if self.upkeep.failing:
            texts.append(f"the journal cannot be written, entries lost: {self.upkeep.lost}")
        return texts

    def payers_of(self, session: str) -> list[str]:
        """The tenants of a session that have a journal, whatever their scenarios."""
        name = JOURNAL.c.tenant
        with self._engine.connect() as db:
            names = db.execute(select(name).where(name.endswith(f"~{session}", autoescape=True)).distinct())
            return sorted(names.scalars())

    def origin_of(self, tenant: str, token: str) -> Origin | None:
        """Under which selection a token was granted. It never changes, so it is kept."""
        return self._origins(tenant, digest(token))

    def _origin_of(self, tenant: str, hash: str) -> Origin | None:
        return self.tenant(tenant).origin(token=hash)

    def clear(self) -> None:
        """Empty every tenant. Keys stay, so that restarts do not invalidate signatures."""
        with self._engine.begin() as db:
            for table in (*PER_PAYER, QUOTA):
                db.execute(delete(table))

    def key(self, name: str, make: Any) -> str:
        """A secret shared by all workers: made once, by whoever comes first."""
        query = select(KEY.c.value).where(KEY.c.name == name)
        with self._engine.begin() as db:
            value = db.execute(query).scalar()
        if value is not None:
            return str(value)
        fresh = make()
        with self._engine.begin() as db:
            db.execute(
                upsert(self._engine.dialect.name, KEY).values(name=name, value=fresh).on_conflict_do_nothing()
            )
            return str(db.execute(query).scalar_one())

    def after_fork(self) -> None:
        """Forget the parent's connections without closing them: they are the parent's."""
        self._driver.forget()
        self._probe.forget()
        self._engine.dispose(close=False)

    def close(self) -> None:
        self._driver.close()
        self._probe.close()
        self._engine.dispose()


_KNOWN = select(TENANT.c.tenant).where(TENANT.c.tenant == bind("tenant"))


@lru_cache
def _touching(dialect: str) -> Executable:
    row = upsert(dialect, TENANT).values(tenant=bind("tenant"), used=bind("now"))
    return row.on_conflict_do_update(index_elements=["tenant"], set_={"used": bind("now")})


@lru_cache
def _probing(dialect: str) -> Executable:
    row = upsert(dialect, QUOTA).values(name="health", value=0, written=bind("now"))
    return row.on_conflict_do_update(index_elements=["name"], set_={"written": bind("now")})


def _prepare(path: Path) -> None:
    """Write what a ledger file remembers by itself. SQLite refuses at once, and does not wait, where another
    process does the same at this moment."""
    for _ in range(TRIES - 1):
        try:
            _set_modes(path)
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
            sleep(BETWEEN_TRIES)
        else:
            return
    _set_modes(path)


def _set_modes(path: Path) -> None:
    with closing(sqlite3.connect(path, timeout=10)) as db:
        if not path.stat().st_size:
            db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL")


def _create(db: Connection, place: str | Path, now: int) -> None:
    """The tables, and what a ledger of an older version lacks."""
    if db.dialect.name == "postgresql":
        schema = address.schema_of(str(place))
        # "if not exists" is no answer to two workers that come at the same time
        db.execute(select(func.pg_advisory_xact_lock(func.hashtext(schema))))
        db.execute(CreateSchema(schema, if_not_exists=True))
    for table in META.sorted_tables:  # two workers may come first at the same time
        db.execute(CreateTable(table, if_not_exists=True))
        present = {column["name"] for column in inspect(db).get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                kind = column.type.compile(db.dialect)
                db.execute(text(f'ALTER TABLE "{table.name}" ADD COLUMN "{column.name}" {kind}'))
                if column.name == "written":
                    db.execute(update(table).values(written=now))
        for index in table.indexes:
            db.execute(CreateIndex(index, if_not_exists=True))
    for table in PER_PAYER:
        if table is not TENANT:
            payers = select(table.c.tenant, literal(now)).distinct().where(true())
            row = upsert(db.dialect.name, TENANT).from_select(["tenant", "used"], payers)
            db.execute(row.on_conflict_do_nothing())


FREE_PAGES = 1000
"""Pages of 4 KB that a ledger file keeps for what comes next. A sweep gives back as many of the others."""


def _shrink(engine: Engine) -> None:
    with engine.connect() as db:
        free = db.exec_driver_sql("PRAGMA freelist_count").scalar_one()
        if free > FREE_PAGES:
            number = min(free - FREE_PAGES, FREE_PAGES)
            raw: Any = db.connection.driver_connection  # only a script steps through all of it
            raw.executescript(f"PRAGMA incremental_vacuum({number})")


def _engine(place: str | Path) -> Engine:
    engine = address.writing(place)
    if engine.dialect.name == "sqlite":

        @event.listens_for(engine, "connect")
        def pragmas(connection: Any, record: Any) -> None:
            # A sandbox may lose its last second in a power cut; it may not be slow.
            connection.execute("PRAGMA journal_size_limit=8388608")
            connection.execute(f"PRAGMA busy_timeout={OPENING}")
            connection.execute("PRAGMA synchronous=OFF")

    return engine
