"""The values of a search: what each kind of parameter takes, parsed or refused by name.

Source: R4 §3.1.1.4 (prefixes, tokens, references, strings, canonical URLs, escapes).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.core.errors import bad_request
from sandbox.core.limits import TEXT_LENGTH_MAX
from sandbox.core.urls import relative_to
from sandbox.fhir import dates
from sandbox.fhir.schema.model import Param
from sandbox.fhir.schema.paths import fold, literal


@dataclass(frozen=True)
class TokenValue:
    """`code`, `system|code`, `|code` (system ""), `system|` (code None). system None: any."""

    system: str | None
    code: str | None


@dataclass(frozen=True)
class Moment:
    """A date with its prefix, as the range it stands for."""

    prefix: str
    low: int
    high: int


@dataclass(frozen=True)
class Target:
    """A reference: type None means any type the parameter may point to."""

    type: str | None
    id: str


@dataclass(frozen=True)
class Elsewhere:
    """A reference to another server: nothing here is what it names."""


@dataclass(frozen=True)
class TextValue:
    """A string, folded unless `exact`; `exact` and `contains` are the modifiers, otherwise a prefix."""

    text: str
    mode: str = "prefix"


@dataclass(frozen=True)
class Canonical:
    """The URL of a definition; version None: any."""

    url: str
    version: str | None = None


Value = TokenValue | Moment | Target | Elsewhere | TextValue | Canonical


def split(text: str, at: str = ",") -> list[str]:
    r"""Values separated by commas; `\,` `\|` `\$` `\\` are escapes (R4 §3.1.1.4.7)."""
    if "\\" not in text:
        return text.split(at)
    parts: list[list[str]] = [[]]
    for unit in re.findall(r"(?s)\\?.", text):  # an escape stays with what it escapes
        if unit == at:
            parts.append([])
        else:
            parts[-1].append(unit)
    return ["".join(units) for units in parts]


def unescape(text: str) -> str:
    return re.sub(r"\\([,|$\\])", r"\1", text)


def value(param: Param, modifier: str, text: str, name: str, base: str) -> Value:
    """One value, still escaped. `name` is the parameter as it was sent, for the refusal; `base` our
    own address, which absolute references begin with."""
    if param.canonical:
        url, *version = (unescape(part) for part in split(text, "|"))
        return Canonical(url, "|".join(version) or None)
    if param.kind == "token" or modifier == "identifier":
        return _token(param, text, name)
    if param.kind == "date":
        return _moment(text, name)
    if param.kind == "reference":
        return _target(param, modifier, unescape(text), name, base)
    if len(text) > TEXT_LENGTH_MAX:
        bad_request(f"The value must have at most {TEXT_LENGTH_MAX} characters.", name)
    plain = unescape(text)
    return TextValue(plain if modifier == "exact" else fold(plain), modifier or "prefix")


def _token(param: Param, text: str, name: str) -> TokenValue:
    first, *others = split(text, "|")
    if not others:
        return TokenValue(None, unescape(first))
    system, code = unescape(first), unescape("|".join(others))
    if not system and not code:
        bad_request("The value must be written as code, system|code, |code or system|.", name)
    if param.system is not None and system in ("", param.system):
        # The binding implies the system: the element holds the code alone, and so does the index.
        return TokenValue(None, code or None)
    return TokenValue(system, code or None)


def _moment(text: str, name: str) -> Moment:
    prefix, date = (text[:2], text[2:]) if text[:2].isalpha() else ("eq", text)
    if prefix not in dates.PREFIXES:
        bad_request(f"{prefix} is not a prefix of dates.", name)
    form = "a FHIR date: yyyy, yyyy-mm, yyyy-mm-dd or a dateTime"
    return Moment(prefix, *dates.parse_parameter(date, name, form))


def _target(param: Param, modifier: str, text: str, name: str, base: str) -> Target | Elsewhere:
    text = relative_to(text, base)
    if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", text):
        return Elsewhere()
    if "/" in text:
        target = literal(text)
        if not target or target[0] not in param.targets or (modifier and target[0] != modifier):
            bad_request(f"{param.name} must be an id, {param.targets[0]}/id or an absolute URL.", name)
        return Target(*target)
    if not re.fullmatch(r"[A-Za-z0-9\-.]{1,64}", text):
        bad_request("The value must be a FHIR id.", name)
    return Target(modifier or None, text)
