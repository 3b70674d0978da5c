"""A Parameters resource as the pairs that a query string would hold (R4 §3.2.0.2, operations)."""

from __future__ import annotations

from typing import Any

from sandbox.core.errors import bad_request
from sandbox.core.limits import PARAMETERS_MAX, too_costly

_PLAIN = frozenset(
    [
        "Date",
        "DateTime",
        "Instant",
        "Code",
        "Id",
        "String",
        "Uri",
        "Url",
        "Canonical",
        "Token",
        "Integer",
        "PositiveInt",
        "UnsignedInt",
    ]
)


def pairs(resource: Any) -> list[tuple[str, str]]:
    """(name, text) of every parameter, in order. Raises BadRequest for what is no Parameters resource,
    and, by its name, for a parameter whose value is of a kind that no operation here takes."""
    if not isinstance(resource, dict) or resource.get("resourceType") != "Parameters":
        bad_request("The body of an operation must be a Parameters resource.", cause="parameters-invalid")
    listed = resource.get("parameter", [])
    if not isinstance(listed, list) or not all(
        isinstance(parameter, dict) and isinstance(parameter.get("name"), str) for parameter in listed
    ):
        text = "Every parameter must be an object with a name."
        bad_request(text, "Parameters.parameter", cause="parameters-invalid")
    if len(listed) > PARAMETERS_MAX:
        raise too_costly(f"A request may have at most {PARAMETERS_MAX} parameters.", "Parameters.parameter")
    return [(parameter["name"], _text(parameter)) for parameter in listed]


def _text(parameter: dict[str, Any]) -> str:
    values = [(name.removeprefix("value"), value) for name, value in parameter.items() if name[:5] == "value"]
    text = _written(*values[0]) if len(values) == 1 else None
    if text is None:
        bad_request("The parameter must have one value of a supported type.", parameter["name"][:64])
    return text


def _written(kind: str, value: Any) -> str | None:
    if kind in _PLAIN and isinstance(value, str | int) and not isinstance(value, bool):
        return str(value)
    if kind == "Boolean" and isinstance(value, bool):
        return "true" if value else "false"
    if kind == "Reference" and isinstance(value, dict) and isinstance(value.get("reference"), str):
        return str(value["reference"])
    return _code(kind, value)


def _code(kind: str, value: Any) -> str | None:
    """`system|code` of a Coding, or of the first of a CodeableConcept."""
    if kind == "CodeableConcept" and isinstance(value, dict) and isinstance(value.get("coding"), list):
        kind, value = "Coding", next(iter(value["coding"]), None)
    if kind != "Coding" or not isinstance(value, dict) or not isinstance(value.get("code"), str):
        return None
    system = value.get("system")
    return f"{system}|{value['code']}" if isinstance(system, str) and system else str(value["code"])
