"""Opens the payer under test: its facts, its documents, and the grader's app, before any sign-in."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from sandbox.core.errors import FileProblem
from sandbox.score.collect.discovery import Discovery, discover
from sandbox.score.collect.machine_load import Machine
from sandbox.score.collect.sample import Draw
from sandbox.score.collect.wrong_address import require_fhir_base
from sandbox.score.evidence import Exchange, Observation, Reason, seen, unseen
from sandbox.score.fhir import lenient_json
from sandbox.score.http.client import HttpClient
from sandbox.score.instruments import facts as facts_document
from sandbox.score.instruments.facts import NO_FACTS, Instruments, PayerFacts
from sandbox.score.lint.watch import Watch
from sandbox.score.signin.launch import Driver, SmartApp
from sandbox.score.signin.scopes import SCOPE
from sandbox.score.signin.tokens import ClientApp

REDIRECT = "http://127.0.0.1/callback"  # never requested: it only marks the end of a sign-in
Progress = Callable[[str], None]
Observations = dict[str, Observation]


@dataclass(frozen=True)
class ExaminationOptions:
    """What the person who grades chose: facts, a token, a client, a way to sign in.

    `by_hand`: the driver asks a person, so there is one sign-in and no rate. `register`: make a client
    when there is none. `every_type`: search all types, whatever metadata says (reading A9). `intrusive`:
    use accounts and clocks that a public host lends by itself; `held_back`: it lends some, not to be used.
    `probes`: try the locks; `auth_method` and `scope` go before what the payer lists; `draw`: who of the lent
    members signs in and is synced.
    """

    facts: PayerFacts | None = None
    token: str | None = None
    patient: str | None = None
    client: ClientApp | None = None
    driver: Driver | None = None
    by_hand: bool = False
    register: bool = False
    every_type: bool = False
    machine: Machine = field(default_factory=Machine)
    intrusive: bool = False
    held_back: bool = False
    probes: bool = True
    auth_method: str = ""
    scope: str = ""
    draw: Draw = field(default_factory=lambda: Draw(0))


@dataclass(frozen=True)
class TargetPayer:
    """The payer under test. `base` is its FHIR base without a trailing slash.

    `app` is None when there is no client or nowhere to sign in. The examination adds to `observations`.
    """

    http: HttpClient
    watch: Watch
    base: str
    options: ExaminationOptions
    progress: Progress
    facts: PayerFacts
    discovery: Discovery
    app: SmartApp | None
    observations: Observations

    @property
    def instruments(self) -> Instruments:
        return self.facts.instruments

    def explain_no_sign_in(self) -> Reason:
        """Return why nobody can sign in; its text is empty when somebody can."""
        if self.options.token:
            return Reason("you passed a token, so nobody signed in", "token-given")
        if self.options.held_back and not self.options.by_hand:
            why = "the payer provides test accounts, which are used on a public host only with --intrusive"
            return Reason(why, "held-back")
        if not self.instruments.members and not self.options.by_hand:
            return Reason(
                "no test accounts: the payer provides none, and there is no facts file", "no-accounts"
            )
        if self.app is not None:
            return Reason("")
        registered = self.observations.get("registration")
        if registered is not None and not registered.seen:
            return Reason(registered.unseen, registered.cause)
        why = "signing in needs an authorization endpoint, a token endpoint, a client_id and a redirect_uri"
        return Reason(why, "no-client" if self.instruments.token_endpoint else "no-endpoints")


def open_target(
    http: HttpClient, watch: Watch, base: str, options: ExaminationOptions, progress: Progress
) -> TargetPayer:
    """Read facts and documents, and build the app. Raises UsageError unless a FHIR base answers."""
    progress("facts")
    facts, observations = _read_facts(http, base, options.facts)
    watch.facts(facts.problems)
    if options.facts is None and not (options.intrusive or http.guard.target_is_private()):
        options = replace(options, held_back=bool(facts.instruments.members))
        facts = facts.model_copy(update={"instruments": Instruments()})
    progress("discovery")
    discovery = discover(http, base)
    require_fhir_base(http, base, discovery, observations["facts"].seen and options.facts is None)
    observations["capability-statement"] = _presence(
        discovery.capability.missing, discovery.capability.exchanges, discovery.flaws
    )
    observations["capability-statement"].value["types"] = discovery.offer().named_types
    observations["smart-configuration"] = _presence(discovery.smart.missing, discovery.smart.exchanges)
    app, registration = _build_app(http, discovery, facts.instruments, options)
    if registration is not None:
        observations["registration"] = registration
    return TargetPayer(http, watch, base, options, progress, facts, discovery, app, observations)


def _read_facts(http: HttpClient, base: str, file: PayerFacts | None) -> tuple[PayerFacts, Observations]:
    """Return the facts and their observation: of the file if there is one, else as served."""
    if file is not None:
        return file, {"facts": describe_facts(file, "file", ())}
    answer = http.get(base + facts_document.PATH, step="discovery", headers={"Accept": "application/json"})
    exchanges = (answer.exchange,)
    if answer.status != 200:
        why = f"the payer serves no facts document ({answer.status or answer.exchange.note})"
        return NO_FACTS, {"facts": unseen(why, exchanges)}
    document = answer.json() or lenient_json.read_object(answer.body)
    if not document:
        why = "the payer serves no facts document (200 without a JSON object)"
        return NO_FACTS, {"facts": unseen(why, exchanges)}
    try:
        facts = facts_document.parse(document, "the served facts document")
    except FileProblem as problem:
        return NO_FACTS, {"facts": unseen(str(problem), exchanges)}
    return facts, {"facts": describe_facts(facts, "served", exchanges)}


def describe_facts(facts: PayerFacts, source: str, exchanges: tuple[Exchange, ...]) -> Observation:
    """Return all claims; of the instruments only which there are, never an account or a secret."""
    lent = facts.instruments
    roles = sorted(m.role for m in lent.members)
    instruments = {
        "accounts": {role: roles.count(role) for role in dict.fromkeys(roles)},
        "clock": bool(lent.clock),
        "fresh_payer": bool(lent.fresh_payer),
    }
    problems = list(facts.problems)
    value = {"from": source, "claims": facts.claimed(), "instruments": instruments, "problems": problems}
    return seen(value, exchanges, source="declared")


def _presence(missing: str, exchanges: tuple[Exchange, ...], flaws: Iterable[str] = ()) -> Observation:
    return seen({"present": not missing, "why": missing, "flaws": list(flaws)}, exchanges)


def _build_app(
    http: HttpClient, discovery: Discovery, lent: Instruments, options: ExaminationOptions
) -> tuple[SmartApp | None, Observation | None]:
    """Build the app with the client of the options, else the lent one, else a newly registered one.

    Returns it, if there is a client and somewhere to sign in, and the observation of a registration.
    """
    registration: Observation | None = None
    endpoints = discovery.endpoints(lent)
    client = options.client if options.client and options.client.client_id else None
    redirect = (options.client.redirect_uri if options.client else "") or lent.redirect_uri or REDIRECT
    if client is not None:
        client = replace(client, redirect_uri=redirect)
    elif lent.client_id:
        client = ClientApp(lent.client_id, redirect, lent.client_secret, lent.key)
    elif options.register and endpoints is not None:
        client, registration = _register(http, discovery.registration, redirect)
    if endpoints is None or client is None:
        return None, registration
    client = replace(client, auth_method=options.auth_method)
    scopes = endpoints.scopes(options.scope)
    return SmartApp(http, endpoints, client, discovery.base, scopes, options.driver), registration


def _register(http: HttpClient, endpoint: str, redirect_uri: str) -> tuple[ClientApp | None, Observation]:
    """Register a client (RFC 7591). Return it, or None, and an observation without the client."""
    if not endpoint:
        why = "there is no client_id, and the payer does not support dynamic registration"
        return None, unseen(why, cause="no-client")
    body = {
        "client_name": "payer-sandbox grader",
        "redirect_uris": [redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": "none",
        "scope": SCOPE,
    }
    headers = {"Accept": "application/json"}
    answer = http.send("POST", endpoint, step="register", reach="page", headers=headers, json=body)
    registered = answer.json()
    client, secret = registered.get("client_id"), registered.get("client_secret")
    if answer.status not in (200, 201) or not isinstance(client, str) or not client:
        problem = registered.get("error") or answer.exchange.note or "no client_id"
        why = f"registering a client failed: the endpoint answered {answer.status} ({problem})"
        return None, unseen(why, [answer.exchange], "registration-refused")
    app = ClientApp(client, redirect_uri, secret if isinstance(secret, str) and secret else None)
    return app, seen({"status": answer.status}, [answer.exchange])
