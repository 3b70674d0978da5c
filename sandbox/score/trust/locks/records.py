"""Records of a member, asked for with another member's token, with none, and with forged ones."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import quote, urlencode

from sandbox.core import files
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import Credential, HttpClient
from sandbox.score.signin.tokens import Fixed
from sandbox.score.trust.locks.lock import Tried, all_exchanges, shows


@dataclass(frozen=True)
class Holder:
    """A member whose token is at hand."""

    patient: str
    bearer: Credential


class Way(NamedTuple):
    """A way to a member's record: in words, the type that is asked for, and the address."""

    words: str
    kind: str
    url: str


def ways(base: str, patient: str) -> tuple[Way, ...]:
    """Each way to a member's record."""
    one = f"{base}/Patient/{quote(patient, safe='')}"
    query = urlencode({"patient": patient, "_count": 5})
    searched = ("Coverage", "ExplanationOfBenefit")
    return (
        Way("a read of Patient", "Patient", one),
        *(Way(f"a search of {kind}", kind, f"{base}/{kind}?{query}") for kind in searched),
        Way("$everything", "Patient", f"{one}/$everything?_count=5"),
    )


def other_member(http: HttpClient, base: str, mine: Holder, theirs: Holder | None) -> Tried:
    """Another lent member's record, with my token: each way, and a read of one of their claims by id."""
    rule = "breach-other-member"
    if theirs is None:
        return Tried(rule, None, "only one member's record is at hand")
    found = list(ways(base, theirs.patient))
    search = f"{base}/ExplanationOfBenefit?{urlencode({'patient': theirs.patient, '_count': 1})}"
    own = http.read(search, theirs.bearer, step="probe", resource="ExplanationOfBenefit")
    claims = [r for r in bundles.page(own[-1]).resources if shows(own[-1], theirs.patient)]
    if claims and (key := bundles.key_of(claims[0])):
        found.append(Way("a read of a claim by its id", bundles.type_of(key), f"{base}/{key}"))
    return _tried(rule, http, found, theirs.patient, {"another member's token": mine.bearer}, (own,))


def no_token(http: HttpClient, base: str, whose: Holder) -> Tried:
    """A member's record without any token."""
    return _tried("breach-no-token", http, ways(base, whose.patient), whose.patient, {"no token": None})


def forged_token(http: HttpClient, base: str, whose: Holder) -> Tried:
    """A member's record with a token that was never issued, and with unsigned and ill-signed copies."""
    tokens: dict[str, Credential | None] = {
        words: Fixed(token) for words, token in forgeries(whose.bearer.token, whose.patient).items()
    }
    http.secrets |= {credential.token for credential in tokens.values() if credential}
    few = ways(base, whose.patient)[:3]
    return _tried("breach-forged-token", http, few, whose.patient, tokens)


def forgeries(token: str, patient: str) -> dict[str, str]:
    """What it is → a token: an invented one, one with `alg` none, and a JWT with another signature."""
    claims: object = {"sub": patient, "patient": patient, "scope": "patient/*.rs", "exp": 4102444800}
    made = {"an invented token": secrets.token_urlsafe(32)}
    head, _, rest = token.partition(".")
    body, _, signature = rest.partition(".")
    if body and signature and "." not in signature:
        cut = signature[: len(signature) // 2]
        made["a token with another signature"] = f"{head}.{body}.{cut[::-1]}{signature[len(cut) :]}"
    else:
        body = _part(claims)
    made['a token with "alg": "none"'] = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}."
    return {words: text for words, text in made.items() if text != token}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(files.json_bytes(value)).rstrip(b"=").decode()


def _tried(
    rule: str,
    http: HttpClient,
    found: Iterable[Way],
    patient: str,
    credentials: dict[str, Credential | None],
    before: tuple[tuple[HttpAnswer, ...], ...] = (),
) -> Tried:
    """Every way with every credential, until one gives the patient's record."""
    tries = list(before)
    for words, credential in credentials.items():
        for way in found:
            tries.append(http.read(way.url, credential, step="probe", resource=way.kind))
            if shows(tries[-1][-1], patient):
                why = f"{way.words} with {words} gives a member's record"
                return Tried(rule, False, why, all_exchanges(tries))
    return Tried(rule, True, exchanges=all_exchanges(tries))
