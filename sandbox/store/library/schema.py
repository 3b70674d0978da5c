"""The tables of a library: resources as finished bytes (see `packing`), and what the index keeps of them.

What a resource can be found by are its *traits*: short texts (a code, an identifier, what it refers
to), each under a label (the parameter, with the code system or the type that is referred to). Most
resources share most of them with many others, so a set of traits is kept once and the resource names
it (`tokens`, `refers`, `dates`: numbers below 0; 0 is the empty set). What is a resource's alone stands
under its own key. A set may be there twice, under two numbers: no question can tell.

Searches ask the views, which know nothing of sets: a row is a resource (`key`), a parameter and a
value. Text compares by code point on every database.

Not in the index, since the resource's row tells: `_id`, `_lastUpdated`, and `patient` where that is the
patient of the compartment.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Column, Dialect, Index, Integer, LargeBinary, MetaData, String, Table
from sqlalchemy.types import TypeDecorator

from sandbox.fhir import dates
from sandbox.fhir.schema.types import KNOWN

META = MetaData()

WORD = String().with_variant(String(collation="C"), "postgresql")

NAMES = ("", *sorted(KNOWN))
"""Types by their number; 0 is one that is not held here. A library knows the code that made it by its
name (`build.place`), so a number means the same to both."""

NUMBERS = {name: number for number, name in enumerate(NAMES)}


class TypeName(TypeDecorator[str]):
    """The name of a resource type, kept as its number."""

    impl = Integer
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> int | None:
        return None if value is None else NUMBERS.get(value, 0)

    def process_result_value(self, value: int | None, dialect: Dialect) -> str | None:
        return None if value is None else NAMES[value]


RESOURCE = Table(
    "resource",
    META,
    Column("key", Integer, primary_key=True, autoincrement=False),
    Column("type", TypeName, nullable=False),
    Column("id", WORD, nullable=False),
    Column("patient", String),
    Column("version", String, nullable=False),
    Column("updated", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False, default=dates.FOREVER),
    Column("precision", BigInteger),  # milliseconds that `updated` stands for; null: it was not given
    Column("tokens", Integer, nullable=False),
    Column("refers", Integer, nullable=False),
    Column("dates", Integer, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Index("resource_id", "type", "id", "version", unique=True),
    Index("resource_patient", "patient", "type", "key"),
    Index("resource_tokens", "tokens"),
    Index("resource_refers", "refers"),
)

LABEL = Table(
    "label",
    META,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("param", String, nullable=False),
    Column("qualifier", WORD, nullable=False),
    Column("type", TypeName, nullable=False),
    Index("label_param", "param", "qualifier", unique=True),
)
TRAIT = Table(
    "trait",
    META,
    Column("holder", Integer, primary_key=True, autoincrement=False),
    Column("label", Integer, primary_key=True, autoincrement=False),
    Column("text", WORD, primary_key=True),
    Index("trait_text", "text", "label"),
    sqlite_with_rowid=False,
)
PERIOD = Table(
    "period",
    META,
    Column("holder", Integer, primary_key=True, autoincrement=False),
    Column("label", Integer, primary_key=True, autoincrement=False),
    Column("low", BigInteger, primary_key=True, autoincrement=False),
    Column("high", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)
STRING = Table(
    "string",
    META,
    Column("key", Integer, nullable=False),
    Column("param", String, nullable=False),
    Column("value", WORD),
    Column("written", WORD),
    Index("string_key", "key", "param"),
    Index("string_value", "param", "value"),
)
ACCOUNT = Table(
    "account",
    META,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("username", String, nullable=False),
    Column("patient", String),  # null: somebody else signs in for them
    Column("body", LargeBinary, nullable=False),
    Index("account_username", "username", unique=True),
    Index("account_patient", "patient"),
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

PROFILES = "profiles"
"""The row that holds which types claim which profiles: pairs, as JSON. Older libraries have none."""

OTHER_TYPES = "other types"
"""The row that holds the types beyond the guides' that there are resources of, as JSON; none: no row."""

LOADED = "loaded"
"""The row that holds what a load of other people's data made of it, as JSON. Others have none."""

VIEWS = MetaData()


def _view(name: str, *columns: Column[Any]) -> Table:
    """A row for each resource, parameter and value. `VIEWED` says what of."""
    return Table(name, VIEWS, Column("key", Integer), Column("param", String), *columns)


TOKEN = _view("token", Column("system", WORD), Column("code", WORD))
DATE = _view("date", Column("low", BigInteger), Column("high", BigInteger))
REFERENCE = _view(
    "reference", Column("target_type", TypeName), Column("target_id", WORD), Column("literal", WORD)
)

_TRAITS = (
    "FROM resource r JOIN trait t ON t.holder = r.key OR t.holder = r.{0} JOIN label l ON l.number = t.label"
)

VIEWED = {
    "token": "SELECT r.key, l.param, l.qualifier AS system, t.text AS code " + _TRAITS.format("tokens"),
    "reference": "SELECT r.key, l.param, l.type AS target_type, t.text AS target_id,"
    " l.qualifier || '/' || t.text AS literal " + _TRAITS.format("refers"),
    "date": "SELECT r.key, l.param, p.low, p.high FROM resource r JOIN period p ON p.holder = r.dates"
    " JOIN label l ON l.number = p.label",
}

ROWS = {"token": TOKEN, "date": DATE, "reference": REFERENCE, "string": STRING}
"""Kind of parameter → where a search looks for its values: key, param, and the columns of that kind."""
