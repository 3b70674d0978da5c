"""What stays in the ledger and how long: every table has a rule, and every rule is kept."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select
from support.stores import BEGIN, place

from sandbox.core.clock import FrozenClock
from sandbox.core.errors import TooManyRequests
from sandbox.store.ledger.database import Ledger, Limits, TenantLedger
from sandbox.store.ledger.maintenance import EVERY, SECONDS
from sandbox.store.ledger.quota import QUOTA, QUOTAS, WINDOW, Quota, Quotas
from sandbox.store.ledger.repositories.clients import CLIENT, ClientRecord
from sandbox.store.ledger.repositories.grants import CODE, GRANT, TOKEN, Code, Grant, Token
from sandbox.store.ledger.repositories.journal import JOURNAL
from sandbox.store.ledger.repositories.repository import META
from sandbox.store.ledger.repositories.sign_ins import PENDING, PUSHED, SESSION, BrowserSession, Pending
from sandbox.store.ledger.retention import DAY, HOUR, RULES, TENANT, UNRULED, RetentionRule, Sweeper, rules
from sandbox.store.secret import digest

NOW = int(BEGIN.timestamp() * 1000)


def count(ledger: Ledger, table: Any) -> int:
    with ledger._engine.connect() as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())


def sweeper(ledger: Ledger, *changed: RetentionRule, **options: Any) -> Sweeper:
    """A sweeper that knows these rules only."""
    return Sweeper(ledger._driver, changed, ledger.upkeep.now, ledger.upkeep.now, **options)


def rule(table: Any) -> RetentionRule:
    return next(each for each in RULES if each.table is table)


def fill(tenant: TenantLedger, name: str = "x", life: int = HOUR, base: int = NOW) -> None:
    """One row in every table that ends by the payer's clock."""
    ends = base + life
    tenant.push(name, "app", {"state": ["s"]}, ends)
    tenant.add_pending(Pending(name, digest("cookie"), {"state": "s"}, None, ends))
    tenant.add_session(name, BrowserSession(None, "csrf", ends, base))
    tenant.add_grant(Grant(name, "app", "maria", "p1", "patient/*.rs", base, None, None))
    tenant.add_code(name, Code(name, "app", "http://localhost/cb", None, None, ends, None))
    tenant.add_token(Token(digest(name), "access", name, "app", "patient/*.rs", base, ends, None, None, None))


def register(tenant: TenantLedger, id: str) -> None:
    tenant.add_client(ClientRecord(id, "{}", NOW, None, "approved", None, None, None, None))


def test_every_table_has_a_rule_or_a_reason() -> None:
    ruled = {each.table.name for each in RULES}
    assert ruled | set(UNRULED) == set(META.tables)
    assert not ruled & set(UNRULED)


@pytest.mark.parametrize("each", RULES, ids=lambda each: each.table.name)
def test_every_rule_bounds_rows_and_their_size(each: RetentionRule) -> None:
    assert 0 < each.per_payer <= each.most <= 50_000
    assert 0 < each.size <= 65_536
    assert each.days is None or "written" in each.table.c
    tables_that_stay = {"journal", "signing_key", "opt_in", "standing"}  # as long as their payer
    assert (each.days is None) == (each.table.name in tables_that_stay)


def test_whatever_ends_by_the_payers_clock_is_over_by_it() -> None:
    ending = {name for name, table in META.tables.items() if "expires" in table.c}
    assert ending <= {each.table.name for each in RULES if each.over is not None}


@pytest.mark.parametrize("table", [PUSHED], ids=str)
@pytest.mark.parametrize("ahead", [0, 400 * DAY, -400 * DAY])
def test_what_is_over_goes_by_its_own_payers_clock(ledger: Ledger, table: Any, ahead: int) -> None:
    for name, life in (("over", 0), ("alive", 1)):
        tenant = ledger.tenant(name)
        tenant.move_clock(ahead)
        fill(tenant, life=life, base=NOW + ahead)
    ledger.sweep()
    with ledger._engine.connect() as db:
        assert db.execute(select(table.c.tenant)).scalars().all() == ["alive"]


@pytest.mark.parametrize(("table", "hours"), [(PENDING, 1), (SESSION, 1), (CODE, 24), (TOKEN, 24)], ids=str)
def test_what_is_over_is_still_known_for_a_while(
    ledger: Ledger, clock: FrozenClock, table: Any, hours: int
) -> None:
    """A member who comes back late is led to the app, or on with the sign-in; an app that is a year too late
    still hears that its token has expired."""
    tenant = ledger.tenant("a")
    fill(tenant)
    tenant.move_clock(366 * DAY)
    clock.advance(timedelta(hours=hours, milliseconds=-1))
    ledger.sweep()
    assert count(ledger, table) == 1
    clock.advance(timedelta(milliseconds=1))
    ledger.sweep()
    assert count(ledger, table) == 0


