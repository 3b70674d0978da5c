"""The published reference of the facts document: its JSON Schema and the tables in docs/facts.md."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from sandbox.core import files
from sandbox.score.instruments.facts import Claims, Instruments, Member, PayerFacts

_PARTS: dict[str, type[BaseModel]] = {
    "claims": Claims,
    "instruments": Instruments,
    "instruments.members": Member,
}
_TYPES = {
    "str": "text",
    "bool": "true or false",
    "int": "number",
    "None": "null",
    "list[str]": "list of text",
}


def build_schema() -> bytes:
    """The JSON Schema of a facts document, as in docs/facts.schema.json."""
    return files.json_schema(PayerFacts.model_json_schema())


def build_tables() -> str:
    """The keys as Markdown tables, as in docs/facts.md."""
    parts = []
    for title, model in _PARTS.items():
        parts.append(
            f"## `{title}`\n\n{(model.__doc__ or '').strip()}\n\n| key | type | what |\n|---|---|---|\n"
        )
        for name, field in model.model_fields.items():
            needed = ", required" if field.is_required() else ""
            parts.append(f"| `{name}` | {_name_type(field.annotation)}{needed} | {field.description} |\n")
        parts.append("\n")
    return "".join(parts)


def _name_type(annotation: Any) -> str:
    """`text or null`, `list of objects`."""
    is_plain = isinstance(annotation, type) and "[" not in str(annotation)
    text = annotation.__name__ if is_plain else str(annotation)
    return " or ".join(_TYPES.get(name.strip(), "list of objects") for name in text.split("|"))
