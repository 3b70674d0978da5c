"""The ledger's part in accidents: times that are taken once, pins that travel, what is remembered."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.grants import Code, Grant, Token
from sandbox.store.ledger.repositories.sign_ins import Pending
from sandbox.store.secret import digest

RULE = {"when": {}, "then": {"do": "refuse"}}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.db")
    yield ledger
    ledger.close()


def grant(id: str) -> Grant:
    return Grant(id, "app", "maria", "p1", "patient/*.rs", 1, None, None)


def code(grant: str) -> Code:
    return Code(grant, "app", "http://localhost/cb", None, None, 60_000, None)


def token(secret: str, grant: str) -> Token:
    return Token(digest(secret), "access", grant, "app", "patient/*.rs", 1, 60_000, None, None, None)


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
