"""Looking into what was generated: members by name, resources by type, and what is inside a resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sandbox.synth.population import Dossier

Resource = dict[str, Any]


def named(members: Iterable[Dossier], username: str) -> Dossier:
    (dossier,) = (d for d in members if d.account and d.account.username == username)
    return dossier


def of_type(dossier: Dossier, kind: str) -> list[Resource]:
    return [r for r in dossier.resources if r["resourceType"] == kind]


def explanations(*dossiers: Dossier) -> list[Resource]:
    return [eob for dossier in dossiers for eob in of_type(dossier, "ExplanationOfBenefit")]


def code(concept: Resource) -> str:
    """The first code of a CodeableConcept."""
    return str(concept["coding"][0]["code"])


def elements(node: Any) -> Iterator[tuple[str, Any]]:
    """The name and the value of every element at any depth; of a list, each value."""
    for name, value in node.items() if isinstance(node, dict) else ():
        for item in value if isinstance(value, list) else [value]:
            yield name, item
            yield from elements(item)
    for item in node if isinstance(node, list) else ():
        yield from elements(item)


def codings(node: Any) -> Iterator[Resource]:
    """Whatever has a system and a code, at any depth."""
    return (v for _, v in elements(node) if isinstance(v, dict) and {"system", "code"} <= v.keys())


def references(node: Any) -> Iterator[str]:
    return (value for name, value in elements(node) if name == "reference" and isinstance(value, str))


def of_every_profile(resources: Iterable[Resource], number: int = 25) -> Iterator[Resource]:
    """At most `number` resources of each profile, evenly spread over those there are."""
    by_profile: dict[str, list[Resource]] = {}
    for resource in resources:
        by_profile.setdefault(resource["meta"]["profile"][0], []).append(resource)
    for alike in by_profile.values():
        step = max(1, len(alike) // number)
        yield from alike[::step][:number]
