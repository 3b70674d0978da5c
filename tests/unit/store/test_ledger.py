"""The ledger: one winner for everything that happens once, tenants apart, secrets never at rest."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from sandbox.core.errors import FileProblem
from sandbox.store.ledger import database as ledger_file
from sandbox.store.ledger.database import Ledger, TenantLedger
from sandbox.store.ledger.repositories.grants import Code, Grant, Token
from sandbox.store.ledger.repositories.repository import META
from sandbox.store.ledger.repositories.sign_ins import BrowserSession, Pending
from sandbox.store.ledger.retention import PER_PAYER
from sandbox.store.secret import digest, new_secret

THREADS = 16


@pytest.fixture
def tenant(ledger: Ledger) -> TenantLedger:
    return ledger.tenant("")


def grant(id: str = "g1", username: str = "maria", created: int = 1) -> Grant:
    return Grant(id, "app", username, "p1", "patient/*.rs", created, None, None)


def code(grant: str = "g1") -> Code:
    return Code(grant, "app", "http://localhost/cb", "challenge", None, 60_000, None)


def token(secret: str, grant: str = "g1", uses: int | None = None) -> Token:
    return Token(digest(secret), "refresh", grant, "app", "patient/*.rs", 1, 60_000, uses, None, None)


def pending(id: str) -> Pending:
    return Pending(id, digest("cookie"), {"state": "s", "scope": ["openid"]}, None, 60_000)


def together(ledger: Ledger, act: Callable[[TenantLedger], Any]) -> list[Any]:
    """The results of an act that all threads do at the same moment."""
    start = Barrier(THREADS)

    def run(_: int) -> Any:
        start.wait()
        return act(ledger.tenant(""))

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def test_a_code_is_spent_by_exactly_one(ledger: Ledger, tenant: TenantLedger) -> None:
    tenant.add_code("secret", code())
    assert together(ledger, lambda t: t.spend_code("secret", 5)).count(True) == 1
    found = tenant.code("secret")
    assert found is not None
    assert found.spent == 5
    assert not tenant.spend_code("unknown", 5)


def test_a_refresh_token_is_replaced_by_exactly_one(ledger: Ledger, tenant: TenantLedger) -> None:
    tenant.add_token(token("secret"))
    assert together(ledger, lambda t: t.replace_token(digest("secret"), 5)).count(True) == 1


def test_a_revoked_token_cannot_be_replaced(tenant: TenantLedger) -> None:
    tenant.add_token(token("secret"))
    tenant.revoke_token(digest("secret"), 4)
    assert not tenant.replace_token(digest("secret"), 5)


def test_a_token_of_five_uses_is_used_five_times(ledger: Ledger, tenant: TenantLedger) -> None:
    tenant.add_token(token("secret", uses=5))
    assert together(ledger, lambda t: t.use_token(digest("secret"))).count(True) == 5
    found = tenant.token("secret")
    assert found is not None
    assert found.uses == 0


def test_a_sign_in_is_answered_by_exactly_one_of_those_who_saw_the_same(
    ledger: Ledger, tenant: TenantLedger
) -> None:
    tenant.add_pending(pending("secret"))
    for number, before in enumerate((None, "answer 0")):
        seen = tenant.pending("secret")
        assert seen is not None
        assert seen.answer == before
        told = together(ledger, lambda t, s=seen, n=number: t.answer(s, f"answer {n}", "yes", None))  # type: ignore[misc]
        assert told.count(True) == 1


def test_counters_count_every_event_once(ledger: Ledger, tenant: TenantLedger) -> None:
    assert sorted(together(ledger, lambda t: t.count("hits"))) == list(range(1, THREADS + 1))
    assert tenant.count("hits", by=10) == THREADS + 10
    assert tenant.count("other") == 1


def test_a_window_counts_every_event_and_starts_with_its_first(ledger: Ledger, tenant: TenantLedger) -> None:
    seen = together(ledger, lambda t: t.window("rate", 1000, 500))
    assert sorted(seen) == [(number, 1000) for number in range(1, THREADS + 1)]
    assert tenant.window("rate", 1499, 500) == (THREADS + 1, 1000)
    assert tenant.window("rate", 1500, 500) == (1, 1500)
    assert tenant.window("rate", 1501, 500) == (2, 1500)


def test_a_new_ledger_may_be_opened_by_all_workers_at_once(tmp_path: Path) -> None:
    start = Barrier(THREADS)

    def work(_: int) -> int:
        start.wait()
        ledger = Ledger(tmp_path / "new" / "ledger.db")
        number = ledger.tenant("").count("hits")
        ledger.close()
        return number

    with ThreadPoolExecutor(THREADS) as pool:
        assert sorted(pool.map(work, range(THREADS))) == list(range(1, THREADS + 1))


def test_the_mode_of_a_new_ledger_is_set_again_where_sqlite_does_not_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy = sqlite3.OperationalError("database is locked")
    busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
    tried: list[Path] = []
    set_modes = ledger_file._set_modes

    def refused_at_first(path: Path) -> None:
        tried.append(path)
        if len(tried) < 3:
            raise busy
        set_modes(path)

    monkeypatch.setattr(ledger_file, "_set_modes", refused_at_first)
    monkeypatch.setattr(ledger_file, "sleep", lambda seconds: None)
    Ledger(tmp_path / "ledger.db").close()
    assert len(tried) == 3


def test_a_key_is_made_once_whoever_asks(ledger: Ledger) -> None:
    start = Barrier(THREADS)

    def ask(number: int) -> str:
        start.wait()
        return ledger.key("id_token", lambda: f"made by {number}")

    with ThreadPoolExecutor(THREADS) as pool:
        keys = set(pool.map(ask, range(THREADS)))
    assert len(keys) == 1
    assert ledger.key("id_token", lambda: "again") == keys.pop()
    assert ledger.key("other", lambda: "another") == "another"


def test_secrets_are_never_in_the_files(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.db")
    tenant = ledger.tenant("")
    secrets = [new_secret() for _ in range(3)]
    tenant.add_code(secrets[0], code())
    tenant.add_token(token(secrets[1]))
    tenant.add_pending(pending(secrets[2]))
    tenant.log_in(secrets[2], "maria", digest("another"))
    session, pushed = new_secret(), new_secret()
    tenant.add_session(session, BrowserSession("maria", "csrf", 60_000, 1))
    tenant.push(pushed, "app", {"state": ["s"]}, 60_000)
    secrets += [session, pushed]
    assert tenant.spend_code(secrets[0], 1)
    files = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    ledger.close()
    files["closed"] = (tmp_path / "ledger.db").read_bytes()
    assert any(b"challenge" in content for content in files.values())
    for secret in secrets:
        assert not [name for name, content in files.items() if secret.encode() in content]


def _fill(tenant: TenantLedger) -> None:
    tenant.move_clock(1000)
    tenant.count("hits")
    tenant.opt_in("oscar", 1)
    tenant.add_pending(pending("a"))
    tenant.add_grant(grant())
    tenant.add_code("b", code())
    tenant.add_token(token("c"))
    tenant.note({"path": "/fhir"})


def _state(tenant: TenantLedger) -> list[Any]:
    return [
        tenant.offset(),
        tenant.opted_in("oscar"),
        tenant.pending("a") is not None,
        len(tenant.grants_of("maria")),
        tenant.grant("g1") is not None,
        tenant.code("b") is not None,
        tenant.token("c") is not None,
        len(tenant.journal()),
    ]


FULL, EMPTY = [1000, True, True, 1, True, True, True, 1], [0, False, False, 0, False, False, False, 0]


def test_tenants_see_nothing_of_each_other(ledger: Ledger) -> None:
    one, other = ledger.tenant("rate-limited~t1"), ledger.tenant("rate-limited~t2")
    _fill(one)
    assert (_state(one), _state(other)) == (FULL, EMPTY)
    _fill(other)
    assert not ledger.tenant("").spend_code("b", 1)
    other.revoke_grant("g1", 5)
    assert one.spend_code("b", 1)
    found = one.grant("g1")
    assert found is not None
    assert found.revoked is None


def test_a_reset_forgets_one_tenant_and_keeps_the_keys(ledger: Ledger) -> None:
    one, other = ledger.tenant("a"), ledger.tenant("b")
    _fill(one)
    _fill(other)
    key = ledger.key("id_token", lambda: "first")
    one.reset()
    assert (_state(one), _state(other)) == (EMPTY, FULL)
    assert one.count("hits") == 1
    ledger.clear()
    assert (_state(one), _state(other)) == (EMPTY, EMPTY)
    assert ledger.key("id_token", lambda: "second") == key


def test_a_reset_ends_what_was_switched_on(tenant: TenantLedger) -> None:
    tenant.switch("rate-limited")
    assert tenant.tenant_state().switched == "rate-limited"
    tenant.reset()
    assert not tenant.tenant_state().switched


def test_every_table_of_payers_goes_with_its_payer() -> None:
    """A table that is imported after `retention` would be left out, and its rows stay for ever."""
    assert {table.name for table in META.sorted_tables if "tenant" in table.c} == {
        table.name for table in PER_PAYER
    }


def test_what_is_kept_outlives_the_process(tmp_path: Path) -> None:
    first = Ledger(tmp_path / "ledger.db")
    _fill(first.tenant("x"))
    first.close()
    again = Ledger(tmp_path / "ledger.db")
    assert _state(again.tenant("x")) == FULL
    again.close()


def test_the_clock_stands_where_it_was_last_moved_to(tenant: TenantLedger) -> None:
    tenant.move_clock(5)
    tenant.move_clock(-7)
    assert tenant.offset() == -7


def test_a_pending_sign_in_comes_back_with_who_logged_in(tenant: TenantLedger) -> None:
    tenant.add_pending(pending("secret"))
    tenant.log_in("secret", "maria", digest("another"))
    tenant.choose_patient("secret", "p1")
    found = tenant.pending("secret")
    assert found is not None
    assert (found.id, found.request, found.username) == ("secret", pending("x").request, "maria")
    assert (found.browser, found.patient) == (pending("x").browser, "p1")
    assert found.login_session == digest("another")


def test_somebody_else_who_signs_in_has_chosen_nobody_yet(tenant: TenantLedger) -> None:
    tenant.add_pending(pending("secret"))
    tenant.choose_patient("secret", "p1")
    tenant.log_in("secret", "walter", digest("another"))
    found = tenant.pending("secret")
    assert found is not None
    assert found.patient is None


def test_a_pushed_request_is_taken_once_by_its_client_in_time(ledger: Ledger, tenant: TenantLedger) -> None:
    odd = {"ü": ["\u2028", "\0"]}
    for name in ("a", "b"):
        tenant.push(name, "app", odd, 60_000)
    assert tenant.take_pushed("a", "other", 1) is None
    assert tenant.take_pushed("a", "app", 60_000) is None
    assert ledger.tenant("another").take_pushed("a", "app", 1) is None
    assert tenant.take_pushed("a", "app", 59_999) == odd
    assert sum(found is not None for found in together(ledger, lambda t: t.take_pushed("b", "app", 1))) == 1


def test_what_was_decided_about_a_member_is_kept_until_it_is_taken_back(tenant: TenantLedger) -> None:
    for mark in ("locked", "approved", "locked"):
        tenant.mark("maria", mark, 1)
    assert tenant.standing("maria") == {"locked", "approved"}
    tenant.unmark("maria", "locked")
    assert tenant.standing("maria") == {"approved"}
    assert tenant.standing("walter") == frozenset()
    tenant.reset()
    assert tenant.standing("maria") == frozenset()


def test_a_count_can_be_looked_at_and_forgotten(tenant: TenantLedger) -> None:
    assert tenant.counted("x", 100, 50) == (0, 100)
    tenant.window("x", 100, 50)
    tenant.window("x", 120, 50)
    assert tenant.counted("x", 149, 50) == (2, 100)
    assert tenant.counted("x", 150, 50) == (0, 150)
    tenant.forget_count("x")
    assert tenant.counted("x", 101, 50) == (0, 101)


def test_a_members_grants_are_listed_newest_first_without_the_revoked(tenant: TenantLedger) -> None:
    for number, name in enumerate(("old", "new", "gone")):
        tenant.add_grant(grant(name, created=number))
    tenant.add_grant(grant("other", "oscar"))
    tenant.revoke_grant("gone", 9)
    tenant.revoke_grant("gone", 10)
    assert [g.id for g in tenant.grants_of("maria")] == ["new", "old"]
    gone = tenant.grant("gone")
    assert gone is not None
    assert gone.revoked == 9


def test_a_token_is_found_by_its_kind_or_any(tenant: TenantLedger) -> None:
    tenant.add_token(token("secret"))
    assert tenant.token("secret") == token("secret") == tenant.token("secret", "refresh")
    assert tenant.token("secret", "access") is None


def test_opting_in_twice_is_opting_in(tenant: TenantLedger) -> None:
    tenant.opt_in("oscar", 1)
    tenant.opt_in("oscar", 2)
    assert tenant.opted_in("oscar")


def test_the_journal_shows_the_latest_exchanges_oldest_first(tenant: TenantLedger) -> None:
    for number in range(5):
        tenant.note({"n": number})
    assert [entry["n"] for entry in tenant.journal(limit=3)] == [2, 3, 4]


def test_a_place_where_no_ledger_can_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path, tmp_path / "file" / "ledger.db"):
        with pytest.raises(FileProblem, match=path.name):
            Ledger(path)


def test_a_secret_is_long_and_never_the_same() -> None:
    secrets = {new_secret() for _ in range(50)}
    assert len(secrets) == 50
    assert all(len(secret) == 43 for secret in secrets)


DAY, MINUTE = 86_400_000, 60_000


def test_a_jti_is_remembered_by_both_clocks(ledger: Ledger) -> None:
    tenant = ledger.tenant("a")

    def spend(until: int, now: int, machine: int, jti: str = "j") -> bool:
        return tenant.spend_assertion("app", jti, until, now, machine)

    assert spend(5 * MINUTE, 0, 0)
    assert not spend(5 * MINUTE, MINUTE, MINUTE)
    # The tenant's clock runs ahead and comes back, while somebody else's assertion sweeps.
    assert spend(9 * DAY, 9 * DAY - MINUTE, 2 * MINUTE, "other")
    assert not spend(5 * MINUTE, 3 * MINUTE, 3 * MINUTE)
    # Once the assertion is over, its jti may name another one, and neither is good again.
    assert spend(20 * MINUTE, 16 * MINUTE, 16 * MINUTE)
    assert not spend(20 * MINUTE, 17 * MINUTE, 17 * MINUTE)
    assert not spend(5 * MINUTE, 4 * MINUTE, 18 * MINUTE)


def test_a_jti_is_forgotten_once_both_clocks_have_passed_it(ledger: Ledger) -> None:
    tenant = ledger.tenant("a")
    assert tenant.spend_assertion("app", "j", 5 * MINUTE, 0, 0)
    assert tenant.spend_assertion("app", "other", 2 * DAY, 2 * DAY - MINUTE, DAY + 6 * MINUTE)
    assert tenant.spend_assertion("app", "j", 5 * MINUTE, 0, DAY + 6 * MINUTE)


# faults, pins and what is remembered

RULE = {"when": {}, "then": {"do": "refuse"}}


def test_every_time_of_an_accident_is_taken_by_one(ledger: Ledger) -> None:
    assert ledger.tenant("a").arm(RULE, 5, "s")
    number = ledger.tenant("a").armed()[0].number
    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(lambda _: ledger.tenant("a").take(number), range(20)))
    assert sum(taken) == 5
    assert ledger.tenant("a").armed()[0].left == 0
    assert ledger.tenant("a").tenant_state()[:2] == (0, False)


def test_a_source_arms_once_and_tenants_do_not_share(ledger: Ledger) -> None:
    mine, other = ledger.tenant("a"), ledger.tenant("b")
    assert [mine.arm(RULE, 1, "s"), mine.arm(RULE, 9, "s"), other.arm(RULE, 2, "s")] == [True, False, True]
    assert [a.times for a in mine.armed()] == [1]
    assert not mine.take(other.armed()[0].number)
    assert (mine.disarm(), mine.armed(), len(other.armed())) == (1, [], 1)
    other.reset()
    assert other.armed() == []


def test_the_state_tells_clock_and_accidents_in_one_look(ledger: Ledger) -> None:
    tenant = ledger.tenant("a")
    assert tenant.tenant_state()[:2] == (0, False)
    tenant.move_clock(5)
    tenant.arm(RULE, 1, "s")
    assert tenant.tenant_state()[:2] == (5, True)
    assert ledger.tenant("b").tenant_state()[:2] == (0, False)


def test_a_pin_goes_from_the_login_to_the_token(ledger: Ledger) -> None:
    plain, pinned = ledger.tenant("a"), ledger.tenant("a", "slow")
    plain.add_pending(Pending("p", digest("c"), {}, None, 60_000))
    assert plain.origin(pending="p") == ("", "")
    pinned.log_in("p", "maria", digest("c"))
    assert plain.origin(pending="p") == ("slow", "")
    for view, id in ((pinned, "g1"), (plain, "g2")):
        view.add_grant(grant(id))
        view.add_code(f"code-{id}", code(id))
        view.add_token(token(f"token-{id}", id))
    origins = [("slow", ""), ("", ""), None]
    assert [plain.origin(code=f"code-{id}") for id in ("g1", "g2", "g3")] == origins
    assert [ledger.origin_of("a", f"token-{id}") for id in ("g1", "g2", "g3")] == origins
    assert ledger.origin_of("b", "token-g1") is None


def test_what_a_header_chose_goes_from_the_request_to_the_token(ledger: Ledger) -> None:
    headed = ledger.tenant("a")
    headed.terms = "slow"
    headed.add_pending(Pending("p", digest("c"), {}, None, 60_000))
    headed.add_grant(grant("g1"))
    headed.add_token(token("token-g1", "g1"))
    assert ledger.tenant("a").origin(pending="p") == ("", "slow")
    assert ledger.origin_of("a", "token-g1") == ("", "slow")
    (kept,) = ledger.tenant("a").grants_of("maria")
    assert kept.selection == "slow"


def test_what_was_done_to_a_token_is_remembered(ledger: Ledger) -> None:
    at_consent, at_token = ledger.tenant("a"), ledger.tenant("a")
    at_consent.add_grant(grant("g"))
    at_consent.remember("x:narrow_scopes")
    at_token.add_token(token("t", "g"))
    assert at_token.remembered("t") == "x:narrow_scopes"
    at_token.remember("y:expire_early")
    assert at_token.remembered("t") == "x:narrow_scopes,y:expire_early"
    assert ledger.tenant("b").remembered("t") == ""


def test_the_journal_is_read_from_either_end(ledger: Ledger) -> None:
    tenant = ledger.tenant("a")
    for number in range(5):
        tenant.note({"n": number})
        ledger.tenant("b").note({"n": -1})
    assert [e["n"] for e in tenant.journal(2)] == [3, 4]
    first = tenant.journal(1, oldest=True)[0]["number"]
    assert [e["n"] for e in tenant.journal(2, first, oldest=True)] == [1, 2]
    assert [e["n"] for e in tenant.journal(2, wanted=lambda e: e["n"] < 2)] == [0, 1]
    assert len(tenant.journal(0)) == 5
    assert tenant.last_number() == tenant.journal(1)[0]["number"]
    last = tenant.last_number()
    tenant.reset()
    tenant.note({"n": 9})
    assert tenant.last_number() > last


def test_a_ledger_of_an_older_version_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    with sqlite3.connect(path) as old:
        old.execute(
            'CREATE TABLE "grant" (tenant VARCHAR, id VARCHAR, client VARCHAR, username VARCHAR,'
            " patient VARCHAR, scope VARCHAR, created BIGINT, refused VARCHAR, revoked BIGINT,"
            " PRIMARY KEY (tenant, id))"
        )
        old.execute("INSERT INTO \"grant\" VALUES ('a','old','app','maria','p1','s',1,NULL,NULL)")
    ledger = Ledger(path)
    ledger.tenant("a", "slow").add_grant(grant("new"))
    assert {g.id for g in ledger.tenant("a").grants_of("maria")} == {"old", "new"}
    ledger.close()
