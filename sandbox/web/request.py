"""The context of a request: which payer, whose clock, which gates, which API and addresses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import Any, cast

from flask import current_app, g, request
from werkzeug.wrappers import Request

from sandbox.auth.authlib_adapter import AuthorizationServer
from sandbox.auth.clients.remote_keys import RemoteJwks
from sandbox.auth.context import AuthContext, AuthServices
from sandbox.auth.discovery import Addresses
from sandbox.core.clock import Clock, OffsetClock
from sandbox.core.gates import OPEN, Facts, Gates
from sandbox.core.hosts import HostPolicy
from sandbox.core.outbound import Outcome
from sandbox.core.payer import PayerProfile, with_terms
from sandbox.faults import one_shot
from sandbox.faults.catalog import Catalog, Selection
from sandbox.faults.effects.base import World
from sandbox.faults.gates import BoundGates, LayeredGates
from sandbox.fhir.dates import milliseconds
from sandbox.fhir.library import Library, Stored
from sandbox.fhir.search.query import Query
from sandbox.store.layered.library import TenantLibraries
from sandbox.store.ledger.database import Ledger, TenantLedger
from sandbox.store.ledger.repositories.request_state import TenantState
from sandbox.store.library.read import SqlLibrary
from sandbox.store.secret import new_secret
from sandbox.web.api import Api, Apis, Surface
from sandbox.web.budget import Allowance

RequestLogger = Callable[[Mapping[str, Any], Mapping[str, Any]], None]
"""Called with the WSGI environ of an answered request and its journal entry."""


@dataclass(frozen=True, kw_only=True)
class Wiring(AuthServices):
    """What `create_app` has wired together, the same for every request.

    `profiles` are the profiles that the data claim, by type; `guides` the canonicals of the editions that
    generated data follow; `loaded` what the load of other people's data came to, in lines.
    """

    payer: PayerProfile
    clock: Clock
    library: SqlLibrary
    libraries: TenantLibraries
    ledger: Ledger
    catalog: Catalog
    server: AuthorizationServer
    page_key: str
    seed: str
    default_scenario: str
    control_key: str
    version: str
    hosts: HostPolicy
    apis: Apis
    profiles: Mapping[str, Sequence[str]] = field(default_factory=dict)
    guides: Sequence[str] = ()
    loaded: Sequence[str] = ()
    request_log: RequestLogger | None = None


@dataclass(kw_only=True)
class RequestContext(AuthContext):
    """The request in hand, and what is known of it so far (`learn`).

    `base` is the payer's own prefix, absolute, without a slash at the end; `chosen` says that the path or a
    header named the scenarios, so that no pin may change them; `earlier` are the effects that fired before a
    pin did; `delays` are seconds by which effects delay the answer, `fetched` the documents that were fetched
    for the request, `allowance` what is left of the budget of the batch that it is an entry of. `revision` is
    that of what the tenant's clients have written (None: nothing).
    """

    selection: Selection
    base: str
    request_id: str
    started: float
    surface: Surface
    chosen: bool
    delays: list[float]
    revision: int | None = None
    earlier: tuple[str, ...] = ()
    notes: dict[str, str | None] = field(default_factory=dict)
    fetched: Mapping[str, Outcome] = field(default_factory=dict)
    allowance: Allowance | None = None

    @property
    def wiring(self) -> Wiring:
        """What all requests share."""
        return self.services  # type: ignore[return-value]  # `build_context` puts it there

    @property
    def library(self) -> Library:
        """The payer's resources, and over them what the tenant's clients have written."""
        if self.revision is None:
            return self.wiring.library
        return self.wiring.libraries.of_tenant(self.ledger.written, self.revision)

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
    def remote(self) -> RemoteJwks:
        """The keys of apps at their own addresses, with those that were fetched for this request."""
        remote = self.services.remote
        return replace(remote, fetched=self.fetched) if self.fetched else remote

    @property
    def api(self) -> Api:
        """The API that the request is for. Raises RuntimeError at an address of none."""
        if self.surface.api is None:
            raise RuntimeError("the request is for no API")
        return self.surface.api

    @property
    def path_below(self) -> str:
        """The path below that base: "/Patient/1"."""
        return self.surface.path_below(self.facts.path)

    @property
    def origin(self) -> str:
        """The prefix of the default payer: that of this one without its scenarios and session."""
        return self.base.partition("/s/")[0]

    @property
    def address(self) -> str:
        """The base of that API, absolute, without a slash at the end."""
        return self.base + self.api.prefix

    def address_of(self, name: str) -> str:
        """The base of the API of this name."""
        return self.base + self.wiring.apis[name].prefix

    @property
    def addresses(self) -> Addresses:
        """What the authorization server names in its discovery documents."""
        brands = f"{self.address_of('brand')}/branding.json"
        return Addresses(self.issuer, self.address_of("portal"), brands)


@dataclass
class IncomingRequest:
    """A request that came in under an address, before its facts are known.

    `state` is that of the tenant in the ledger, if it is known; `granted` is the
    selection under which what the request presents was granted, where that is another one.
    """

    wiring: Wiring
    selection: Selection
    ledger: TenantLedger
    base: str
    surface: Surface
    started: float
    chosen: bool
    granted: Selection | None = None
    state: TenantState | None = None

    def build_context(self, facts: Facts) -> RequestContext:
        """The context of the payer of this selection; its clock and counters are the tenant's."""
        offset, armed, revision, _ = self.state or self.ledger.tenant_state()
        wiring = self.wiring
        delays: list[float] = []
        ahead = timedelta(milliseconds=offset)
        clock = OffsetClock(wiring.clock, ahead) if offset else wiring.clock
        payer = self.selection.payer(wiring.payer)
        fhir = self.base + wiring.apis["patient_access"].prefix
        world = partial(_build_world, wiring, self.ledger, clock, delays, fhir)
        gates = _bind_gates(self.selection, world, self.ledger, armed=armed)
        if self.granted is not None:
            payer = with_terms(payer, self.granted.payer(wiring.payer))
            if isinstance(gates, BoundGates):
                gates.restricting = True
            earlier = _bind_gates(self.granted, world, self.ledger, armed=False)
            gates = LayeredGates(earlier, gates)
        return RequestContext(
            services=wiring,
            payer=payer,
            clock=clock,
            ledger=self.ledger,
            gates=gates,
            facts=facts,
            issuer=self.base + wiring.apis["smart"].prefix,
            fhir=fhir,
            selection=self.selection,
            base=self.base,
            request_id=new_secret(6),
            started=self.started,
            surface=self.surface,
            chosen=self.chosen,
            delays=delays,
            revision=revision,
        )


