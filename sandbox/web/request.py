"""One request's world: which payer, whose clock, which gates, which addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from flask import current_app, g
from werkzeug.wrappers import Request

from sandbox.auth.authlib_adapter import AuthorizationServer
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registry import Registry
from sandbox.auth.clients.remote_keys import RemoteJwks
from sandbox.auth.context import AuthContext
from sandbox.auth.discovery import Addresses
from sandbox.core.clock import Clock, OffsetClock
from sandbox.core.gates import OPEN, Facts, Gates
from sandbox.core.hosts import HostPolicy
from sandbox.core.members import Account
from sandbox.core.outbound import Outcome
from sandbox.core.payer import PayerProfile, with_terms
from sandbox.faults import one_shot
from sandbox.faults.catalog import Catalog, Selection
from sandbox.faults.effects.base import World
from sandbox.faults.gates import BoundGates, LayeredGates
from sandbox.fhir.library import Library
from sandbox.store.ledger.database import Ledger, TenantLedger
from sandbox.web.api import NOWHERE, Api, Apis, Surface
from sandbox.web.budget import Allowance


@dataclass(frozen=True)
class Wiring:
    """What `create_app` has wired together, the same for every request."""

    payer: PayerProfile
    clock: Clock
    library: Library
    ledger: Ledger
    catalog: Catalog
    clients: Mapping[str, Client]
    accounts: Mapping[str, Account]
    server: AuthorizationServer
    signing_key: str
    page_key: str
    seed: str
    default_scenario: str
    control_key: str
    version: str
    remote: RemoteJwks
    hosts: HostPolicy
    apis: Apis
    members: Mapping[str, Account]
    household: Callable[[str], Sequence[tuple[str, str]]]
    profiles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Type → the profiles that the data claim."""
    guides: Sequence[str] = ()
    """Canonicals of the editions that the data follow; empty when somebody else made the data."""
    others: Sequence[str] = ()
    """Types that the data have beyond those of the guides."""
    loaded: Sequence[str] = ()
    """What the load of somebody else's data came to, in lines."""


@dataclass
class RequestContext:
    """The request in hand, and what is known of it so far (`learn`). `base` is the payer's own prefix,
    absolute, without a slash at the end; `chosen` says that the path or a header named the scenarios, so
    that no pin may change them; `earlier` are the effects that fired before a pin did; `delays` are seconds
    by which effects hold the answer up, `fetched` the documents that were fetched for the request."""

    rooms: Wiring
    selection: Selection
    tenant: str
    base: str
    payer: PayerProfile
    clock: Clock
    ledger: TenantLedger
    gates: Gates
    facts: Facts
    request_id: str
    started: float
    surface: Surface = NOWHERE
    chosen: bool = True
    earlier: tuple[str, ...] = ()
    notes: dict[str, str | None] = field(default_factory=dict)
    delays: list[float] = field(default_factory=list)
    fetched: Mapping[str, Outcome] = field(default_factory=dict)
    allowance: Allowance | None = None
    """What is left of the budget of a batch, where the request is one of its entries."""

    def charge(self, cost: int) -> None:
        """Count the cost of a search. Raises BadRequest where a batch cannot afford it."""
        if self.allowance is not None:
            self.allowance.charge(cost)

    def learn(self, **facts: object) -> None:
        """Know more about the request: client, member, page…"""
        self.facts = Facts(**{**vars(self.facts), **facts})

    def fired(self) -> tuple[str, ...]:
        """The effects that changed something in this request, in order."""
        return tuple(dict.fromkeys((*self.earlier, *self.gates.fired())))

    @property
    def api(self) -> Api:
        """The API that the request is for. Raises RuntimeError at an address of none."""
        if self.surface.api is None:
            raise RuntimeError("the request is for no API")
        return self.surface.api

    @property
    def address(self) -> str:
        """The base of that API, absolute, without a slash at the end."""
        return self.base + self.api.prefix

    def address_of(self, name: str) -> str:
        """The base of the API of this name."""
        return self.base + self.rooms.apis[name].prefix

    @property
    def fhir(self) -> str:
        """The FHIR base that members' apps are for."""
        return self.address_of("patient_access")

    @property
    def auth(self) -> str:
        """The issuer."""
        return self.address_of("smart")

    @property
    def addresses(self) -> Addresses:
        """What the authorization server names in its discovery documents."""
        return Addresses(self.auth, self.address_of("portal"), f"{self.address_of('brand')}/branding.json")

    @property
    def clients(self) -> Registry:
        """The apps that this payer knows."""
        return Registry(self.rooms.clients, self.ledger)

    @property
    def desk(self) -> AuthContext:
        """What the authorization server needs of this request."""
        return AuthContext(
            self.payer,
            self.clock,
            self.ledger,
            self.gates,
            self.facts,
            self.clients,
            self.rooms.accounts,
            self.auth,
            self.fhir,
            self.rooms.signing_key,
            remote=replace(self.rooms.remote, fetched=self.fetched) if self.fetched else self.rooms.remote,
            members=self.rooms.members,
            household=self.rooms.household,
            others=self.rooms.others,
        )


