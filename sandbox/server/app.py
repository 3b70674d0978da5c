"""The composition root: builds the rooms, wires them, returns Flask. The only place that knows everybody."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from flask import Flask

from sandbox import __version__
from sandbox.apis.console.score import Grader
from sandbox.apis.discovery import published
from sandbox.auth.authlib_adapter import AuthorizationServer
from sandbox.auth.clients.client import load as load_clients
from sandbox.auth.clients.remote_keys import RemoteJwks
from sandbox.auth.tokens.id_token import new_key
from sandbox.core import limits
from sandbox.core.clock import Clock, OffsetClock, SystemClock
from sandbox.core.errors import NotFound, UsageError
from sandbox.core.hosts import HostPolicy
from sandbox.core.payer import BASELINE
from sandbox.faults.catalog import Catalog
from sandbox.faults.catalog import load as load_catalog
from sandbox.population.import_fhir import kept
from sandbox.review import card
from sandbox.review.forms.text import EVIDENCE_MOST, evidence
from sandbox.review.journal import exchanges
from sandbox.settings import Settings, catalogue, host_policy
from sandbox.store.layered.library import TenantLibraries
from sandbox.store.ledger.database import Ledger, Limits
from sandbox.store.library.read import SqlLibrary
from sandbox.store.secret import new_secret
from sandbox.web import dispatch, i18n
from sandbox.web.causes import files_of_causes, load_causes
from sandbox.web.errors import handlers
from sandbox.web.guard import may_control
from sandbox.web.operator import Reviewer
from sandbox.web.request import RequestLogger, Wiring

if TYPE_CHECKING:
    from sandbox.server.sign_in import TokenAnswer


def load_catalogue(settings: Settings) -> Catalog:
    """The scenarios of these settings. Raises UsageError for an unreadable file or an unknown default."""
    catalog = load_catalog(*catalogue(settings))
    try:
        catalog.parse(settings.scenario)
    except NotFound as problem:
        raise UsageError(problem.text) from None
    return catalog


def create_app(
    settings: Settings,
    clock: Clock | None = None,
    catalog: Catalog | None = None,
    request_log: RequestLogger | None = None,
) -> Flask:
    """The payer as a WSGI app. `settings.library` must exist; `settings.ledger` is made if absent; `catalog`
    is that of the settings, where it was loaded already; `request_log` prints requests.

    Raises UsageError for an unreadable library, scenario or client file, or an unknown scenario.
    """
    library = SqlLibrary(settings.library)
    libraries = TenantLibraries(library)
    own = clock or SystemClock()
    base = clock or OffsetClock(own, timedelta(days=settings.ahead_days))
    bounds = Limits(
        settings.journal_entries, settings.journal_per_payer, settings.idle_days, settings.quota_factor
    )
    ledger = Ledger(settings.ledger, own, base, bounds)
    report = kept(settings.library) if settings.data else None
    catalog = catalog or load_catalogue(settings)
    hosts = host_policy(settings)
    check_public_url(hosts)
    app = routed_app()
    app.config["MAX_CONTENT_LENGTH"] = limits.BATCH_BODY_BYTES_MAX
    app.config["MAX_FORM_MEMORY_SIZE"] = limits.BODY_BYTES_MAX
    app.config["MAX_FORM_PARTS"] = limits.PARAMETERS_MAX
    app.extensions["causes"] = load_causes(files_of_causes(published()))
    app.extensions["words"] = i18n.load_translations(i18n.files_of_words(published()))
    app.extensions["wiring"] = Wiring(
        payer=BASELINE,
        clock=base,
        library=library,
        libraries=libraries,
        ledger=ledger,
        catalog=catalog,
        clients=load_clients(settings.fixtures / "clients.yaml"),
        accounts=library.accounts(),
        members=library.members(),
        household=library.household,
        server=AuthorizationServer(),
        signing_key=ledger.key("id_token", new_key),
        page_key=ledger.key("pages", new_secret),
        seed=str(settings.seed),
        default_scenario=settings.scenario,
        control_key=settings.control_key,
        version=__version__,
        remote=RemoteJwks(hosts.is_on_loopback and not hosts.is_published),
        hosts=hosts,
        apis=published(),
        profiles=library.profiles(),
        guides=_guides(settings),
        others=[kind for kind in library.others() if kind not in published().own_types()],
        loaded=tuple(report.lines()) if report else (),
        request_log=request_log,
    )

    def after_fork() -> None:
        library.after_fork()
        libraries.after_fork()
        ledger.after_fork()

    app.extensions["after_fork"] = after_fork
    app.extensions["reviewer"] = Reviewer(exchanges, card.clients, _review, evidence, EVIDENCE_MOST)
    app.extensions["sign_in"] = partial(_sign_in, app)
    app.extensions["grader"] = Grader(_grade)
    handlers.install(app)
    dispatch.install(app)
    return app


def _sign_in(app: Flask, base: str, **options: Any) -> TokenAnswer:
    """What the token endpoint of an app answers a member's sign-in. Raises UsageError."""
    from sandbox.server.sign_in import connect_within  # the grader's client: few starts need it

    return connect_within(app, base, **options)


def _grade(base: str, progress: Callable[[str], None]) -> dict[str, Any]:
    """The score card of a FHIR base, as JSON. Raises UsageError."""
    from sandbox.score.card import to_data  # half of what starting would take
    from sandbox.score.run import grade

    return dict(to_data(grade(base, progress=progress)[0]))


def _review(exchanges: Any, now: float, client: str | None, base: str) -> card.ReviewCard:
    """The report card of an app, from the journal of one payer."""
    return card.review([card.ReviewRecord(exchanges, now)], client, base)


def routed_app() -> Flask:
    """An app with every address of the payer, and nothing behind them."""
    app = Flask(__name__, template_folder="../web/templates", static_folder="../web/static")
    app.url_map.strict_slashes = False
    published().register(app)
    for render in (i18n.day, i18n.strong, i18n.code):
        app.add_template_filter(render)
    app.add_template_global(may_control)
    return app


def check_public_url(hosts: HostPolicy) -> None:
    """Raises UsageError for a public path that could not be told from an address of the payer."""
    if hosts.public is None or not hosts.public.path:
        return
    first = hosts.public.path.split("/")[1]
    if first in {rule.rule.split("/")[1] for rule in routed_app().url_map.iter_rules()} | {".well-known"}:
        raise UsageError(f"--public-url: the path cannot begin with /{first}, an address of the payer")


def _guides(settings: Settings) -> tuple[str, ...]:
    """The editions that generated data follow. Those of other people's data are not known."""
    if settings.data:
        return ()
    return tuple(
        f"http://hl7.org/fhir/us/{guide}/ImplementationGuide/hl7.fhir.us.{guide}|{edition}"
        for guide, edition in (("carin-bb", settings.carin), ("core", settings.us_core))
    )
