"""The REST surface as OpenAPI 3.1, from the same tables as the CapabilityStatement and the documentation.

Resources are objects with a resourceType: their profiles say the rest, and are named.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sandbox.auth.discovery import scopes
from sandbox.core.payer import PayerProfile
from sandbox.fhir.capability import ServerDescription
from sandbox.fhir.schema.paths import KNOWN, OTHERS, Param, Type
from sandbox.web.api import Api, Operation
from sandbox.web.rest.documentation import ERRORS, HISTORY, RESULTS, VALUES

Json = dict[str, Any]

FHIR_JSON = "application/fhir+json"
ID = r"^[A-Za-z0-9\-.]{1,64}$"

_FORMAT = ("_format", "_pretty")
_KINDS: dict[str, Json] = {
    "whole number": {"type": "integer", "minimum": 0, "maximum": 999_999_999},
    "true or false": {"type": "string", "enum": ["true", "false"]},
    "json": {"type": "string", "enum": ["json", FHIR_JSON]},
    "none, estimate or accurate": {"type": "string", "enum": ["none", "estimate", "accurate"]},
    "count or false": {"type": "string", "enum": ["count", "false"]},
}
"""How the documentation calls a value → its schema; anything else is text."""

_SCHEMAS: Json = {
    "Resource": {
        "type": "object",
        "required": ["resourceType"],
        "properties": {"resourceType": {"type": "string"}, "id": {"type": "string", "pattern": ID}},
    },
    **{
        name: {
            "type": "object",
            "required": ["resourceType"],
            "properties": {"resourceType": {"const": name}, **more},
        }
        for name, more in (
            ("Bundle", {"type": {"type": "string"}, "entry": {"type": "array", "items": {"type": "object"}}}),
            ("OperationOutcome", {"issue": {"type": "array", "minItems": 1, "items": {"type": "object"}}}),
            ("Parameters", {"parameter": {"type": "array", "items": {"type": "object"}}}),
            ("CapabilityStatement", {}),
        )
    },
}


def document(api: Api, server: ServerDescription, auth: str) -> Json:
    """The OpenAPI document of an API, whose server is described as in its CapabilityStatement; `auth` is the
    issuer (empty: a public API)."""
    payer, operations = server.payer, api.offered_operations(server.payer)
    kinds = [row for name, row in KNOWN.items() if name in server.kinds]
    paths = {
        "/metadata": {"get": _open("metadata", "CapabilityStatement", FHIR_JSON, _some(RESULTS, _FORMAT))}
    }
    if auth:
        paths["/.well-known/smart-configuration"] = {"get": _open("smart", None, "application/json", [])}
    if server.batch:
        paths["/"] = {"post": _batch()}
    others = [name for name in server.kinds if name in OTHERS]
    security = {"securitySchemes": {"smart": _security(auth, payer, others)}} if auth else {}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": f"{payer.name}: {api.title}",
            "version": server.version,
            "description": f"FHIR R4 (4.0.1). {'; '.join(api.cites)}. Read only.",
        },
        "servers": [{"url": server.base}],
        "security": [{"smart": []}] if auth else [],
        "tags": [
            {"name": kind.name, "description": ", ".join(server.profiles.get(kind.name) or kind.profiles)}
            for kind in kinds
        ],
        "paths": paths | {path: item for kind in kinds for path, item in _paths(kind, operations).items()},
        "components": {
            "schemas": _SCHEMAS,
            **security,
            "responses": {f"E{status}": _failure(text) for status, text in _told()},
        },
    }


def _told() -> list[tuple[str, str]]:
    return [(status, f"{text} ({codes})") for status, codes, text in ERRORS]


def _paths(kind: Type, operations: Sequence[Operation]) -> dict[str, Json]:
    """The addresses of a type: its reads, its searches, its operations."""
    name = kind.name
    id_parameter = [_in_path("id", "id of the resource")]
    reading = [
        *_some(RESULTS, (*_FORMAT, "_elements")),
        _header("If-None-Match"),
        _header("If-Modified-Since"),
    ]
    search_parameters = [_param(p) for p in kind.params if p.searchable] + _some(RESULTS, RESULTS)
    strict = [_header("Prefer")]
    paths = {
        f"/{name}": {"get": _operation(f"search{name}", name, "Bundle", search_parameters + strict)},
        f"/{name}/_search": {"post": _form(f"searchByPost{name}", name, search_parameters)},
        f"/{name}/{{id}}": {"get": _operation(f"read{name}", name, "Resource", id_parameter + reading)},
        f"/{name}/{{id}}/_history": {
            "get": _operation(f"history{name}", name, "Bundle", id_parameter + _some(HISTORY, HISTORY))
        },
        f"/{name}/{{id}}/_history/{{version}}": {
            "get": _operation(
                f"vread{name}",
                name,
                "Resource",
                [*id_parameter, _in_path("version", "meta.versionId"), *reading],
            )
        },
    }
    for operation in operations:
        if operation.resource == name:
            path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
            in_path = id_parameter if "{id}" in path else []
            listed = _some(operation.parameters, operation.parameters)
            paths[path] = _both(operation.name, name, in_path, listed)
    return paths


def _operation(id: str, tag: str, shown: str, parameters: list[Json]) -> Json:
    return {
        "operationId": id,
        "tags": [tag],
        "parameters": parameters,
        "responses": _responses(shown, FHIR_JSON),
    }


def _both(id: str, tag: str, path: list[Json], query: list[Json]) -> Json:
    """An operation by GET, and by POST with the same parameters in the body."""
    body = {"content": {FHIR_JSON: {"schema": _ref("Parameters")}}, "required": False}
    return {
        "get": _operation(id, tag, "Bundle", path + query),
        "post": _operation(f"{id}ByPost", tag, "Bundle", path) | {"requestBody": body},
    }


def _form(id: str, tag: str, parameters: list[Json]) -> Json:
    fields = {parameter["name"]: parameter["schema"] for parameter in parameters}
    schema = {"type": "object", "properties": fields}
    body = {"content": {"application/x-www-form-urlencoded": {"schema": schema}}}
    return _operation(id, tag, "Bundle", [_header("Prefer")]) | {"requestBody": body}


def _batch() -> Json:
    body = {"content": {FHIR_JSON: {"schema": _ref("Bundle")}}, "required": True}
    return {
        "operationId": "batch",
        "summary": "Reads and searches by GET, each answered as if it had come alone",
        "requestBody": body,
        "responses": _responses("Bundle", FHIR_JSON),
    }


def _open(id: str, shown: str | None, media: str, parameters: list[Json]) -> Json:
    """What needs no token."""
    return {
        "operationId": id,
        "security": [],
        "parameters": parameters,
        "responses": _responses(shown, media),
    }


def _responses(shown: str | None, media: str) -> Json:
    schema = _ref(shown) if shown else {"type": "object"}
    success = {"description": shown or "JSON", "content": {media: {"schema": schema}}}
    failures = {status: {"$ref": f"#/components/responses/E{status}"} for status, _ in _told()}
    return {"200": success, **failures}


def _failure(text: str) -> Json:
    return {"description": text, "content": {FHIR_JSON: {"schema": _ref("OperationOutcome")}}}


def _ref(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def _param(param: Param) -> Json:
    written, note = VALUES[param.kind]
    description = f"{', '.join(param.paths)}: {written}; {note}"
    return {"name": param.name, "in": "query", "description": description, "schema": {"type": "string"}}


def _some(words: Mapping[str, tuple[str, str]], names: Collection[str]) -> list[Json]:
    return [
        {
            "name": name,
            "in": "query",
            "required": words[name][0].endswith("(required)"),
            "description": f"{words[name][0]}: {words[name][1]}",
            "schema": _KINDS.get(words[name][0], {"type": "string"}),
        }
        for name in names
    ]


def _header(name: str) -> Json:
    return {"name": name, "in": "header", "schema": {"type": "string"}}


def _in_path(name: str, description: str) -> Json:
    schema = {"type": "string", "pattern": ID}
    return {"name": name, "in": "path", "required": True, "description": description, "schema": schema}


def _security(auth: str, payer: PayerProfile, others: Sequence[str]) -> Json:
    named = {scope: "" for scope in scopes(payer, others) if not scope.startswith("system/")}
    code = {"authorizationUrl": f"{auth}/authorize", "tokenUrl": f"{auth}/token", "scopes": named}
    return {"type": "oauth2", "flows": {"authorizationCode": code}}
