"""Under which scenarios a request is answered, and under which the thing that it presents was granted.

Path prefix, then header, then the pin of the grant, then the server's default choose the selection. A code,
a token, a sign-in under way or a registration that was made under another one keeps its terms: the header
acts on it, but it loosens nothing (`core.payer.with_terms`, `faults.gates.LayeredGates`).
"""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.faults.selection import Selection
from sandbox.store.ledger.database import TenantLedger
from sandbox.store.ledger.repositories.pins import Origin
from sandbox.web.api import Lookups, Surface
from sandbox.web.request import Wiring


@dataclass(frozen=True)
class InForce:
    """The `selection` of a request; `granted` is the one under which what it presents was granted, where
    that is another one."""

    selection: Selection
    granted: Selection | None = None


def in_force(wired: Wiring, ledger: TenantLedger, path: str, header: str | None, surface: Surface) -> InForce:
    """What is in force for the request in hand. From here on, what is granted through `ledger` remembers
    it. Raises NotFound for a scenario that there is no more."""

    def choose(header: str | None, pin: str = "") -> Selection:
        return wired.catalog.choose(path, header, wired.default_scenario, pin)

    selection = choose(header)
    if path and wired.catalog.parse(path).scenarios:
        return InForce(selection)  # a tenant of its own: what is presented here was granted here
    lookups = surface.api.lookups if surface.api is not None else Lookups()
    origin = lookups.origin(wired, ledger)
    if origin is None and header:  # nothing is presented: this begins under the header
        ledger.terms = selection.written
        return InForce(selection)
    if origin is None:  # what its app has registered later is not looked at for what was granted before
        origin = Origin(lookups.registered(wired, ledger))
    ledger.pin, ledger.terms = origin
    own = choose(None, origin.pin or origin.terms)
    if not header and not origin.terms:
        return InForce(own)
    return InForce(selection, own if own.name != selection.name else None)
