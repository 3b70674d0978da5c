"""`_elements`: a resource with some of its elements only, and a tag that says so (R4 §3.1.1.5.9)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import Any

from sandbox.core.files import json_bytes, json_exact
from sandbox.fhir.schema.types import KNOWN

TAG = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
    "code": "SUBSETTED",
    "display": "subsetted",
}

_ALWAYS = ("resourceType", "id", "meta")
_CHOICE = re.compile(
    r"(?:Age|Boolean|CodeableConcept|Date|DateTime|Instant|Integer|Period|Quantity|Range|Ratio|Reference"
    r"|SampledData|String|Time|Timing)"
)


def subset(body: bytes, elements: Iterable[str]) -> bytes:
    """The resource with the elements asked for (`onset` finds onsetDateTime), those that R4 requires,
    id and meta. It claims no profile, since what its profiles require may be left out. Every decimal
    keeps its digits."""
    resource: dict[str, Any] = json_exact(body)
    wanted = {*_ALWAYS, *KNOWN[resource["resourceType"]].required, *elements}
    part = {name: value for name, value in resource.items() if _kept(name.removeprefix("_"), wanted)}
    meta = dict(part.get("meta", {}))
    meta.pop("profile", None)
    meta["tag"] = [*meta.get("tag", ()), TAG]
    part["meta"] = meta
    return json_bytes(part)


def _kept(name: str, wanted: Collection[str]) -> bool:
    return name in wanted or any(
        name.startswith(stem) and _CHOICE.fullmatch(name[len(stem) :]) is not None for stem in wanted
    )
