"""The OpenAPI 3.1 document of the control API, made of its operations and their models."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from sandbox.apis.control.models import ClockMove, Problem
from sandbox.web.api import Operation


@dataclass(frozen=True)
class ControlOperation(Operation):
    """A call of the control API: `answer` and `body` are its models, `query` describes its parameters."""

    answer: type[BaseModel] | None = None
    body: type[BaseModel] | None = None
    query: Mapping[str, str] | None = None


_IN_PATH = re.compile(r"<(\w+)>")
_REF = "#/components/schemas/{model}"


def document(operations: Iterable[ControlOperation], base: str, version: str) -> dict[str, Any]:
    """Return the OpenAPI document of these operations at `base` (no slash at the end)."""
    operations = tuple(operations)
    models = [m for o in operations for m in (o.answer, o.body) if m is not None] + [Problem]
    _, schemas = models_json_schema(
        [(model, "validation") for model in dict.fromkeys(models)], ref_template=_REF
    )
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        path = _IN_PATH.sub(r"{\1}", operation.path)
        paths.setdefault(path, {})[operation.methods.lower()] = _described(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "payer-sandbox control API",
            "version": version,
            "description": "For those who run the sandbox, not for apps. Every payer prefix has one.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base}],
        "security": [{}, {"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas["$defs"],
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-Sandbox-Key"}},
        },
    }


def _described(operation: ControlOperation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "responses": {
            "200": {
                "description": "success",
                "content": {"application/json": {"schema": _schema(operation.answer)}},
            },
            "400": {"description": "the request is not valid", "content": _problem()},
            "403": {
                "description": "the call is not from this machine, or lacks the key",
                "content": _problem(),
            },
        },
    }
    if named := _IN_PATH.findall(operation.path):
        described["parameters"] = [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in named
        ]
        described["responses"]["404"] = {"description": "not found", "content": _problem()}
    if operation.query:
        described["parameters"] = [
            {
                "name": name,
                "in": "query",
                "description": says,
                "required": "(required)" in says,
                "schema": {"type": "string"},
            }
            for name, says in operation.query.items()
        ]
    if operation.body:
        content = {"application/json": {"schema": _schema(operation.body)}}
        described["requestBody"] = {"required": operation.body is ClockMove, "content": content}
    return described


def _schema(model: type[BaseModel] | None) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)} if model else {"type": "object"}


def _problem() -> dict[str, Any]:
    return {"application/json": {"schema": _schema(Problem)}}
