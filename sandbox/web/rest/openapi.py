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
from sandbox.fhir.schema.model import Param, Type
from sandbox.fhir.schema.types import KNOWN, OTHERS
from sandbox.web.api import Api, Operation
from sandbox.web.rest.documentation import ERRORS, HISTORY, RESULTS, VALUES

Json = dict[str, Any]

FHIR_JSON, FORM = "application/fhir+json", "application/x-www-form-urlencoded"
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
    paths = {"/metadata": {"get": _open("metadata", "CapabilityStatement", _some(RESULTS, _FORMAT))}}
    if auth:
        paths["/.well-known/smart-configuration"] = {"get": _open("smart", None, [], "application/json")}
    if server.batch:
        text = "Reads and searches by GET, each answered like a separate request"
        batch = _operation("batch", "Bundle", summary=text) | _body(FHIR_JSON, _ref("Bundle"), required=True)
        paths["/"] = {"post": batch}
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
            "responses": {
                f"E{status}": _content(f"{text} ({codes})", FHIR_JSON, _ref("OperationOutcome"))
                for status, codes, text in ERRORS
            },
        },
    }


def _paths(kind: Type, operations: Sequence[Operation]) -> dict[str, Json]:
    """The addresses of a type: its reads, its searches, its operations."""
    name = kind.name

    def of_type(id: str, shown: str, parameters: list[Json]) -> Json:
        return _operation(id, shown, tags=[name], parameters=parameters)

    id_parameter, prefer = _in_path("id", "id of the resource"), _header("Prefer")
    reading = [
        *_some(RESULTS, (*_FORMAT, "_elements")),
        _header("If-None-Match"),
        _header("If-Modified-Since"),
    ]
    search_parameters = [_param(p) for p in kind.params if p.searchable] + _some(RESULTS, RESULTS)
    form = {"type": "object", "properties": {p["name"]: p["schema"] for p in search_parameters}}
    by_post = of_type(f"searchByPost{name}", "Bundle", [prefer]) | _body(FORM, form)
    versions = [id_parameter, *_some(HISTORY, HISTORY)]
    version = [id_parameter, _in_path("version", "meta.versionId"), *reading]
    paths = {
        f"/{name}": {"get": of_type(f"search{name}", "Bundle", [*search_parameters, prefer])},
        f"/{name}/_search": {"post": by_post},
        f"/{name}/{{id}}": {"get": of_type(f"read{name}", "Resource", [id_parameter, *reading])},
        f"/{name}/{{id}}/_history": {"get": of_type(f"history{name}", "Bundle", versions)},
        f"/{name}/{{id}}/_history/{{version}}": {"get": of_type(f"vread{name}", "Resource", version)},
    }
    for operation in operations:
        if operation.resource == name:
            path = re.sub(r"<(\w+)>", r"{\1}", operation.path)
            in_path = [id_parameter] if "{id}" in path else []
            listed = _some(operation.parameters, operation.parameters)
            body = _body(FHIR_JSON, _ref("Parameters"), required=False)
            paths[path] = {
                "get": of_type(operation.name, "Bundle", in_path + listed),
                "post": of_type(f"{operation.name}ByPost", "Bundle", in_path) | body,
            }
    return paths


def _operation(id: str, shown: str | None, media: str = FHIR_JSON, **more: Any) -> Json:
    """An operation that answers with a resource (None: another object), or fails as any may."""
    success = _content(shown or "JSON", media, _ref(shown) if shown else {"type": "object"})
    failures = {status: {"$ref": f"#/components/responses/E{status}"} for status, _, _ in ERRORS}
    return {"operationId": id, **more, "responses": {"200": success, **failures}}


def _open(id: str, shown: str | None, parameters: list[Json], media: str = FHIR_JSON) -> Json:
    """What needs no token."""
    return _operation(id, shown, media, security=[], parameters=parameters)


def _content(description: str, media: str, schema: Json) -> Json:
    return {"description": description, "content": {media: {"schema": schema}}}


def _body(media: str, schema: Json, **more: bool) -> Json:
    return {"requestBody": {"content": {media: {"schema": schema}}, **more}}


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
