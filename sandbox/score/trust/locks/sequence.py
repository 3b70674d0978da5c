"""Makes all attempts to break in, one after the other, with the accounts that a payer lends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from sandbox.score.collect.discovery import discover
from sandbox.score.collect.sync import TokenHolder
from sandbox.score.evidence import Exchange, Observation, seen
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments.facts import Instruments, Member
from sandbox.score.signin.launch import SmartApp
from sandbox.score.trust.locks import codes, records
from sandbox.score.trust.locks.lock import Tried


@dataclass(frozen=True)
class LockSequence:
    """Makes every attempt that is possible at the FHIR base.

    `holders` are members whose tokens are at hand, at least one; `member` is one that signs in through `app`
    for codes (None: nobody does). A wrong password is tried in a fresh payer, where one is `lent`.
    """

    http: HttpClient
    base: str
    holders: Sequence[TokenHolder]
    app: SmartApp | None
    member: Member | None
    lent: Instruments

    def run(self, progress: Callable[[str], None]) -> Observation:
        """Value: `{"<rule>": {"held": bool or null, "why": str}}`."""
        value: dict[str, dict[str, object]] = {}
        exchanges: list[Exchange] = []
        for tried in self._try_all():
            progress(f"security test: {tried.rule.removeprefix('breach-')}")
            if tried.held is False:
                last = tried.exchanges[-1] if tried.exchanges else None
                self.http.watch.note(tried.rule, tried.why, "probe", last.request_id if last else "")
            value[tried.rule] = {"held": tried.held, "why": tried.why}
            exchanges += tried.exchanges
        return seen(value, exchanges)

    def _try_all(self) -> Iterator[Tried]:
        http, base, app, member, mine = self.http, self.base, self.app, self.member, self.holders[0]
        theirs = next((other for other in self.holders if other.patient != mine.patient), None)
        yield records.other_member(http, base, mine, theirs)
        yield records.no_token(http, base, mine)
        yield records.forged_token(http, base, mine)
        if app is None or member is None:
            return
        yield codes.wrong_verifier(app, member)
        yield codes.other_redirect_uri(app, member)
        yield codes.unregistered_redirect_uri(app, member)
        yield codes.code_twice(app, member)
        yield codes.any_password(self._fresh_app(app) or app, member)

    def _fresh_app(self, app: SmartApp) -> SmartApp | None:
        """Return the app at a fresh payer, where a wrong password locks nobody out; None without one."""
        _, base = self.lent.open_payer()
        endpoints = discover(self.http, base).endpoints(Instruments()) if base else None
        return replace(app, endpoints=endpoints, base=base, driver=None) if endpoints else None
