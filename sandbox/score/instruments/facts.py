"""The facts document: a payer's claims about itself, and the instruments it lends a grader.

It is strangers' text (served at `<fhir base>/.well-known/payer-facts`, or written by hand for an endpoint
that has none). What is wrong in it is named, field by field, and the rest is used.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PrivateAttr, ValidationError

from sandbox.core import files
from sandbox.core.errors import FileProblem
from sandbox.score.fhir import lenient_json
from sandbox.score.http.answers import word
from sandbox.score.http.guard import origin

PATH = "/.well-known/payer-facts"
MOST_PROBLEMS = 50
MOST_DAYS = 10**12
"""Some payers write a row of nines for "without an end"."""

STATUSES = (
    *("live", "user-validated", "inferred-validated", "broken"),
    *("implementing", "unavailable-but-planned", "applied", "ready-to-configure", "not-available"),
)
"""What a payer may say of its API: the report's words. The first four count as live, four as implementing."""

LINES = ("medicare-advantage", "medicaid", "chip", "qhp", "commercial")
"""Lines of business that have a usual name; others are used, and named as unknown."""

ROLES = r"^(eligible|ineligible|not-opted-in|lapsed-\d{1,5}|dependant|representative)$"


def _status(value: Any) -> Any:
    """Normalize spellings of a status: `Not Available`, `not_available`."""
    text = value.strip().lower().replace("_", "-").replace(" ", "-") if isinstance(value, str) else value
    if isinstance(text, str) and text not in STATUSES:
        raise ValueError(f"{value[:40]!r} is not known: {', '.join(STATUSES)}")
    return text


def _day(value: Any) -> Any:
    if isinstance(value, str):
        try:
            date.fromisoformat(value)
        except ValueError:
            raise ValueError(f"{value[:20]!r} is not a date such as 2025-12-31") from None
    return value


