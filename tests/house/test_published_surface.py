"""The published surface: commands, options, environment variables, both OpenAPI documents, and routes.

Each is compared with a file in `published/`, so that a change is always seen. Texts may change freely: help,
titles, descriptions and examples are left out. To accept a change, write the files again:

    .venv/bin/python tests/house/test_published_surface.py

The files were first written from commit 54538a9, before the code was laid out in one folder per API.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from flask import Flask

from sandbox.cli.main import cli
from sandbox.population.build_library import prepared
from sandbox.server.app import create_app
from sandbox.settings import OTHER_VARIABLES, SETTINGS, Settings

PUBLISHED = Path(__file__).with_name("published")
TEXTS = frozenset({"description", "summary", "title", "example", "examples", "version"})
"""Keys of an OpenAPI document whose values are words for people."""


def read_command_line() -> dict[str, Any]:
    """Every command with its parameters, and every environment variable."""
    names = {name.upper() for name in SETTINGS} | OTHER_VARIABLES
    return {
        "commands": dict(_commands(cli, "payer-sandbox")),
        "environment": sorted(f"PAYER_SANDBOX_{name}" for name in names),
    }


def _commands(command: click.Command, path: str) -> Iterator[tuple[str, Any]]:
    yield path, {" ".join(parameter.opts): _describe(parameter) for parameter in command.params}
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            yield from _commands(command.commands[name], f"{path} {name}")


def _describe(parameter: click.Parameter) -> dict[str, Any]:
    kind = parameter.type
    bounds = [getattr(kind, "min", None), getattr(kind, "max", None)]
    features = {
        "type": kind.name,
        "choices": [str(choice) for choice in getattr(kind, "choices", ())],
        "range": [] if bounds == [None, None] else bounds,
        "metavar": parameter.make_metavar(click.Context(click.Command("any"))),
        "default": _plain(parameter.default),
        "required": parameter.required,
        "repeats": parameter.multiple if isinstance(parameter, click.Option) else parameter.nargs == -1,
        "flag": getattr(parameter, "is_flag", False),
        "environment": parameter.envvar,
        "argument": isinstance(parameter, click.Argument),
    }
    return {name: value for name, value in features.items() if value not in (None, False, [])}


def _plain(default: Any) -> Any:
    if default is None or isinstance(default, (bool, int, float, str)):
        return default
    return str(default) if isinstance(default, Path) else None


@cache
def _app() -> Flask:
    """The payer as a Flask app, with a small population of a fixed day."""
    folder = Path(tempfile.mkdtemp())
    settings = Settings(members=20, cache=folder)
    library = prepared(settings, date(2025, 11, 1), lambda count: None)
    return create_app(Settings(members=20, library=str(library), ledger=str(folder / "ledger.db")))


def read_control_api() -> dict[str, Any]:
    return _describe_document("/_sandbox/openapi.json")


def read_fhir_api() -> dict[str, Any]:
    return _describe_document("/developer/openapi.json")


def _describe_document(address: str) -> dict[str, Any]:
    """An OpenAPI document without its texts; each operation is a few lines."""
    document = _without_texts(_app().test_client().get(address).json)
    operations = {
        f"{method.upper()} {path}": _describe_operation(operation)
        for path, item in document.pop("paths").items()
        for method, operation in item.items()
    }
    return {**document, "operations": operations}


def _without_texts(part: Any) -> Any:
    if isinstance(part, dict):
        return {
            key: _without_texts(value)
            for key, value in part.items()
            if not (key in TEXTS and isinstance(value, (str, list)))
        }
    return [_without_texts(item) for item in part] if isinstance(part, list) else part


def _describe_operation(operation: dict[str, Any]) -> dict[str, Any]:
    """The same with a short text for each parameter, field of a form, and response."""
    short: dict[str, Any] = {
        **operation,
        "parameters": [_shorten(parameter) for parameter in operation.get("parameters", [])],
        "responses": " ".join(
            f"{code}:{_shorten(response)}" for code, response in operation["responses"].items()
        ),
    }
    for content in operation.get("requestBody", {}).get("content", {}).values():
        fields_of_form = content["schema"].get("properties", {})
        content["schema"] = _shorten(content["schema"] | {"properties": sorted(fields_of_form)})
        content["fields"] = [
            _shorten({"name": name, "schema": fields_of_form[name]}) for name in fields_of_form
        ]
    return short


def _shorten(part: dict[str, Any]) -> str:
    """A schema, parameter or response as one line, with the ends of references."""
    text = json.dumps(part, sort_keys=True)
    text = re.sub(r'\{"\$ref": "#/components/\w+/(\w+)"\}', r"\1", text)
    return re.sub(r'["{}]', "", text)


def read_routes() -> list[str]:
    rules = _app().url_map.iter_rules()
    return sorted(f"{rule.rule} {' '.join(sorted(rule.methods - {'HEAD', 'OPTIONS'}))}" for rule in rules)


SURFACES: dict[str, Callable[[], Any]] = {
    "cli": read_command_line,
    "openapi_control": read_control_api,
    "openapi_fhir": read_fhir_api,
    "routes": read_routes,
}


@pytest.mark.parametrize("name", SURFACES)
def test_what_is_published_is_what_is_kept(name: str) -> None:
    kept = yaml.safe_load((PUBLISHED / f"{name}.yaml").read_text())
    assert SURFACES[name]() == kept


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else PUBLISHED
    for name, read in SURFACES.items():
        text = yaml.safe_dump(read(), sort_keys=True, width=110, default_flow_style=None)
        (folder / f"{name}.yaml").write_text(text)
