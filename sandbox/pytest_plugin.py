"""The pytest plugin: a payer of one's own for each test.

    @pytest.mark.payer("portal-opt-in-required", member="oscar")
    def test_a_member_who_has_not_opted_in(payer): ...

Nothing of the sandbox is imported until a test asks for the fixture.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from fnmatch import fnmatchcase
from operator import methodcaller
from typing import TYPE_CHECKING, Any

import pytest

from sandbox.core.errors import UsageError
from sandbox.core.text import escape, quantity

if TYPE_CHECKING:
    from sandbox.apis.control.client import Remote
    from sandbox.review.card import ReviewCard
    from sandbox.server.sign_in import TokenResponse

FIRST_MEMBER = "maria"
MARK = ("scenario", "member")
CRITERION = "token-misuse"
"""Why an app is denied or suspended, unless a test says why."""
REGISTER_SECONDS = 30

__tracebackhide__ = methodcaller("errisinstance", UsageError)
"""pytest shows the line of the test, and not ours, where the usage was wrong."""

_PAYER = pytest.StashKey["Payer"]()
"""The payer of a test, also where only a fixture asked for it."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("payer-sandbox")
    group.addoption("--payer-url", help="use the payer sandbox that runs there instead of starting one")
    group.addoption("--payer-scenarios", help="a folder of scenarios of your own")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        'payer(scenario="", member="maria"): the scenario of the test\'s payer (such as'
        ' "slow-responses,seconds=2.broken-references") and the member who signs in by default',
    )


@pytest.fixture(scope="session")
def payer_origin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Yield the origin of the payers of this session: one server per process, or `--payer-url`."""
    from sandbox.apis.control.client import strip_fhir

    url = request.config.getoption("--payer-url")
    if url:
        yield strip_fhir(str(url))
        return
    from sandbox.server.embedded import listening
    from sandbox.settings import from_env

    own = request.config.getoption("--payer-scenarios")
    with listening(from_env(own_scenarios=own), tmp_path_factory.mktemp("payer") / "ledger.db") as origin:
        yield origin


@pytest.fixture
def payer(request: pytest.FixtureRequest, payer_origin: str) -> Payer:
    """A payer that no other test shares: its own clock, counters, tokens, opt-ins and journal."""
    from sandbox.settings import from_env

    mark = request.node.get_closest_marker("payer")
    values = dict(zip(MARK, mark.args, strict=False)) | mark.kwargs if mark else {}
    if mark and (len(mark.args) > len(MARK) or not set(values) <= set(MARK)):
        pytest.fail(f"@pytest.mark.payer takes {' and '.join(MARK)}, not {mark.args} {mark.kwargs}", False)
    payer = Payer(
        payer_origin,
        _session_name(request.node.name, request.node.nodeid),
        member=values.get("member", FIRST_MEMBER),
        key=from_env().control_key,
        _cleared=set() if request.config.getoption("--payer-url") else None,
    ).scenario(values.get("scenario", ""))
    request.node.stash[_PAYER] = payer
    return payer


def _session_name(shown: str, unique: str) -> str:
    """Return the name of a session: a part of it can be read, and no other `unique` text has the same."""
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", shown)[:40].strip("-")
    return f"{name}-{hashlib.sha256(unique.encode()).hexdigest()[:8]}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Below a test that fails: the journal of every payer that it used, however it failed."""
    report = yield
    payer = item.stash.get(_PAYER, None)
    if report.failed and payer:
        for used in _used(payer):
            heading = used._printed.heading
            if f"{heading}:\n" not in report.longreprtext:
                report.sections.append((heading, _ending(used)))
    return report


_HEAD = "The payer's journal"
_SHOWN = 50


def _used(payer: Payer) -> list[Payer]:
    """Return the payers of this test that got requests, or the first payer when none did."""
    try:
        used = [
            replace(payer, session=session, selection=selection, name=name)
            for session, name in payer._sessions.items()
            for selection in payer._selections(session)
        ]
    except UsageError:
        return []  # the payer is gone
    return [used_payer for used_payer in used if used_payer._printed.entries()] or [payer]


def _ending(payer: Payer) -> str:
    """The end of the journal."""
    entries = payer._printed.entries()
    left_out = len(entries) - _SHOWN
    head = [f"  ({left_out} before these)"] if left_out > 0 else []
    return "\n".join([*head, *map(_line, entries[-_SHOWN:])]) or "  (nothing)"


