"""How long the rows of the ledger stay, and how many there may be: one rule a table, and the sweep.

A row goes when it is over by its payer's clock, or when it is old by the server's: a payer whose clock
stands still or was turned back keeps nothing for ever. Beyond the number that a rule allows, the payers
with most rows lose rows first, so that one who writes much displaces nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Delete,
    Executable,
    String,
    Table,
    and_,
    case,
    delete,
    exists,
    func,
    not_,
    or_,
    select,
    tuple_,
)  # fmt: skip

from sandbox.store.driver import Driver, bind, pad
from sandbox.store.ledger.quota import QUOTA
from sandbox.store.ledger.repositories.armed_faults import ARMED
from sandbox.store.ledger.repositories.clients import ASSERTION, CLIENT
from sandbox.store.ledger.repositories.clock import CLOCK
from sandbox.store.ledger.repositories.counters import COUNTER
from sandbox.store.ledger.repositories.grants import CODE, GRANT, TOKEN
from sandbox.store.ledger.repositories.jobs import JOB
from sandbox.store.ledger.repositories.journal import CONTENT_BYTES_MAX, EXCHANGE, JOURNAL, WATCH
from sandbox.store.ledger.repositories.keys import REMOTE_KEYS, SIGNING_KEY
from sandbox.store.ledger.repositories.member_status import OPT_IN, STANDING
from sandbox.store.ledger.repositories.repository import META
from sandbox.store.ledger.repositories.sign_ins import PENDING, PUSHED, SESSION
from sandbox.store.ledger.repositories.work import ATTEMPTS_MAX, WORK
from sandbox.store.ledger.repositories.written import (
    BODY_MAX,
    RECOUNTED,
    VERSIONS_MAX,
    WRITTEN,
    WRITTEN_STATE,
)

HOUR = 3_600_000
DAY = 24 * HOUR
BATCH = 8000
"""Rows that one statement removes at most."""

SLACK = 10
"""A table that is too full loses another tenth, so that the next row does not overfill it again."""

Flag = ColumnElement[bool]

TENANT = Table(
    "tenant",  # the payers that somebody has asked something
    META,
    Column("tenant", String, primary_key=True),
    Column("used", BigInteger, nullable=False),
)


@dataclass(frozen=True)
class RetentionRule:
    """What becomes of a table's rows.

    They go after `days` of the server's clock. Those that are `over` by the payer's clock go once they
    were written `hours` ago: until then an error can still say why. `needed` rows do not go by age.
    There are at most `most` rows, and `per_payer` of one payer; of those too many go first those with
    the least `worth`, then the oldest. A row has at most `size` characters in its widest column.
    `after` runs once rows went.
    """

    table: Table
    most: int
    per_payer: int
    size: int
    days: int | None = None
    over: Flag | None = None
    hours: int = 0
    needed: Flag | None = None
    worth: tuple[ColumnElement[Any], ...] = ()
    after: tuple[Executable, ...] = ()

    @cached_property
    def aged(self) -> Delete | None:
        """The statement that removes a batch of what is over or old."""
        written: Any = self.table.c.get("written")
        reasons: list[Flag] = []
        if self.days is not None:
            reasons.append(written <= bind("now") - self.days * DAY)
        if self.over is not None:
            explained = [written <= bind("now") - self.hours * HOUR] if self.hours else []
            reasons.append(and_(self.over, *explained))
        if not reasons:
            return None
        spared = [] if self.needed is None else [not_(self.needed)]
        return self._without(select(*self.table.primary_key).where(or_(*reasons), *spared).limit(BATCH))

    @cached_property
    def crowd(self) -> Delete:
        """The statement that removes `number` rows beyond the first `kept` of a payer.

        The payers with most rows lose rows first.
        """
        key = tuple(self.table.primary_key)
        age, payer = self.table.c.get("written", key[0]), self.table.c.get("tenant")
        order = [*(worth.desc() for worth in self.worth), age.desc()]
        rank = func.row_number().over(partition_by=payer, order_by=order)
        ranked = select(*key, rank.label("place")).subquery()
        chosen = (
            select(*(ranked.c[column.name] for column in key))
            .where(ranked.c.place > bind("kept"))
            .order_by(ranked.c.place.desc())
            .limit(bind("number"))
        )
        return self._without(chosen)

    @cached_property
    def counts(self) -> Any:
        """How many rows each payer has."""
        if "tenant" not in self.table.c:
            return select(func.count()).select_from(self.table)
        return select(func.count()).select_from(self.table).group_by(self.table.c.tenant)

    def _without(self, chosen: Any) -> Delete:
        key = tuple(self.table.primary_key)
        return delete(self.table).where(key[0].in_(chosen) if len(key) == 1 else tuple_(*key).in_(chosen))


def _past(ends: Column[Any]) -> Flag:
    """Whether an instant by the payer's clock is over."""
    offset = select(CLOCK.c.offset).where(CLOCK.c.tenant == ends.table.c.tenant).scalar_subquery()
    return ends <= bind("base") + func.coalesce(offset, 0)


