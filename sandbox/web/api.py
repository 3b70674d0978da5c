"""The contract of a published API: what it declares, so that the toolkit need not know it by its paths.

A folder of `sandbox.apis` registers itself with a module `api` that names its APIs in `APIS`. The dispatcher,
the errors, CORS, the journal and the documentation read these declarations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property
from importlib.resources.abc import Traversable
from typing import TYPE_CHECKING, Any

from flask import Blueprint, Flask, Response

from sandbox.core.errors import UsageError
from sandbox.core.limits import BODY_BYTES_MAX
from sandbox.core.payer import PayerProfile
from sandbox.fhir.schema.model import Type
from sandbox.fhir.schema.types import TYPES, declare

if TYPE_CHECKING:
    from sandbox.auth.tokens.access_token import Access
    from sandbox.store.ledger.database import TenantLedger
    from sandbox.store.ledger.repositories.pins import Origin
    from sandbox.web.request import RequestContext, Wiring


class Audience(StrEnum):
    """Who may call an operation."""

    PUBLIC = "anybody"
    MEMBER = "apps with a member's or a backend service's access token"
    OPERATOR = "whoever runs the payer"


class ErrorShape(StrEnum):
    """How an operation answers an error."""

    OUTCOME = "an OperationOutcome"
    OAUTH = "JSON of RFC 6749 §5.2"
    JSON = "JSON with error and message"
    PAGE = "a page"


class Cors(StrEnum):
    """Which origins' scripts may read an answer (Fetch standard)."""

    ANYONE = "any origin"
    APPS = "origins of registered redirect URIs"
    NOBODY = "no origin"


@dataclass(frozen=True)
class Operation:
    """One address of an API. `path` is a rule of Flask below the API's prefix; what is None is as the API
    has it. `summary` stands in the documentation; an operation without one is not published there."""

    methods: str
    path: str
    name: str
    view: Callable[..., Any]
    summary: str = ""
    audience: Audience | None = None
    errors: ErrorShape | None = None
    cors: Cors | None = None
    body_bytes_max: int | None = None
    resource: str = ""
    """For an operation of FHIR (`$everything`): the type that has it, and its OperationDefinition."""
    definition: str = ""
    parameters: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    """Name → how a value is written, what it does; for the documentation."""
    is_offered: Callable[[PayerProfile], bool] = lambda payer: True

    @property
    def verbs(self) -> list[str]:
        """The methods as a list: "GET POST" → ["GET", "POST"]."""
        return self.methods.split()


@dataclass(frozen=True)
class NextStep:
    """What an error page tells a person to do next; `url` makes it a link. `text` is English."""

    text: str
    url: str | None = None


@dataclass(frozen=True)
class Lookups:
    """What only an API can tell of a request or an answer. Each callable is asked within a request; `below`
    is the path below the base of the API."""

    facts: Callable[[str], Mapping[str, Any]] = lambda below: {}
    """More facts for the gates: `resource`, `client`, `grant_type`."""
    origin: Callable[[Wiring, TenantLedger, str], Origin | None] = lambda wiring, ledger, below: None
    """Under which scenarios that was granted which the request presents; None when it presents nothing."""
    registered: Callable[[Wiring, TenantLedger], str] = lambda wiring, ledger: ""
    """The scenarios with which the app registered that the request names."""
    keys_to_fetch: Callable[[RequestContext], str | None] = lambda context: None
    """A URL of keys without which the request cannot be judged."""
    issued: Callable[[Response], Mapping[str, str]] = lambda response: {}
    """Digests of the secrets that an answer hands out, for the journal."""
    next_step: Callable[[int], NextStep | None] = lambda status: None
    """How a person goes on from the error page of this status."""


NO_LOOKUPS = Lookups()

Arguments = tuple[tuple[str, str], ...]
"""The parameters of a query, in order."""


