"""The tables of a library: resources as finished bytes, and what the index keeps of them.

Every index row belongs to a resource (`key`) and a parameter. `*_key` answers "does this resource
meet it", `*_value` "which resources do". Text compares by code point on every database.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

from sandbox.fhir import dates

META = MetaData()

WORD = String().with_variant(String(collation="C"), "postgresql")

RESOURCE = Table(
    "resource",
    META,
    Column("key", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("id", WORD, nullable=False),
    Column("patient", String),
    Column("version", String, nullable=False),
    Column("updated", Integer, nullable=False),
    Column("until", Integer, nullable=False, default=dates.FOREVER),
    Column("care_low", Integer),
    Column("care_high", Integer),
    Column("body", LargeBinary, nullable=False),
    Index("resource_id", "type", "id", "version", unique=True),
    Index("resource_patient", "patient", "type", "key"),
)


def _index(name: str, a: Column[Any], b: Column[Any]) -> Table:
    return Table(
        name,
        META,
        Column("key", Integer, nullable=False),
        Column("param", String, nullable=False),
        a,
        b,
        Index(f"{name}_key", "key", "param"),
        Index(f"{name}_value", "param", b.name if name in ("token", "reference") else a.name),
    )


TOKEN = _index("token", Column("system", WORD), Column("code", WORD))
DATE = _index("date", Column("low", Integer), Column("high", Integer))
REFERENCE = _index("reference", Column("target_type", WORD), Column("target_id", WORD))
STRING = _index("string", Column("value", WORD), Column("written", WORD))
ACCOUNT = Table("account", META, Column("username", String, primary_key=True), Column("body", LargeBinary))
HOUSEHOLD = Table(
    "household",
    META,
    Column("subscriber", String, primary_key=True),
    Column("dependant", String, primary_key=True),
    Column("related", String, nullable=False),
)

ROWS = {"token": TOKEN, "date": DATE, "reference": REFERENCE, "string": STRING}
"""Kind of index row → its table: key, param, and the two columns of that kind."""