@dataclass(frozen=True)
class Payer:
    """A running payer, seen from a test. `url` is its prefix; `fhir` and `auth` are below it."""

    origin: str
    session: str
    selection: str = ""
    member: str = FIRST_MEMBER
    key: str = ""
    name: str = ""
    """What tells this payer from the others of a test (see `another`)."""
    _own: set[str] = field(default_factory=set, repr=False)
    """Request ids of the test's own exchanges. Every payer that this one leads to shares all of these."""
    _refused: set[str] = field(default_factory=set, repr=False)
    """Those of sign-ins that failed."""
    _sessions: dict[str, str] = field(default_factory=dict, repr=False)
    """Session → name of each payer of the test."""
    _cleared: set[str] | None = field(default=None, repr=False)
    """Addresses of payers that were reset, on a server that may remember an earlier run."""

    def __post_init__(self) -> None:
        self._sessions[self.session] = self.name

    @property
    def url(self) -> str:
        from sandbox.apis.control.client import select

        return select(self.origin, f"{self.selection}~{self.session}")

    @property
    def fhir(self) -> str:
        from sandbox.apis.control.client import fhir_base

        return fhir_base(self.url)

    @property
    def auth(self) -> str:
        from sandbox.apis.control.client import auth_base

        return auth_base(self.url)

    @property
    def clock(self) -> PayerClock:
        return PayerClock(self._remote)

    @property
    def journal(self) -> PayerJournal:
        return PayerJournal(self._remote, self._own, self._words)

    @property
    def _printed(self) -> PayerJournal:
        """What stands under a test that fails: the journal, and the sign-ins that failed."""
        return PayerJournal(self._remote, self._own - self._refused, self._words)

    @property
    def _words(self) -> str:
        """What tells this payer from the others of the test: its name and scenario."""
        return ", ".join(filter(None, (self.name, self.selection)))

    @property
    def review(self) -> PayerReview:
        return PayerReview(self.journal, self.clock)

    @property
    def clients(self) -> PayerClients:
        return PayerClients(self._remote, self._own)

    @property
    def members(self) -> PayerMembers:
        return PayerMembers(self._remote, self.member)

    @property
    def keys(self) -> PayerKeys:
        return PayerKeys(self._remote)

    @property
    def _remote(self) -> Remote:
        from sandbox.apis.control.client import Remote

        return Remote(self.url, self.key)

    def scenario(self, selection: str) -> Payer:
        """The payer of another scenario, in this test's session: a clock and journal of its own.

        The test fails at once when there is no such scenario.
        """
        __tracebackhide__ = True
        if "~" in str(selection):
            pytest.fail(f"A test's payer has a session of its own: {selection!r} without ~", pytrace=False)
        payer = replace(self, selection=selection)
        if complaint := payer._complaint():
            pytest.fail(complaint, pytrace=False)
        if self._cleared is not None and payer.url not in self._cleared:
            payer.reset()
            self._cleared.add(payer.url)
        return payer

    def another(self, name: str, scenario: str = "", member: str | None = None) -> Payer:
        """Another payer in the same test: `payer.another("the new plan", "rate-limited")`.

        It shares nothing with this one: it has a clock, tokens, apps and a journal of its own, which stands
        under the test when it fails. The same name gives the same payer.
        """
        __tracebackhide__ = True
        session = _session_name(name, f"{self.session}/{name}")
        payer = replace(self, session=session, name=name, member=member or self.member)
        return payer.scenario(scenario)

    def _complaint(self) -> str:
        """Why the server has no such payer; nothing when it has."""
        try:
            self._remote.clock()
        except UsageError as problem:
            return str(problem)
        return ""

    def _selections(self, session: str) -> list[str]:
        """The scenarios, as written in a path, whose payers were asked something in a session."""
        from sandbox.apis.control.client import Remote

        payers: list[str] = Remote(self.origin, self.key).call("GET", f"sessions/{session}")["payers"]
        return [payer.partition("~")[0] for payer in payers]

    def sign_in(self, member: str | None = None, scope: str = "", **more: Any) -> TokenResponse:
        """Sign in and return the token response exactly as the payer sent it, faults included.

        A dictionary with `.headers` for requests, `.patient`, and `.body`: the bytes of the response. The
        exchanges of this sign-in are left out of `journal`: they are the test's, not the app's. When it
        fails, they stand under the test, and the exception's `answer` is what the token endpoint answered.
        """
        from sandbox.server.sign_in import connect

        __tracebackhide__ = True
        remote = self._remote
        before = remote.last()
        failed = True
        try:
            response = connect(self.url, member=member or self.member, scope=scope, **more)
            failed = False
        except UsageError as problem:
            raise problem.with_traceback(None) from None  # one line, without our own frames
        finally:
            exchanges = {entry["request"] for entry in remote.journal(after=before)}
            self._own.update(exchanges)
            if failed:
                self._refused.update(exchanges)
        return response

    def token(self, member: str | None = None, scope: str = "", **more: Any) -> str:
        """An access token, without a browser."""
        __tracebackhide__ = True
        return str(self.sign_in(member, scope, **more)["access_token"])

    def fail_next(self, times: int = 1, when: Any = None, then: Any = None) -> None:
        """Fail so many times, then work: token calls with 503, or what `when` and `then` say."""
        self._remote.fail_next(times, when, then)

    def switch(self, selection: str) -> None:
        """Put scenarios in force while the app keeps its address and tokens; "" ends that."""
        self._remote.switch(selection)

    def revoke(self, member: str | None = None, client: str | None = None) -> int:
        """End what a member granted, to one app or to every app. Returns how many grants ended."""
        return self._remote.revoke(member or self.member, client)

    def reset(self) -> None:
        """Forget everything this payer remembers."""
        self._remote.reset()


