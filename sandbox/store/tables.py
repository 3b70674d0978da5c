"""The tables of a library: resources as finished bytes, and index rows by kind of search parameter."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Column, Index, Integer, LargeBinary, MetaData, String, Table

from sandbox.fhir import dates

META = MetaData()

RESOURCE = Table(
    "resource",
    META,
    Column("key", Integer, primary_key=True),
    Column("type", String, nullable=False),
    Column("id", String, nullable=False),
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


TOKEN = _index("token", Column("system", String), Column("code", String))
DATE = _index("date", Column("low", Integer), Column("high", Integer))
REFERENCE = _index("reference", Column("target_type", String), Column("target_id", String))
STRING = _index("string", Column("value", String), Column("written", String))
ACCOUNT = Table("account", META, Column("username", String, primary_key=True), Column("body", LargeBinary))
HOUSEHOLD = Table(
    "household",
    META,
    Column("subscriber", String, primary_key=True),
    Column("dependant", String, primary_key=True),
    Column("related", String, nullable=False),
)

ROWS = {"token": TOKEN, "date": DATE, "reference": REFERENCE, "string": STRING}