def _refers(table: Table, column: str, to: Column[Any]) -> Flag:
    """Whether a row of the same payer refers to this one."""
    return exists().where(table.c.tenant == to.table.c.tenant, table.c[column] == to)


_IN_USE = or_(_refers(TOKEN, "grant", GRANT.c.id), _refers(CODE, "grant", GRANT.c.id))
_DEAD = or_(TOKEN.c.revoked.is_not(None), TOKEN.c.replaced.is_not(None), _past(TOKEN.c.expires))
_HAS_GRANT = _refers(GRANT, "client", CLIENT.c.id)


def _flag(condition: Flag) -> ColumnElement[Any]:
    """A condition as a number that can be sorted by."""
    return case((condition, 1), else_=0)


RULES: tuple[RetentionRule, ...] = (
    RetentionRule(PUSHED, 1_000, 500, 16_384, days=1, over=_past(PUSHED.c.expires)),
    RetentionRule(PENDING, 2_000, 1_000, 16_384, days=1, over=_past(PENDING.c.expires), hours=1),
    RetentionRule(
        SESSION, 10_000, 5_000, 500, days=30, over=_past(SESSION.c.expires), hours=1,
        worth=(_flag(SESSION.c.username.is_not(None)),),
    ),
    RetentionRule(CODE, 20_000, 10_000, 16_384, days=30, over=_past(CODE.c.expires), hours=24),
    RetentionRule(
        TOKEN, 20_000, 10_000, 8_192, days=400, over=_past(TOKEN.c.expires), hours=24,
        worth=(_flag(not_(_DEAD)), _flag(TOKEN.c.kind == "refresh")),
    ),
    RetentionRule(
        GRANT, 20_000, 10_000, 8_192, days=400, hours=24, needed=_IN_USE, worth=(_flag(_IN_USE),),
        over=or_(GRANT.c.username == "", GRANT.c.revoked.is_not(None)),
    ),
    RetentionRule(
        CLIENT, 4_000, 2_000, 65_536, days=90, needed=or_(CLIENT.c.entry.is_(None), _HAS_GRANT),
        worth=(_flag(or_(CLIENT.c.entry.is_(None), _HAS_GRANT)),),
    ),
    RetentionRule(ASSERTION, 50_000, 20_000, 500, days=30, over=_past(ASSERTION.c.expires), hours=24),
    RetentionRule(REMOTE_KEYS, 200, 50, 65_536, days=7, over=_past(REMOTE_KEYS.c.expires), hours=1),
    RetentionRule(SIGNING_KEY, 2_000, 20, 4_096),
    RetentionRule(
        ARMED, 5_000, 2_000, 8_192, days=30, over=ARMED.c.left <= 0, hours=24,
        worth=(_flag(ARMED.c.left > 0),),
    ),
    RetentionRule(COUNTER, 20_000, 5_000, 2_048, days=7),
    RetentionRule(OPT_IN, 50_000, 20_000, 200),
    RetentionRule(STANDING, 50_000, 20_000, 200),
    RetentionRule(WRITTEN, 20_000, VERSIONS_MAX, BODY_MAX, days=90, after=RECOUNTED),
    RetentionRule(JOB, 10_000, 2_000, 16_384, days=30, over=_past(JOB.c.expires), hours=24),
    RetentionRule(WORK, 20_000, 5_000, 16_384, days=7, worth=(_flag(WORK.c.attempts < ATTEMPTS_MAX),)),
    RetentionRule(QUOTA, 20_000, 20_000, 32, days=1),
    RetentionRule(EXCHANGE, 5_000, 1_000, CONTENT_BYTES_MAX, days=7),
    RetentionRule(WATCH, 1_000, 1, 64, days=1),
    RetentionRule(JOURNAL, 20_000, 10_000, 3_072),
)  # fmt: skip
"""Every table that strangers can fill, in an order in which what refers goes before what is referred to."""

