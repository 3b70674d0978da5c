"""Every API declares all of itself: what it publishes is routed, documented, rendered and explained."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.apis.control.openapi import ControlOperation
from sandbox.apis.control.openapi import document as control_document
from sandbox.apis.discovery import published
from sandbox.auth.consent import DATA
from sandbox.core.payer import BASELINE
from sandbox.faults.catalog import load
from sandbox.fhir.capability import ServerDescription
from sandbox.fhir.schema.types import KNOWN, SHARED, TYPES
from sandbox.server.app import routed_app
from sandbox.settings import root
from sandbox.synth.fhir.registry import find_renderer
from sandbox.web.api import Api, Audience, ErrorShape, Operation
from sandbox.web.causes import load_causes
from sandbox.web.rest import openapi

TOP = Path(__file__).parents[2]
APIS = tuple(published())
FHIR = [api for api in APIS if api.errors is ErrorShape.OUTCOME]
DOCS = "\n".join(path.read_text("utf-8") for path in (TOP / "README.md", *(TOP / "docs").glob("*.md")))
SCENARIOS = load(root() / "scenarios").by_id.values()


def published_operations(api: Api) -> Iterator[Operation]:
    return (operation for operation in api.operations if operation.summary)


def test_every_route_is_an_operation_of_an_api() -> None:
    endpoints = {rule.endpoint for rule in routed_app().url_map.iter_rules()} - {"static"}
    assert endpoints == {f"{api.name}.{operation.name}" for api in APIS for operation in api.operations}


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_an_api_says_what_it_is(api: Api) -> None:
    assert re.fullmatch("[a-z_]+", api.name)
    assert re.fullmatch(r"(/[a-z_-]+)*", api.prefix)
    assert api.cites or api.audience is Audience.OPERATOR or api.name == "root"
    assert (TOP / "sandbox" / "apis" / api.name).is_dir() or api.name in ("brand", "education", "root")
    for operation in api.operations:
        assert not operation.summary or re.fullmatch(r"[A-Z].*\.", operation.summary), operation.name


@pytest.mark.parametrize("api", APIS, ids=lambda api: api.name)
def test_an_api_with_published_operations_is_in_the_documentation(api: Api) -> None:
    if any(published_operations(api)):
        base = api.prefix or next(published_operations(api)).path
        assert base in DOCS


@pytest.mark.parametrize("api", FHIR, ids=lambda api: api.name)
def test_every_operation_of_a_fhir_api_is_in_its_openapi_document(api: Api) -> None:
    kinds = api.kinds
    server = ServerDescription("", "", "", "", BASELINE, kinds, kinds, batch=api.batch)
    paths = openapi.document(api, server, "https://h.example/auth")["paths"]
    for operation in published_operations(api):
        path = re.sub(r"<(\w+)>", r"{\1}", operation.path).replace("{kind}", kinds[0]) or "/"
        assert {verb.lower() for verb in operation.verbs} <= paths[path].keys(), path


def test_every_call_of_the_control_api_is_in_its_openapi_document() -> None:
    control = published()["control"]
    calls = [operation for operation in control.operations if isinstance(operation, ControlOperation)]
    paths = control_document(calls, "", "")["paths"]
    assert len(calls) == len(control.operations) == sum(map(len, paths.values()))


@pytest.mark.parametrize("api", FHIR, ids=lambda api: api.name)
def test_every_type_is_made_shared_or_consented_to(api: Api) -> None:
    for kind in api.kinds:
        assert kind in KNOWN
        if kind not in TYPES:
            find_renderer(kind)
        if api.audience is Audience.PUBLIC:
            assert kind in SHARED
        elif kind not in SHARED:
            assert any(kind in kinds for _, kinds in DATA.values()), kind


def test_an_api_beside_a_file_of_causes_names_it() -> None:
    beside = {path.parent.name for path in (TOP / "sandbox" / "apis").glob("*/causes.yaml")}
    assert beside == {api.name for api in APIS if api.causes is not None}
    for file in published().causes():
        assert load_causes([file]).by_id


@pytest.mark.parametrize("name", ["patient_access", "smart"])
def test_scenarios_act_on_the_api(name: str) -> None:
    prefix = published()[name].prefix
    paths = {rule.when.path or "" for scenario in SCENARIOS for rule in scenario.rules}
    assert sum(path.startswith(prefix) for path in paths) > 3