@dataclass(frozen=True)
class StoredRead:
    """How an API serves finished bytes beneath Flask: plain GETs with a bearer token.

    `parse` reads the path below the prefix and the parameters: None where Flask has to answer. `serve`
    answers what was parsed with the headers and the body of a 200, and raises as a view does.
    """

    parse: Callable[[str, Arguments], Any | None]
    serve: Callable[[RequestContext, Access, Any, Arguments], tuple[list[tuple[str, str]], bytes]]


@dataclass(frozen=True, kw_only=True)
class Api:
    """What an API declares. `prefix` is below the payer's own; `cites` names its sources with versions;
    `facts` is its part of the facts for graders. Fault verbs of its own come by `payer_sandbox.verbs`."""

    name: str
    prefix: str
    title: str
    cites: tuple[str, ...]
    audience: Audience
    operations: tuple[Operation, ...]
    errors: ErrorShape = ErrorShape.PAGE
    cors: Cors = Cors.NOBODY
    types: tuple[str | Type, ...] = ()
    """The resource types that it shows: names of known ones, or rows with their search parameters."""
    serves_loaded_types: bool = False
    """Whether it also shows types of loaded data that no API names."""
    batch: str = ""
    """What a batch at its base may hold; empty where it takes none."""
    instantiates: tuple[str, ...] = ()
    """Canonicals of the CapabilityStatements that it follows."""
    causes: Traversable | None = None
    words: Traversable | None = None
    """The texts of its pages in other languages; see `web.i18n`."""
    facts: Callable[[RequestContext], Mapping[str, Any]] | None = None
    lookups: Lookups = NO_LOOKUPS
    stored_read: StoredRead | None = None
    is_issuer: bool = False
    """Whether its base is the URL of an authorization server (RFC 8414)."""
    prepare: Callable[[Blueprint], None] = lambda blueprint: None
    """Adds what its operations share: hooks, error handlers, template filters."""

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The names of its types."""
        return tuple(row if isinstance(row, str) else row.name for row in self.types)

    def offered_operations(self, payer: PayerProfile) -> list[Operation]:
        """The operations of FHIR (`$everything`) that a payer offers."""
        return [row for row in self.operations if row.definition and row.is_offered(payer)]

    def routes(self) -> Blueprint:
        """A blueprint with every operation. Its endpoints are `<api>.<operation>`."""
        blueprint = Blueprint(self.name, __name__, url_prefix=self.prefix or None)
        self.prepare(blueprint)
        for operation in self.operations:
            blueprint.add_url_rule(
                operation.path, operation.name, operation.view, methods=operation.verbs, strict_slashes=False
            )
        return blueprint


@dataclass(frozen=True)
class Surface:
    """How an address behaves; `api` is None where no API has it."""

    api: Api | None
    audience: Audience = Audience.PUBLIC
    errors: ErrorShape = ErrorShape.PAGE
    cors: Cors = Cors.NOBODY
    body_bytes_max: int = BODY_BYTES_MAX

    @property
    def lookups(self) -> Lookups:
        """What its API can tell of a request; of an address of none, nothing."""
        return self.api.lookups if self.api is not None else NO_LOOKUPS

    def path_below(self, path: str) -> str:
        """The path below the base of its API: "/Patient/1"."""
        return path.removeprefix(self.api.prefix) if self.api is not None else path

    @property
    def is_fhir(self) -> bool:
        """Whether resources are served here."""
        return self.errors is ErrorShape.OUTCOME

    @property
    def is_control(self) -> bool:
        """Whether the address belongs to whoever runs the payer: no scenario touches it."""
        return self.api is not None and self.api.audience is Audience.OPERATOR


NOWHERE = Surface(None)


@dataclass(frozen=True)
class Apis:
    """The APIs that a payer publishes, found by path. Raises UsageError where two share a name or prefix."""

    apis: tuple[Api, ...]
    _named: dict[str, Api] = field(default_factory=dict, init=False, repr=False)
    _exact: dict[str, Surface] = field(default_factory=dict, init=False, repr=False)
    _below: dict[str, Surface] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        for api in self.apis:
            self._named[api.name] = api
            for row in api.types:
                if isinstance(row, Type):
                    declare(row)
            if sum(other.name == api.name or other.prefix == api.prefix != "" for other in self.apis) > 1:
                raise UsageError(f"Two APIs have the name {api.name} or the prefix {api.prefix}")
            if api.prefix:
                self._below[api.prefix] = _surface(api)
        for api, operation in self._operations():
            surface = _surface(api, operation)
            literal, parameter, _ = (api.prefix + operation.path).partition("<")
            if not parameter:
                path = literal.rstrip("/") or "/"
                self._exact[path] = _combine(path, self._exact.get(path, surface), surface)
                if surface.errors is not api.errors:  # an unknown address below it fails as it does
                    self._below.setdefault(path, replace(_surface(api), errors=surface.errors))
            elif surface != _surface(api):
                self._below[literal.rstrip("/")] = surface

    def _operations(self) -> Iterator[tuple[Api, Operation]]:
        return ((api, operation) for api in self.apis for operation in api.operations)

    def __iter__(self) -> Iterator[Api]:
        return iter(self.apis)

    def __getitem__(self, name: str) -> Api:
        return self._named[name]

    def surface(self, path: str) -> Surface:
        """How the address at a path below the payer's prefix behaves."""
        exact = self._exact.get(path.rstrip("/") or "/")
        if exact is not None:
            return exact
        while path:
            surface = self._below.get(path)
            if surface is not None:
                return surface
            path = path.rpartition("/")[0]
        return NOWHERE

    def surface_behind(self, path: str) -> Surface:
        """The same behind a prefix that was not read, or could not be."""
        surface = self.surface(path)
        start = path.find("/", 1)
        while surface.api is None and start >= 0:
            surface = self._first(path, start)
            start = path.find("/", start + 1)
        return surface

    def _first(self, path: str, start: int) -> Surface:
        """The surface of a path from `start` on, where a prefix or an operation begins there."""
        end = path.find("/", start + 1)
        segment = path[start : end if end >= 0 else len(path)]
        begins = segment in self._below or segment in self._exact
        return self.surface(path[start:]) if begins else NOWHERE

    def paths(self, name: str) -> list[str]:
        """The paths of the operations of this name."""
        return [
            api.prefix + operation.path for api, operation in self._operations() if operation.name == name
        ]

    def rows(self) -> str:
        """The rows that APIs declare, as text: what an index is made of depends on them."""
        return repr([row for api in self.apis for row in api.types if isinstance(row, Type)] or "")

    def own_types(self) -> frozenset[str]:
        """The types beyond the guides' that APIs name: no other API shows them."""
        return frozenset(kind for api in self.apis for kind in api.kinds if kind not in TYPES)

    def causes(self) -> Iterator[Traversable]:
        """The files of causes."""
        return (api.causes for api in self.apis if api.causes is not None)

    def register(self, app: Flask) -> None:
        """Add the operations of every API to an app."""
        for api in self.apis:
            app.register_blueprint(api.routes())


def _surface(api: Api, operation: Operation | None = None) -> Surface:
    if operation is None:
        return Surface(api, api.audience, api.errors, api.cors)
    return Surface(
        api,
        operation.audience or api.audience,
        operation.errors or api.errors,
        operation.cors or api.cors,
        operation.body_bytes_max or BODY_BYTES_MAX,
    )


def _combine(path: str, surface: Surface, other: Surface) -> Surface:
    """The surface of two operations at one path. Raises UsageError where they disagree."""
    if (surface.errors, surface.cors) != (other.errors, other.cors):
        raise UsageError(f"The operations at {path} disagree about errors or CORS")
    return replace(other, body_bytes_max=max(surface.body_bytes_max, other.body_bytes_max))


def merge_facts(documents: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """One document of several; objects of the same name become one."""
    merged: dict[str, Any] = {}
    for document in documents:
        for name, value in document.items():
            before = merged.get(name)
            merged[name] = merge_facts((before, value)) if isinstance(before, dict) else value
    return merged