def test_a_refresh_token_lives_its_year(ledger: Ledger, clock: FrozenClock) -> None:
    tenant = ledger.tenant("a")
    fill(tenant, life=365 * DAY)
    for _ in range(364 // 7):
        clock.advance(timedelta(days=7))
        ledger.visit("a")
        ledger.sweep()
    assert count(ledger, TOKEN) == count(ledger, GRANT) == 1


AGING = [each for each in RULES if each.days and each.table is not QUOTA]


@pytest.mark.parametrize("each", AGING, ids=lambda each: each.table.name)
def test_a_clock_that_stands_still_keeps_nothing_for_ever(
    ledger: Ledger, clock: FrozenClock, each: RetentionRule
) -> None:
    """A century back: by this payer's clock none of it is ever over."""
    tenant = ledger.tenant("a")
    _write_any(ledger, each.table)
    tenant.move_clock(-36_500 * DAY)
    assert each.days is not None
    clock.advance(timedelta(days=each.days - 1))
    ledger.visit("a")
    if each.needed is None:
        sweeper(ledger, each).sweep()
        assert count(ledger, each.table) == 1
    clock.advance(timedelta(days=1))
    sweeper(ledger, each).sweep()
    assert count(ledger, each.table) == 0


def _write_any(ledger: Ledger, table: Any, **values: Any) -> None:
    """A row of a table that no clock has ended yet, written now."""
    texts = {"entry": "{}", "kind": "access", "username": "maria"}
    values_of = {str: "x", bytes: b"x", int: 9}
    row = {
        column.name: texts.get(column.name, values_of[column.type.python_type])
        for column in table.c
        if column.name not in ("written", "revoked", "replaced", "number")
    }
    row |= {"tenant": "a", "expires": NOW + HOUR, "written": NOW} | values
    with ledger._engine.begin() as db:
        db.execute(insert(table).values({k: v for k, v in row.items() if k in table.c}))


def test_registrations_stay_while_a_grant_needs_them(ledger: Ledger, clock: FrozenClock) -> None:
    tenant = ledger.tenant("a")
    for id in ("app", "idle"):
        register(tenant, id)
    fill(tenant, life=365 * DAY)
    clock.advance(timedelta(days=91))
    sweeper(ledger, rule(CLIENT)).sweep()
    assert [client.id for client in tenant.clients()] == ["app"]


def test_a_grant_goes_after_what_refers_to_it(ledger: Ledger, clock: FrozenClock) -> None:
    tenant = ledger.tenant("a")
    fill(tenant)
    tenant.revoke_grant("x", NOW)
    clock.advance(timedelta(hours=23))
    ledger.sweep()
    assert count(ledger, GRANT) == 1
    clock.advance(timedelta(hours=1))
    ledger.sweep()
    assert (count(ledger, TOKEN), count(ledger, CODE), count(ledger, GRANT)) == (0, 0, 0)


# --- how many ------------------------------------------------------------------------------------------


def test_who_writes_most_loses_first(ledger: Ledger) -> None:
    for name, number in (("loud", 60), ("busy", 20), ("quiet", 3)):
        for each in range(number):
            ledger.tenant(name).push(f"{name}{each}", "app", {}, NOW + HOUR)
    sweeper(ledger, replace(rule(PUSHED), most=50, per_payer=1_000)).sweep()
    with ledger._engine.connect() as db:
        rows = db.execute(select(PUSHED.c.tenant, func.count()).group_by(PUSHED.c.tenant)).all()
    # 45 in all: a tenth below, so that the next sweep has nothing to do
    assert {str(tenant): number for tenant, number in rows} == {"quiet": 3, "busy": 20, "loud": 22}


def test_a_payer_has_a_limit_of_its_own(ledger: Ledger) -> None:
    for number in range(30):
        ledger.tenant("loud").push(f"l{number}", "app", {}, NOW + HOUR)
    ledger.tenant("quiet").push("q", "app", {}, NOW + HOUR)
    sweeper(ledger, replace(rule(PUSHED), per_payer=20)).sweep()
    assert count(ledger, PUSHED) == 18 + 1


def test_registrations_that_were_never_used_go_first(ledger: Ledger, clock: FrozenClock) -> None:
    tenant = ledger.tenant("")
    register(tenant, "app")
    fill(tenant, life=365 * DAY)
    clock.advance(timedelta(hours=1))
    for number in range(100):
        register(tenant, f"flood{number}")
        clock.advance(timedelta(seconds=1))
    sweeper(ledger, replace(rule(CLIENT), per_payer=10)).sweep()
    names = [client.id for client in tenant.clients()]
    assert "app" in names
    assert "flood99" in names
    assert len(names) == 9


def test_dead_tokens_go_before_living_and_access_before_refresh(ledger: Ledger) -> None:
    tenant = ledger.tenant("")

    def add(name: str, kind: str, ends: int, replaced: int | None = None) -> None:
        tenant.add_token(Token(digest(name), kind, "g", "app", "s", NOW, ends, None, replaced, None))

    for number in range(10):
        add(f"refresh{number}", "refresh", NOW + DAY)
        add(f"access{number}", "access", NOW + DAY)
        add(f"spent{number}", "refresh", NOW + DAY, replaced=NOW)
    sweeper(ledger, replace(rule(TOKEN), per_payer=20)).sweep()
    assert all(tenant.token(f"refresh{number}") for number in range(10))
    assert not any(tenant.token(f"spent{number}") for number in range(10))
    assert sum(tenant.token(f"access{number}") is not None for number in range(10)) == 8


def test_the_journal_keeps_the_latest_and_its_numbers_go_on(tmp_path: Path, clock: FrozenClock) -> None:
    ledger = Ledger(place(tmp_path / "ledger.db"), clock, limits=Limits(journal=100, journal_per_payer=50))
    loud, quiet = ledger.tenant("loud"), ledger.tenant("quiet")
    quiet.note({"n": -1})
    for number in range(200):
        loud.note({"n": number})
    last = loud.last_number()
    ledger.sweep()
    assert [entry["n"] for entry in loud.journal(0)] == list(range(155, 200))
    assert len(quiet.journal(0)) == 1
    assert loud.journal(0)[-1]["number"] == loud.last_number() == last
    assert [entry["n"] for entry in loud.journal(10, last - 3, oldest=True)] == [197, 198, 199]
    loud.note({"n": 200})
    assert [entry["n"] for entry in loud.journal(10, last, oldest=True)] == [200]
    ledger.close()


# --- payers --------------------------------------------------------------------------------------------


def test_a_session_that_nobody_uses_is_forgotten_whole(ledger: Ledger, clock: FrozenClock) -> None:
    for name in ("", "~idle", "~used"):
        ledger.visit(name)
        fill(ledger.tenant(name), life=365 * DAY)
        ledger.tenant(name).move_clock(5)
        ledger.tenant(name).opt_in("oscar", 1)
        ledger.tenant(name).note({})
    clock.advance(timedelta(days=29))
    ledger.visit("~used")
    clock.advance(timedelta(days=1))
    ledger.sweep()
    for name, stays in (("", True), ("~idle", False), ("~used", True)):
        tenant = ledger.tenant(name)
        state = [tenant.offset() == 5, tenant.opted_in("oscar"), tenant.last_number() > 0]
        assert [*state, tenant.token("x") is not None] == [stays] * 4, name


def test_of_too_many_sessions_those_that_hold_nothing_go_first(ledger: Ledger, clock: FrozenClock) -> None:
    for number in range(10):
        ledger.visit(f"~empty{number}")
        ledger.tenant(f"~empty{number}").note({})
    clock.advance(timedelta(days=-1))
    ledger.visit("~developer")  # used least recently
    register(ledger.tenant("~developer"), "app")
    clock.advance(timedelta(days=1))
    sweeper(ledger, payers=4).sweep()
    with ledger._engine.connect() as db:
        names = set(db.execute(select(TENANT.c.tenant)).scalars())
    assert len(names) == 4
    assert "~developer" in names
    assert count(ledger, JOURNAL) == 3


def test_a_payer_in_use_is_written_down_once_in_a_while(ledger: Ledger, clock: FrozenClock) -> None:
    written: list[Any] = []
    run = ledger._driver.run
    ledger._driver.run = lambda *a, **values: written.append(values.get("now")) or run(*a, **values)  # type: ignore[method-assign,func-returns-value]
    for _ in range(50):
        ledger.visit("~a")
    assert len(written) == 1
    clock.advance(timedelta(minutes=10))
    ledger.visit("~a")
    assert len(written) == 2


# --- when ----------------------------------------------------------------------------------------------


def test_sweeps_come_with_the_journal_by_number_or_by_time(ledger: Ledger, clock: FrozenClock) -> None:
    sweeps: list[int] = []
    ledger.upkeep.sweep = lambda: sweeps.append(1)
    tenant = ledger.tenant("a")
    for _ in range(EVERY - 1):
        tenant.note({})
    assert sweeps == []
    tenant.note({})
    assert sweeps == [1]
    clock.advance(timedelta(seconds=SECONDS))
    tenant.note({})
    tenant.note({})
    assert sweeps == [1, 1]


def test_a_sweep_that_fails_fails_nobody(ledger: Ledger) -> None:
    def broken() -> None:
        raise RuntimeError("no")

    ledger.upkeep.sweep = broken
    for _ in range(EVERY):
        ledger.tenant("a").note({})
    assert ledger.tenant("a").last_number() == EVERY


def test_free_pages_are_given_back(
    tmp_path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox.store.ledger.database.FREE_PAGES", 10)
    ledger = Ledger(tmp_path / "ledger.db", clock)
    for number in range(100):
        ledger.tenant("a").push(f"{number}", "app", {"state": ["s" * 8000]}, NOW)

    def pages() -> int:
        with ledger._engine.connect() as db:
            return int(db.exec_driver_sql("PRAGMA page_count").scalar_one())

    before = pages()
    ledger.sweep()
    assert pages() == before - 10
    ledger.close()


def test_an_older_ledger_gets_times_and_payers(tmp_path: Path, clock: FrozenClock) -> None:
    where = place(tmp_path / "ledger.db")
    old = Ledger(where, clock)
    fill(old.tenant("~a"), life=400 * DAY)
    with old._engine.begin() as db:
        for table in (GRANT, TOKEN):
            db.exec_driver_sql(f'ALTER TABLE "{table.name}" DROP COLUMN written')
    old.close()
    ledger = Ledger(where, clock)
    ledger.sweep()
    assert (count(ledger, TOKEN), count(ledger, TENANT)) == (1, 1)
    clock.advance(timedelta(days=401))
    ledger.sweep()
    assert count(ledger, TOKEN) == 0
    ledger.close()


# --- quotas --------------------------------------------------------------------------------------------


@pytest.fixture
def quotas(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> Quotas:
    monkeypatch.setitem(QUOTAS, "registration", Quota("registrations", 3, 5, 8))  # type: ignore[misc]
    return ledger.quotas


def taken(quotas: Quotas, address: str, tenant: str, times: int = 20) -> int:
    """How many of so many are taken."""
    done = 0
    for _ in range(times):
        try:
            quotas.take("registration", address, tenant)
        except TooManyRequests:
            continue
        done += 1
    return done


def test_a_flood_uses_up_the_share_of_its_sender_only(quotas: Quotas) -> None:
    assert taken(quotas, "10.0.0.1", "", 1000) == 3
    assert taken(quotas, "10.0.0.1", "~mine") == 2  # the same caller elsewhere: five in all
    assert taken(quotas, "10.0.0.2", "") == 3  # somebody else at the same payer
    assert taken(quotas, "10.0.0.3", "") == 2  # eight in all
    assert taken(quotas, "10.0.0.3", "~theirs") == 2


def test_a_quota_is_full_until_its_window_is_over(ledger: Ledger, quotas: Quotas, clock: FrozenClock) -> None:
    assert taken(quotas, "10.0.0.1", "") == 3
    ledger.tenant("").move_clock(400 * DAY)  # nobody's clock but the server's counts
    clock.advance(timedelta(milliseconds=WINDOW - 1))
    with pytest.raises(TooManyRequests) as refused:
        quotas.take("registration", "10.0.0.1", "")
    assert refused.value.headers == {"Retry-After": "1"}
    clock.advance(timedelta(milliseconds=1))
    assert taken(quotas, "10.0.0.1", "") == 3


def test_to_ask_whether_there_is_room_takes_none(quotas: Quotas) -> None:
    for _ in range(9):
        quotas.require("registration", "10.0.0.1", "")
    assert taken(quotas, "10.0.0.1", "") == 3
    with pytest.raises(TooManyRequests):
        quotas.require("registration", "10.0.0.1", "")


@pytest.mark.parametrize("kind", QUOTAS)
def test_a_payer_has_room_for_more_than_one_caller(kind: str) -> None:
    quota = QUOTAS[kind]
    assert quota.both or quota.address
    if quota.both is not None:
        assert quota.address
        assert quota.payer
        assert quota.both < min(quota.address, quota.payer)


def test_quotas_can_be_widened_and_left_out(ledger: Ledger, quotas: Quotas) -> None:
    wide = Quotas(ledger._driver, ledger._engine.dialect.name, ledger.upkeep.now, 2)
    none = Quotas(ledger._driver, ledger._engine.dialect.name, ledger.upkeep.now, 0)
    assert taken(wide, "10.0.0.9", "") == 6
    assert taken(none, "10.0.0.9", "", 50) == 50


def test_the_settings_of_the_journal_are_in_its_rule() -> None:
    (journal,) = (each for each in rules(200, 100) if each.table is JOURNAL)
    assert (journal.most, journal.per_payer) == (200, 100)