def base_of(request: Request) -> str:
    """The payer's own prefix: absolute, without a slash at the end."""
    return request.host_url.rstrip("/") + request.root_path.rstrip("/")


def make(
    rooms: Wiring,
    selection: Selection,
    ledger: TenantLedger,
    base: str,
    facts: Facts,
    request_id: str,
    started: float,
    *,
    surface: Surface,
    chosen: bool,
    state: tuple[int, bool] | None = None,
    granted: Selection | None = None,
) -> RequestContext:
    """A visit to the payer of this selection; its clock and counters are the tenant's. `state` is the
    ledger's, if it is known; `granted` the selection under which what the request presents was granted,
    where that is another one."""
    offset, armed = state or ledger.state()
    clock = OffsetClock(rooms.clock, timedelta(milliseconds=offset)) if offset else rooms.clock
    delays: list[float] = []
    return RequestContext(
        rooms,
        selection,
        ledger.name,
        base,
        _payer(rooms, selection, granted),
        clock,
        ledger,
        _bind(
            rooms,
            selection,
            ledger,
            clock,
            timedelta(milliseconds=offset),
            delays,
            armed=armed,
            granted=granted,
        ),
        facts,
        request_id,
        started,
        surface,
        chosen,
        delays=delays,
    )


def _payer(rooms: Wiring, selection: Selection, granted: Selection | None) -> PayerProfile:
    payer = selection.payer(rooms.payer)
    return payer if granted is None else with_terms(payer, granted.payer(rooms.payer))


def _bind(
    rooms: Wiring,
    selection: Selection,
    ledger: TenantLedger,
    clock: Clock,
    ahead: timedelta,
    delays: list[float],
    *,
    armed: bool,
    granted: Selection | None = None,
) -> Gates:
    if granted is not None:
        chosen = _bind(rooms, selection, ledger, clock, ahead, delays, armed=armed)
        if isinstance(chosen, BoundGates):
            chosen.bounded = True
        return LayeredGates(_bind(rooms, granted, ledger, clock, ahead, delays, armed=False), chosen)
    if not (armed or selection.has_rules):
        return OPEN
    # A header or a pin may choose other scenarios within one tenant: they must not share an
    # "every third".
    prefix = f"{selection.name}|"
    world = World(
        clock,
        rooms.seed,
        lambda name: ledger.count(prefix + name),
        lambda name, now, length: ledger.window(prefix + name, now, length),
        ahead,
        delays,
    )
    return selection.bind(world, one_shot.bound(ledger.armed(), ledger.take) if armed else ())


def pin(selection: Selection) -> None:
    """From here on the request, and whatever is granted in it, belongs to these scenarios. A choice by
    path or header stands."""
    visit = here()
    if visit.chosen:
        return
    visit.ledger.pin = selection.written
    ahead = visit.clock.now() - visit.rooms.clock.now()
    rooms, ledger, clock, armed = visit.rooms, visit.ledger, visit.clock, visit.ledger.state()[1]
    g.visit = replace(
        visit,
        selection=replace(selection, session=visit.selection.session),
        payer=selection.payer(visit.rooms.payer),
        gates=_bind(rooms, selection, ledger, clock, ahead, visit.delays, armed=armed),
        earlier=visit.fired(),
    )


def rooms() -> Wiring:
    """The wiring of the running app."""
    found: Wiring = current_app.extensions["rooms"]
    return found


def here() -> RequestContext:
    """The visit of the request in hand."""
    visit: RequestContext = g.visit
    return visit


def refine(**facts: object) -> RequestContext:
    """The visit of the request in hand, knowing more about itself."""
    here().learn(**facts)
    return here()
