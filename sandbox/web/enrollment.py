"""Registration of an app at the payer of the request, whichever page or endpoint it came through."""

from __future__ import annotations

from sandbox.auth.clients import registration
from sandbox.auth.clients.client import Client
from sandbox.auth.clients.registration import Metadata, RegistrationRules
from sandbox.core.errors import NotFound
from sandbox.store.secret import new_secret
from sandbox.web import quota
from sandbox.web.request import current


def registration_rules() -> RegistrationRules:
    """What registration depends on, at the payer in hand."""
    context = current()

    def scenario_problem(name: str) -> str | None:
        try:
            context.wiring.catalog.parse(name)
        except NotFound as problem:
            return problem.text
        return None

    return RegistrationRules(context.payer, context.types(), context.wiring.remote.loopback, scenario_problem)


def is_managed_app(below: str, folder: str) -> bool:
    """Whether a path below an API's base is that of one registered app: "/<folder>/<client id>"."""
    first, _, app = below.strip("/").partition("/")
    return first == folder and bool(app)


def enroll(metadata: Metadata) -> tuple[Client, str | None, str]:
    """A new client, its secret (None: it has none) and its management token, each shown only now.

    Raises OAuthRefusal, TooManyRequests.
    """
    context = current()
    client = registration.client_of(metadata, registration_rules(), context.now())
    quota.take("registration")
    secret = new_secret() if registration.needs_secret(client) else None
    manage = new_secret()
    context.clients.add(client, secret, manage)
    context.notes["client"] = client.client_id
    return client, secret, manage