@dataclass(frozen=True)
class PayerClock:
    """The payer's clock; no other test's moves with it."""

    _remote: Remote

    def now(self) -> datetime:
        return datetime.fromisoformat(self._remote.clock())

    def advance(self, by: str) -> datetime:
        """Move it by an ISO 8601 duration, such as P90D or PT5M."""
        return datetime.fromisoformat(self._remote.clock(advance=by))

    def set(self, to: str | datetime) -> datetime:
        """Set it to an instant with its zone."""
        text = to.isoformat() if isinstance(to, datetime) else to
        return datetime.fromisoformat(self._remote.clock(to=text))


@dataclass(frozen=True)
class MemberStatus:
    """What is decided about a member, and what follows."""

    username: str
    locked: bool
    approved: bool
    opted_in: bool
    """Whether sharing with apps is switched on."""
    opted_out: bool
    """Whether the member switched it off."""
    refusal: str | None
    """Why no app may connect, such as "not-opted-in"; None when one may."""
    may_share: list[str]
    """Ids of the patients whose data the member may share."""


@dataclass(frozen=True)
class PayerMembers:
    """What a payer and its members decide. Without a name, it is the member who signs in by default."""

    _remote: Remote
    _default: str

    def status(self, member: str | None = None) -> MemberStatus:
        """What is decided about a member, and whether an app may connect."""
        return self._status(self._remote.member(member or self._default))

    def lock(self, member: str | None = None) -> MemberStatus:
        """Lock the account, as after too many wrong passwords."""
        return self._decide(member, locked=True)

    def unlock(self, member: str | None = None) -> MemberStatus:
        """Unlock the account."""
        return self._decide(member, locked=False)

    def opt_in(self, member: str | None = None) -> MemberStatus:
        """Switch sharing with apps on, as the member does in the portal."""
        return self._decide(member, opted_in=True)

    def opt_out(self, member: str | None = None) -> MemberStatus:
        """Switch sharing off: no new app may connect. Apps that have access keep it (see `revoke`)."""
        return self._decide(member, opted_in=False)

    def approve(self, member: str | None = None) -> MemberStatus:
        """Approve connections of the member, at a payer that asks for it."""
        return self._decide(member, approved=True)

    def _decide(self, member: str | None, **decisions: bool) -> MemberStatus:
        return self._status(self._remote.decide_member(member or self._default, **decisions))

    @staticmethod
    def _status(answer: dict[str, Any]) -> MemberStatus:
        return MemberStatus(**{part.name: answer[part.name] for part in fields(MemberStatus)})


@dataclass(frozen=True)
class PayerClients:
    """The apps that a payer knows, in the words of RFC 7591 (`client_id`, `client_name`, …)."""

    _remote: Remote
    _own: set[str]

    def all(self) -> list[dict[str, Any]]:
        """Every app, registered or not."""
        return self._remote.clients()

    def get(self, id: str) -> dict[str, Any]:
        """One app, with its `client_state`."""
        return self._remote.client(id)

    def register(self, name: str, *redirect_uris: str, **metadata: Any) -> dict[str, Any]:
        """Register an app (RFC 7591) and return the response, with `client_id` and `client_secret`.

        Without `token_endpoint_auth_method="none"` the app is confidential. Raises UsageError with what the
        payer refused. The request is left out of `journal`.
        """
        import httpx

        from sandbox.apis.control.client import auth_base

        __tracebackhide__ = True
        body = {"client_name": name, "redirect_uris": list(redirect_uris), **metadata}
        answer = httpx.post(f"{auth_base(self._remote.base)}/register", json=body, timeout=REGISTER_SECONDS)
        self._own.add(answer.headers.get("X-Request-Id", ""))
        if answer.status_code != 201:
            raise UsageError(f"{name} was not registered: {answer.status_code} {answer.text}")
        registration: dict[str, Any] = answer.json()
        return registration

    def approve(self, id: str) -> dict[str, Any]:
        """Approve an app that the payer has yet to approve, or had suspended."""
        return self._remote.decide_client(id, state="approved")

    def deny(self, id: str, criterion: str = CRITERION) -> dict[str, Any]:
        """Deny an app, for one of the criteria of 42 CFR 422.119(e) (`GET /_sandbox/clients`)."""
        return self._remote.decide_client(id, state="denied", criterion=criterion)

    def suspend(self, id: str, criterion: str = CRITERION) -> dict[str, Any]:
        """Suspend an app: it loses every token at once, and members cannot connect it."""
        return self._remote.decide_client(id, state="suspended", criterion=criterion)

    def rotate_secret(self, id: str, *, at_once: bool = False) -> str:
        """Give an app a new secret and return it. The old one stays good for a while, unless `at_once`."""
        how = "at-once" if at_once else "with-notice"
        return str(self._remote.decide_client(id, rotate_secret=how)["client_secret"])


