"""The tables of a library: resources as finished bytes (see `packing`), and what the index keeps of them.

Every index row belongs to a resource (`key`) and a parameter. `*_key` answers "does this resource
meet it", `*_value` "which resources do". Text compares by code point on every database.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, String, Table

from sandbox.fhir import dates

META = MetaData()

WORD = String().with_variant(String(collation="C"), "postgresql")

RESOURCE = Table(
    "resource",
    META,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("type", String, nullable=False),
    Column("id", WORD, nullable=False),
    Column("patient", String),
    Column("version", String, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False, default=dates.FOREVER),
    Column("care_low", BigInteger),
    Column("care_high", BigInteger),
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
DATE = _index("date", Column("low", BigInteger), Column("high", BigInteger))
REFERENCE = _index("reference", Column("target_type", WORD), Column("target_id", WORD))
STRING = _index("string", Column("value", WORD), Column("written", WORD))
ACCOUNT = Table(
    "account",
    META,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("username", String, nullable=False, unique=True),
    Column("body", LargeBinary, nullable=False),
)
HOUSEHOLD = Table(
    "household",
    META,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("subscriber", String, nullable=False),
    Column("dependant", String, nullable=False),
    Column("related", String, nullable=False),
    Index("household_subscriber", "subscriber", "number"),
)
ABOUT = Table(
    "about",  # what must be known to read the rest
    META,
    Column("name", String, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)

DICTIONARY = "dictionary"
"""The row of `about` that holds what bodies are packed with; empty: they are not."""

ROWS = {"token": TOKEN, "date": DATE, "reference": REFERENCE, "string": STRING}
"""Kind of index row → its table: key, param, and the two columns of that kind."""