def _days(value: Any) -> Any:
    """Convert a number of days; JSON does not distinguish 365.0 from 365."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and abs(value) > MOST_DAYS:
        raise ValueError("is not a plausible number of days")
    return value


class _FactsModel(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Member(_FactsModel):
    """A test account."""

    username: str = Field(description="The user name for the sign-in page")
    password: str = Field(description="The member's password")
    role: str = Field(
        "eligible",
        pattern=ROLES,
        description="`eligible`, `ineligible` (coverage has not started), `not-opted-in` (has never opened"
        " the portal), `lapsed-<days>` (coverage ended that many days ago); `dependant` and `representative`"
        " can sign in but are not graded",
    )
    line: str | None = Field(None, description="The member's line of business, as in `offered_lines`")
    coverage_end: Annotated[str | None, BeforeValidator(_day)] = Field(
        None, description="The day on which the member's coverage ended (`2025-12-31`); null if it has not"
    )


class Claims(_FactsModel):
    """What the payer says about its API. Leave out a claim that it does not make; do not use null."""

    status: Annotated[str | None, BeforeValidator(_status)] = Field(
        None, description="Whether the API is live", json_schema_extra={"enum": [*STATUSES, None]}
    )
    sandbox: bool | None = Field(None, description="Whether there is a test environment for developers")
    offered_lines: list[str] | None = Field(None, description="Lines of business that the payer offers")
    mandated_lines: list[str] | None = Field(None, description="Those for which a rule requires the API")
    supported_lines: list[str] | None = Field(None, description="Those whose members can connect")
    refresh_max_days: Annotated[int | None, BeforeValidator(_days)] = Field(
        None, description="Days after consent in which a refresh token works; 0 if there is none"
    )
    inactive_access_days: Annotated[int | None, BeforeValidator(_days)] = Field(
        None, description="Days after the end of coverage in which a member can sign in; null if unlimited"
    )
    portal_opt_in: bool | None = Field(None, description="Whether members must opt in on the portal first")
    developer_portal: str | None = Field(None, description="URL of the developer portal")
    developer_email: str | None = Field(None, description="Email address for developers")


class Instruments(_FactsModel):
    """What the scorer may use: a client, test accounts, a clock, a separate payer. All are optional."""

    client_id: str | None = Field(None, description="The client id of the app")
    client_secret: str | None = Field(None, description="The client secret, if it has one")
    key: dict[str, Any] | None = Field(None, description="The private JWK, for private_key_jwt")
    redirect_uri: str | None = Field(
        None, description="A registered redirect URI; the scorer does not open it"
    )
    authorization_endpoint: str | None = Field(
        None, description="The authorization endpoint, if discovery does not name one"
    )
    token_endpoint: str | None = Field(None, description="The token endpoint, if discovery does not name one")
    members: list[Member] = Field([], description="Test accounts")
    providers: list[dict[str, Any]] = Field([], description="Provider clients (not used by this rubric)")
    payers: list[dict[str, Any]] = Field([], description="Payer clients (not used by this rubric)")
    clock: str | None = Field(None, description='URL of a test clock that accepts POST {"advance": "P25D"}')
    fresh_payer: str | None = Field(
        None, description="FHIR base of a separate payer for each test; `{session}` is replaced by a new name"
    )

    def of_role(self, role: str) -> tuple[Member, ...]:
        return tuple(m for m in self.members if m.role == role)

    def open_payer(self) -> tuple[str, str]:
        """Return the name of a new session and the FHIR base of its payer; empty where none is lent."""
        if "{session}" not in (self.fresh_payer or ""):
            return "", ""  # not one of our own: its clock is not ours to move
        name = f"grade-{secrets.token_hex(6)}"
        return name, str(self.fresh_payer).replace("{session}", name).rstrip("/")

    def origins(self) -> frozenset[str]:
        """Return the URLs named here. A facts file vouches for their origins, a served document does not."""
        named = (self.authorization_endpoint, self.token_endpoint, self.clock, self.fresh_payer)
        return frozenset(url for url in named if url and origin(url))


class PayerFacts(_FactsModel):
    """Claims and instruments. `problems` names what could not be used, one line each."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, title="Facts of a payer")

    claims: Claims = Claims()
    instruments: Instruments = Instruments()
    _problems: tuple[str, ...] = PrivateAttr(())

    @property
    def problems(self) -> tuple[str, ...]:
        return self._problems

    def claimed(self) -> dict[str, Any]:
        """Return the claims that are made, as plain JSON types."""
        return self.claims.model_dump(mode="json", exclude_unset=True)


NO_FACTS = PayerFacts()

_REQUIRED: dict[type[BaseModel], dict[str, Any]] = {Member: {"username": "", "password": ""}}
"""What a model needs in addition to the field that is checked."""


def parse(data: Any, name: str) -> PayerFacts:
    """Parse a facts document and name what is wrong. Raises FileProblem when nothing can be used."""
    if not isinstance(data, dict):
        raise FileProblem(f"{name}: a facts document must be an object with claims and instruments")
    if not {"claims", "instruments"} & data.keys():
        raise FileProblem(f"{name}: has neither claims nor instruments")
    reader = _FactsReader()
    parts = dict(reader.use_known(PayerFacts, data, ""))
    claims = Claims(**dict(reader.use_known(Claims, parts.get("claims", {}), "claims.")))
    lent = dict(reader.use_known(Instruments, parts.get("instruments", {}), "instruments."))
    facts = PayerFacts(claims=claims, instruments=Instruments(**lent))
    problems = [*reader.problems, *_find_unknown_lines(facts)]
    more = len(problems) - MOST_PROBLEMS
    facts._problems = (*problems[:MOST_PROBLEMS], *([f"and {more} more"] if more > 0 else ()))
    return facts