@dataclass(frozen=True)
class PayerKeys:
    """The keys by which a payer signs id_tokens."""

    _remote: Remote

    def rotate(self) -> str:
        """Sign with a new key and return its `kid`; the old one stays published for a while."""
        return self._remote.rotate_keys()


@dataclass(frozen=True)
class PayerJournal:
    """What the app has asked of the payer, in order."""

    _remote: Remote
    _own: set[str]
    _words: str = ""

    @property
    def heading(self) -> str:
        return f"{_HEAD} ({self._words})" if self._words else _HEAD

    def entries(self, **query: Any) -> list[dict[str, Any]]:
        """Return exchanges, oldest first, filtered as in the control API: `status="4xx"`, `effect=…`."""
        entries = self._remote.journal(**query)
        return [entry for entry in entries if entry["request"] not in self._own]

    def calls(self, method: str, path: str, status: int | None = None) -> list[dict[str, Any]]:
        """The exchanges of this method, path (a glob, below the prefix) and status."""
        return [
            entry
            for entry in self.entries()
            if entry["method"] == method.upper()
            and fnmatchcase(entry["path"], path)
            and status in (None, entry["status"])
        ]

    def assert_called(
        self, method: str, path: str, status: int | None = None, times: int | None = None
    ) -> list[dict[str, Any]]:
        """The exchanges that fit; fails when there are none, or not so many."""
        __tracebackhide__ = True
        calls = self.calls(method, path, status)
        if (times is None and not calls) or (times is not None and len(calls) != times):
            wanted = f"{method.upper()} {path}" + (f" with {status}" if status else "")
            often = "at least once" if times is None else quantity(times, "time")
            pytest.fail(f"{wanted} was to be called {often}, and was {quantity(len(calls), 'time')}.\n{self}")
        return calls

    def __str__(self) -> str:
        lines = [_line(entry) for entry in self.entries()]
        return f"{self.heading}:\n" + ("\n".join(lines) or "  (nothing)")


@dataclass(frozen=True)
class PayerReview:
    """The report card of the app: `payer.review()`, `payer.review.assert_passed("pace")`."""

    _journal: PayerJournal
    _clock: PayerClock

    def __call__(self, client: str | None = None) -> ReviewCard:
        """Every row with its finding: `card["retry-after"].result`. `client` where the test has two apps."""
        from sandbox.review.card import ReviewRecord, review
        from sandbox.review.journal import exchanges

        entries = exchanges(self._journal.entries())
        return review([ReviewRecord(entries, self._clock.now().timestamp())], client, "this test")

    def assert_passed(self, *rows: str, client: str | None = None) -> ReviewCard:
        """Fails unless each of these rows was exercised and passed; without any, when a row failed."""
        __tracebackhide__ = True
        from sandbox.review.forms.text import render

        card = self(client)
        if unknown := set(rows) - {line.row.id for line in card.lines}:
            ids = ", ".join(line.row.id for line in card.lines)
            pytest.fail(f"The card has no row {min(unknown)!r}: {ids}", pytrace=False)
        short = [row for row in rows if card[row].result != "pass"] if rows else card.failed
        if short:
            pytest.fail(
                "\n".join([f"{row}: {card[row].result}" for row in rows] + [render(card), str(self._journal)])
            )
        return card


def _line(entry: dict[str, Any]) -> str:
    exchange = f"{entry['status']} {entry['method']} {entry['path']} {', '.join(entry['effects'])}".rstrip()
    return f"  {escape(exchange)}" + (
        f"\n      {escape(entry['why'])} {entry['repair']}" if "why" in entry else ""
    )