def _build_world(wiring: Wiring, ledger: TenantLedger, clock: Clock, delays: list[float], fhir: str) -> World:
    """What the verbs of a request may use; its counters are those of the tenant."""

    def revoke() -> None:
        presented = ledger.bearer(_presented_token())
        if presented is not None and presented[1].username:
            ledger.revoke_grant(presented[1].id, milliseconds(clock.now()))

    def resources(patient: str, kind: str, most: int) -> Sequence[Stored]:
        query = Query(kind, patient=patient, count=most)
        return wiring.library.search(query, milliseconds(clock.now())).matches

    ahead = clock.now() - wiring.clock.now()
    return World(clock, wiring.seed, ledger.count, ledger.window, ahead, delays, fhir, revoke, resources)


def _presented_token() -> str:
    """The access token of a call, or the refresh token that is to be exchanged."""
    return request.headers.get("Authorization", "").partition(" ")[2] or request.form.get("refresh_token", "")


def _bind_gates(
    selection: Selection, build_world: Callable[[], World], ledger: TenantLedger, *, armed: bool
) -> Gates:
    if not (armed or selection.has_rules):
        return OPEN  # most requests: no world is built for them
    # A header or a pin may choose other scenarios within one tenant: they must not share an
    # "every third".
    prefix = f"{selection.name}|"
    own = replace(
        build_world(),
        count=lambda name: ledger.count(prefix + name),
        window=lambda name, now, length: ledger.window(prefix + name, now, length),
    )
    return selection.bind(own, one_shot.bind_rules(ledger.armed(), ledger.take) if armed else ())


def find_base(request: Request) -> str:
    """The payer's own prefix: absolute, without a slash at the end."""
    return request.host_url.rstrip("/") + request.root_path.rstrip("/")


def pin(selection: Selection) -> None:
    """From here on the request, and whatever is granted in it, belongs to these scenarios. A choice by
    path or header stands."""
    context = current()
    if context.chosen:
        return
    context.ledger.pin = selection.written
    wiring, ledger, armed = context.wiring, context.ledger, context.ledger.tenant_state().armed
    world = partial(_build_world, wiring, ledger, context.clock, context.delays, context.fhir)
    g.context = replace(
        context,
        selection=replace(selection, session=context.selection.session),
        payer=selection.payer(wiring.payer),
        gates=_bind_gates(selection, world, ledger, armed=armed),
        earlier=context.fired(),
    )


def wiring() -> Wiring:
    """The wiring of the running app."""
    return cast(Wiring, current_app.extensions["wiring"])


def current() -> RequestContext:
    """The context of the request in hand."""
    return cast(RequestContext, g.context)
