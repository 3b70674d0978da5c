"""One lock that was tried, and what an answer gives away."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sandbox.score.evidence import Exchange
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import HttpClient


@dataclass(frozen=True)
class Tried:
    """How one lock stood up. `held` is None when it could not be tried; `why` says so, or what gave way."""

    rule: str
    held: bool | None
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()

    def noted(self, http: HttpClient) -> Tried:
        """The same, with a finding on the card when the lock gave way."""
        if self.held is False:
            last = self.exchanges[-1] if self.exchanges else None
            http.watch.note(self.rule, self.why, "probe", last.request_id if last else "")
        return self


def shows(answer: HttpAnswer, patient: str) -> bool:
    """Whether an answer gives a record of this patient."""
    if answer.status != 200:
        return False
    found = answer.json()
    resources = bundles.page(answer).resources if found.get("resourceType") == "Bundle" else (found,)
    return any(_is_of(resource, patient) for resource in resources)


def _is_of(resource: dict[str, object], patient: str) -> bool:
    if resource.get("resourceType") == "Patient":
        return resource.get("id") == patient
    # about somebody, and that is this patient
    return bundles.is_about_another(resource, "") and not bundles.is_about_another(resource, patient)


def all_exchanges(tries: Iterable[tuple[HttpAnswer, ...]]) -> tuple[Exchange, ...]:
    return tuple(answer.exchange for each in tries for answer in each)
