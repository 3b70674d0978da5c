"""A parameter without a value asks nothing, wherever it may stand (R4 §3.1.1.1)."""

from __future__ import annotations

from typing import Any

import pytest
from support.smart_app import SmartApp

from sandbox.apis.patient_access.api import DOCREF, EVERYTHING
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.clause import chains, modifiers
from sandbox.fhir.search.query import RESULT_PARAMS
from sandbox.web.rest.documentation import HISTORY

EVERYWHERE = ("_format", "_pretty", "_page", "unknown", "unknown:exact")


def names(kind: str) -> list[str]:
    """All parameters of a search, with their modifiers, chains, and modifiers that they do not take."""
    found = [*EVERYWHERE, *RESULT_PARAMS, "_include:x"]
    for param in TYPES[kind].params:
        found += [param.name, f"{param.name}:nonsense"]
        found += [f"{param.name}:{each}" for each in modifiers(param)]
        found += [f"{param.name}.{each}" for each in chains(param)]
    return found


def told(answer: Any) -> Any:
    """What an answer says, but the addresses in it, which repeat the request."""
    body = answer.json()
    if isinstance(body, dict):
        body.pop("link", None)
    return answer.status_code, body


@pytest.mark.parametrize("kind", ["Patient", "ExplanationOfBenefit", "Observation", "Organization"])
def test_an_empty_parameter_of_a_search_changes_nothing(maria: SmartApp, kind: str) -> None:
    plain = told(maria.get(f"{kind}?_count=2", Prefer="handling=strict"))
    assert plain[0] == 200
    for name in names(kind):
        asked = f"{kind}?{name}=&_count=2" if name != "_count" else f"{kind}?_count=2&_count="
        assert told(maria.get(asked, Prefer="handling=strict")) == plain, name


@pytest.mark.parametrize(
    ("path", "parameters"),
    [
        ("Patient/{patient}", ("_elements",)),
        ("Patient/{patient}/_history/1", ("_elements",)),
        ("Patient/{patient}/_history", tuple(HISTORY)),
        ("Patient/{patient}/$everything", tuple(EVERYTHING)),
        ("DocumentReference/$docref?patient={patient}", tuple(n for n in DOCREF if n != "patient")),
        ("metadata", ()),
        ("", ()),
    ],
)
def test_an_empty_parameter_of_any_other_request_changes_nothing(
    maria: SmartApp, path: str, parameters: tuple[str, ...]
) -> None:
    path = path.format(patient=maria.patient)
    plain = told(maria.get(path))
    assert plain[0] == 200
    for name in (*EVERYWHERE, *parameters):
        asked = f"{path}{'&' if '?' in path else '?'}{name}="
        assert told(maria.get(asked, Prefer="handling=strict")) == plain, name


def test_a_required_parameter_without_a_value_is_missing(maria: SmartApp) -> None:
    answer = maria.get("DocumentReference/$docref?patient=")
    assert answer.json()["issue"][0]["expression"] == ["patient"]
