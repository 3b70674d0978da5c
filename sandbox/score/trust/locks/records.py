"""Tries to read a member's records with another member's token, with none, and with forged ones."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from urllib.parse import quote, urlencode

from sandbox.core import files
from sandbox.score.collect.sync import TokenHolder
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import HttpAnswer
from sandbox.score.http.client import Credential, HttpClient
from sandbox.score.signin.tokens import Bearer
from sandbox.score.trust.locks.lock import Tried, shows


class Way(NamedTuple):
    """A request for a member's record: in words, its resource type, and its URL."""

    words: str
    kind: str
    url: str


def ways(base: str, patient: str) -> tuple[Way, ...]:
    """Return each way to request a member's record."""
    record = f"{base}/Patient/{quote(patient, safe='')}"
    query = urlencode({"patient": patient, "_count": 5})
    searched = ("Coverage", "ExplanationOfBenefit")
    return (
        Way("a read of Patient", "Patient", record),
        *(Way(f"a search of {kind}", kind, f"{base}/{kind}?{query}") for kind in searched),
        Way("$everything", "Patient", f"{record}/$everything?_count=5"),
    )


def other_member(http: HttpClient, base: str, mine: TokenHolder, theirs: TokenHolder | None) -> Tried:
    """Try another member's record with my token: each way, and a read of one of their claims by id."""
    rule = "breach-other-member"
    if theirs is None:
        return Tried(rule, None, "only one member's record is available")
    targets = list(ways(base, theirs.patient))
    search = f"{base}/ExplanationOfBenefit?{urlencode({'patient': theirs.patient, '_count': 1})}"
    own = http.read(search, theirs.bearer, step="probe", resource="ExplanationOfBenefit")
    claims = [r for r in bundles.page(own[-1]).resources if shows(own[-1], theirs.patient)]
    if claims and (key := bundles.key_of(claims[0])):
        targets.append(Way("a read of a claim by its id", bundles.type_of(key), f"{base}/{key}"))
    return _tried(rule, http, targets, theirs.patient, {"another member's token": mine.bearer}, own)


def no_token(http: HttpClient, base: str, whose: TokenHolder) -> Tried:
    """Try a member's record without any token."""
    return _tried("breach-no-token", http, ways(base, whose.patient), whose.patient, {"no token": None})


def forged_token(http: HttpClient, base: str, whose: TokenHolder) -> Tried:
    """Try a member's record with an invented token, and with unsigned and wrongly signed copies."""
    tokens: dict[str, Credential | None] = {
        words: Bearer(token) for words, token in forgeries(whose.bearer.token, whose.patient).items()
    }
    http.secrets |= {credential.token for credential in tokens.values() if credential}
    few = ways(base, whose.patient)[:3]
    return _tried("breach-forged-token", http, few, whose.patient, tokens)


def forgeries(token: str, patient: str) -> dict[str, str]:
    """Return forged tokens by description: invented, with another signature, and with `alg` none."""
    claims: object = {"sub": patient, "patient": patient, "scope": "patient/*.rs", "exp": 4102444800}
    copies = {"an invented token": secrets.token_urlsafe(32)}
    head, _, payload = token.partition(".")
    body, _, signature = payload.partition(".")
    if body and signature and "." not in signature:
        cut = signature[: len(signature) // 2]
        copies["a token with another signature"] = f"{head}.{body}.{cut[::-1]}{signature[len(cut) :]}"
    else:
        body = _part(claims)
    copies['a token with "alg": "none"'] = f"{_part({'alg': 'none', 'typ': 'JWT'})}.{body}."
    return {words: text for words, text in copies.items() if text != token}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(files.json_bytes(value)).rstrip(b"=").decode()


def _tried(
    rule: str,
    http: HttpClient,
    targets: Iterable[Way],
    patient: str,
    credentials: Mapping[str, Credential | None],
    before: Iterable[HttpAnswer] = (),
) -> Tried:
    """Try every way with every credential, until one gives the patient's record."""
    exchanges = [answer.exchange for answer in before]
    for words, credential in credentials.items():
        for way in targets:
            tries = http.read(way.url, credential, step="probe", resource=way.kind)
            exchanges += [answer.exchange for answer in tries]
            if shows(tries[-1], patient):
                why = f"{way.words} with {words} returns a member's record"
                return Tried(rule, False, why, tuple(exchanges))
    return Tried(rule, True, exchanges=tuple(exchanges))