UNRULED: Mapping[str, str] = {
    "key": "the server's own secrets, two rows",
    "clock": "one row a payer; it goes with its payer",
    "switched": "one row a payer; it goes with its payer",
    "written_state": "one row a payer; it goes with what it counts",
    "tenant": "one row a payer; see `Sweeper.leave`",
}
"""The other tables, and why they need no rule."""

PAYERS, IDLE_DAYS = 10_000, 30
"""Payers (sessions and scenarios) that a ledger knows at most, and for how long without a request."""

PER_PAYER = tuple(table for table in META.sorted_tables if "tenant" in table.c)
"""Tables whose rows go when their payer does."""

_OF_WORTH = (GRANT, CLIENT, CLOCK, WRITTEN_STATE)
_WORTH = _flag(or_(*(exists().where(t.c.tenant == TENANT.c.tenant) for t in _OF_WORTH)))
_IDLE = select(TENANT.c.tenant).where(TENANT.c.used <= bind("old"), TENANT.c.tenant != "").limit(200)
_LEAST = (
    select(TENANT.c.tenant).where(TENANT.c.tenant != "").order_by(_WORTH, TENANT.c.used).limit(bind("number"))
)
_PAYERS = select(func.count()).select_from(TENANT)


def rules(journal: int, journal_per_payer: int) -> tuple[RetentionRule, ...]:
    """The rules, with other numbers for the journal."""
    return tuple(
        replace(rule, most=journal, per_payer=journal_per_payer) if rule.table is JOURNAL else rule
        for rule in RULES
    )


class Sweeper:
    """Removes what the rules do not let stay. `now` is the server's clock, `base` that of payers which
    nobody has moved (ms). Several workers may sweep at the same time."""

    def __init__(
        self,
        driver: Driver,
        rules: tuple[RetentionRule, ...],
        now: Callable[[], int],
        base: Callable[[], int],
        payers: int = PAYERS,
        idle_days: int = IDLE_DAYS,
    ):
        self._driver, self._rules, self._now, self._base = driver, rules, now, base
        self._payers, self._idle = payers, idle_days * DAY

    def sweep(self) -> int:
        """Remove a batch of every table. Returns how many rows went."""
        return sum(self.sweep_table(rule) for rule in self._rules) + self.leave()

    def sweep_table(self, rule: RetentionRule) -> int:
        times, gone = {"now": self._now(), "base": self._base()}, 0
        if rule.aged is not None:
            gone += self._driver.changed(rule.aged, **times)
        counts = [int(count) for (count,) in self._driver.rows(rule.counts)]
        if max(counts, default=0) > rule.per_payer:
            kept = rule.per_payer - rule.per_payer // SLACK
            over = sum(count - kept for count in counts if count > kept)
            gone += self._driver.changed(rule.crowd, kept=kept, number=min(over, BATCH), **times)
            counts = [int(count) for (count,) in self._driver.rows(rule.counts)]
        if (total := sum(counts)) > rule.most:
            number = min(total - rule.most + rule.most // SLACK, BATCH)
            gone += self._driver.changed(rule.crowd, kept=0, number=number, **times)
        for statement in rule.after if gone else ():
            self._driver.run(statement)
        return gone

    def leave(self) -> int:
        """Forget payers that nobody has asked anything for long. The default payer stays.

        When there are too many, those that hold nothing go first, then those asked least recently.
        """
        names = [name for (name,) in self._driver.rows(_IDLE, old=self._now() - self._idle)]
        over = int(self._driver.rows(_PAYERS)[0][0]) - len(names) - self._payers
        if over > 0:
            names += [name for (name,) in self._driver.rows(_LEAST, number=min(over, 1000))]
        parts = [pad(names[start : start + 200]) for start in range(0, len(names), 200)]
        return sum(self._driver.changed(statement, names=part) for part in parts for statement in _LEAVING)


_LEAVING = tuple(delete(table).where(table.c.tenant.in_(bind("names", many=True))) for table in PER_PAYER)