class _FactsReader:
    """Reads the valid fields of a document; `problems` names what is unknown or wrong."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def use_known(
        self, model: type[BaseModel], data: Mapping[str, Any], where: str
    ) -> Iterator[tuple[str, Any]]:
        """Yield the valid fields of a model in `data`."""
        for key in data:
            if key not in model.model_fields:
                hint = _hint(word(key), model.model_fields)
                self.problems.append(f"{where}{word(key)[:40]}: unknown key{hint}")
        for name, value in ((name, data[name]) for name in model.model_fields if name in data):
            if name in ("claims", "instruments"):
                if isinstance(value, dict):
                    yield name, value
                else:
                    self.problems.append(f"{where}{name}: is not an object")
            elif name == "members" and isinstance(value, list):
                yield name, list(self._use_members(value))
            elif isinstance(value, list) and "list[" in str(model.model_fields[name].annotation):
                valid = list(self._use_entries(model, name, value, where))
                if valid or not value:
                    yield name, valid
            else:
                try:
                    yield name, _read_alone(model, name, value)
                except ValidationError as problem:
                    inside = ".".join(map(str, problem.errors()[0]["loc"][1:]))
                    parts = (f"{where}{name}", inside, _say(problem))
                    self.problems.append(": ".join(filter(None, parts)))

    def _use_entries(
        self, model: type[BaseModel], name: str, entries: list[Any], where: str
    ) -> Iterator[Any]:
        """Yield the valid entries of a list."""
        for number, entry in enumerate(entries):
            try:
                yield from _read_alone(model, name, [entry])
            except ValidationError as problem:
                self.problems.append(f"{where}{name}: {number}: {_say(problem)}")

    def _use_members(self, entries: list[Any]) -> Iterator[Member]:
        """Yield the usable accounts; one with a wrong line or date is used without it."""
        for number, entry in enumerate(entries):
            where = f"instruments.members.{number}"
            if not isinstance(entry, dict):
                self.problems.append(f"{where}: is not an object")
                continue
            fields = dict(self.use_known(Member, entry, f"{where}."))
            has_wrong_role = "role" in entry and "role" not in fields
            if {"username", "password"} <= fields.keys() and not has_wrong_role:
                yield Member(**fields)
            elif lacking := [name for name in ("username", "password") if name not in entry]:
                self.problems.append(f"{where}: lacks {' and '.join(lacking)}")


def _hint(name: str, names: Iterable[str]) -> str:
    """Suggest the name that was probably meant."""
    near = get_close_matches(name, list(names), 1)
    return f" (did you mean {near[0]}?)" if near else ""


def _read_alone(model: type[BaseModel], name: str, value: Any) -> Any:
    """Validate one field by itself. Raises ValidationError."""
    return getattr(model.model_validate({**_REQUIRED.get(model, {}), name: value}), name)


_EXPECTED = {
    "string_type": "should be text",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "list_type": "should be a list",
    "dict_type": "should be an object",
}
"""pydantic's error types in plain words."""


def _say(problem: ValidationError) -> str:
    """Describe the first error of a value, in words without secrets."""
    first = problem.errors(include_input=False, include_url=False)[0]
    if first["type"] == "string_pattern_mismatch":
        return "must be eligible, ineligible, not-opted-in, lapsed-<days>, dependant or representative"
    return _EXPECTED.get(first["type"]) or first["msg"].removeprefix("Value error, ")


def _find_unknown_lines(facts: PayerFacts) -> list[str]:
    """Name lines of business without a usual name. They are used all the same."""
    problems = []
    for name in ("offered_lines", "mandated_lines", "supported_lines"):
        for line in getattr(facts.claims, name) or ():
            if line not in LINES:
                problems.append(
                    f"claims.{name}: {line[:40]!r} is not a known line of business{_hint(line, LINES)}"
                )
    return problems


def read(path: Path) -> PayerFacts:
    """Read facts from a JSON or YAML file. Raises FileProblem."""
    if path.suffix in (".yaml", ".yml"):
        return parse(files.read_yaml(path), str(path))
    try:
        return parse(lenient_json.read(files.read_text(path).encode()), str(path))
    except ValueError:
        return parse(files.read_json(path), str(path))
