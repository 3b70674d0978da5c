"""The result of an attempt to break in, and whether an answer gives a patient's record."""

from __future__ import annotations

from dataclasses import dataclass

from sandbox.score.evidence import Exchange
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer


@dataclass(frozen=True)
class Tried:
    """The result for one rule. `held` is None when it could not be tried. `why` explains that or a breach."""

    rule: str
    held: bool | None
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()


def shows(answer: HttpAnswer, patient: str) -> bool:
    """Return whether an answer gives a record of this patient."""
    if answer.status != 200:
        return False
    body = answer.json()
    resources = bundles.page(answer).resources if body.get("resourceType") == "Bundle" else (body,)
    return any(_is_of(resource, patient) for resource in resources)


def _is_of(resource: dict[str, object], patient: str) -> bool:
    if resource.get("resourceType") == "Patient":
        return resource.get("id") == patient
    # it names a patient, and it is this one
    return bundles.is_about_another(resource, "") and not bundles.is_about_another(resource, patient)
