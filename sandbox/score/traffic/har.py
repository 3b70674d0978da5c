"""Reads an HTTP Archive (HAR 1.2) that a browser or a proxy recorded of an app's use.

Tokens, codes and bodies tell which entries belong together; they are never kept. `har_entry` reads single
entries, which differ between tools.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from pydantic import ValidationError

from sandbox.core.urls import canonical_url
from sandbox.score.signin.eligibility import speaks_of_eligibility
from sandbox.score.traffic.address import REQUEST, asks_for_page
from sandbox.score.traffic.har_entry import HarEntry, entries_of
from sandbox.score.traffic.record import Step, TrafficRecord

_TYPE = re.compile(
    r"/(?:Patient|Coverage|ExplanationOfBenefit|AllergyIntolerance|CarePlan|CareTeam|Condition|Device"
    r"|DiagnosticReport|DocumentReference|Encounter|Goal|Immunization|Location|Medication|MedicationDispense"
    r"|MedicationRequest|Observation|Organization|Practitioner|PractitionerRole|Procedure|Provenance"
    r"|RelatedPerson|ServiceRequest|Specimen)(?=/|\Z)"
)
_DOCUMENTS = ("/metadata", "/.well-known/smart-configuration")


def find_base(entries: Sequence[Any]) -> str:
    """Return the FHIR base of an archive; empty when there is none.

    It is what precedes `/metadata`, SMART's configuration, or the resource types of most FHIR answers.
    """
    votes: Counter[str] = Counter()
    for listed in entries:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            entry = HarEntry(listed, "")
            for document in _DOCUMENTS:
                if entry.path.endswith(document) and entry.status == 200:
                    votes[entry.origin + entry.path.removesuffix(document)] += 10
            match = _TYPE.search(entry.path)
            if match and ("resourceType" in entry.body or "fhir" in entry.mime):
                votes[entry.origin + entry.path[: match.start()]] += 1
    return max(votes, key=lambda base: (votes[base], -len(base)), default="")


def records(entries: Sequence[Any], base: str, leave_out: Callable[[str], None]) -> Iterator[TrafficRecord]:
    """Yield records of an archive's entries: sign-ins anywhere, FHIR below `base`.

    `leave_out` gets the reason for each entry that is left out.
    """
    read = sorted(entries_of(entries, leave_out), key=lambda entry: entry.when)
    reader = _Reader(base, [entry.url for entry in read])
    for entry in read:
        try:
            yield from list(reader.read(entry))
        except ValidationError as problem:
            error = problem.errors(include_input=False, include_url=False)[0]
            leave_out(f"entry {entry.number}: {error['loc'][0]}: {error['msg']}")


class _Reader:
    def __init__(self, base: str, urls: Sequence[str]) -> None:
        self._base = canonical_url(base) if base else ""
        self._ahead = Counter(urls)
        """How often each address is still asked for."""
        self._moved: dict[str, tuple[str, str | None, str | None]] = {}
        """Where redirects of FHIR requests lead, and what was asked for."""
        self._count = 0
        self._by_state: dict[str, str] = {}
        self._by_code: dict[str, str] = {}
        self._by_token: dict[str, str] = {}
        self._latest = ""
        self._next: dict[str, str] = {}
        """Links to further pages, and the type of the search that they belong to."""
        self._failed: set[str] = set()

    def read(self, entry: HarEntry) -> Iterator[TrafficRecord]:
        self._ahead[entry.url] -= 1
        if entry.method == "OPTIONS":
            return  # the browser's own preflight
        if entry.query.get("response_type") == "code" and "client_id" in entry.query:
            yield from self._authorize(entry)
        yield from self._callback(entry)
        if entry.method == "POST" and "grant_type" in entry.form:
            yield from self._token(entry)
        elif (below := self._below(entry)) in _DOCUMENTS:
            yield TrafficRecord(kind="discovery", **entry.common("discovery"))
        elif what := self._asked(entry, below):
            if entry.redirects and self._ahead[entry.location] > 0:
                self._moved[entry.location] = what  # the answer to it is in an entry of its own
            else:
                yield self._fhir(entry, *what)

    def _asked(self, entry: HarEntry, below: str) -> tuple[str, str | None, str | None] | None:
        """Return type, id and `$everything` of a FHIR request; None for any other."""
        if entry.url in self._moved:
            return self._moved.pop(entry.url)
        if entry.url in self._next:
            return self._next[entry.url], None, None
        if entry.origin + entry.path.rstrip("/") == self._base and asks_for_page(entry.query):
            return "", None, None
        match = REQUEST.fullmatch(below)
        return (match[1], match[2], match[3]) if match else None

    def _below(self, entry: HarEntry) -> str:
        """Return the path below the base; empty for anything else."""
        place = entry.origin + entry.path
        return place[len(self._base) :] if self._base and place.startswith(f"{self._base}/") else ""

    def _authorize(self, entry: HarEntry) -> Iterator[TrafficRecord]:
        state = entry.query.get("state", "")
        if not state or state not in self._by_state:
            self._count += 1
            self._latest = f"attempt-{self._count}"
            self._by_state[state] = self._latest
            common = entry.common("sign-in")
            yield TrafficRecord(kind="authz_event", attempt_id=self._latest, outcome="CREATED", **common)

    def _callback(self, entry: HarEntry) -> Iterator[TrafficRecord]:
        parameters = dict(parse_qsl(urlsplit(entry.location).query)) or entry.query
        if not ({"code", "error"} & parameters.keys()) or "response_type" in parameters:
            return
        name = self._by_state.get(parameters.get("state", ""), self._latest)
        error, description = parameters.get("error", ""), parameters.get("error_description", "")
        uri = parameters.get("error_uri", "")
        if error:
            state = "CONSENT_DENIED" if error == "access_denied" else "CALLBACK_ERROR"
            if speaks_of_eligibility(error, description, uri):
                state = "INELIGIBLE_CALLBACK"
        elif parameters["code"] in self._by_code:
            return  # the redirect and the page that it led to are one callback
        else:
            state = "CODE_ISSUED"
            self._by_code[parameters["code"]] = name
        if name:
            yield TrafficRecord(
                kind="authz_event",
                attempt_id=name,
                outcome=state,
                error=error,
                description=description,
                error_uri=uri,
                **entry.common("sign-in"),
            )

    def _token(self, entry: HarEntry) -> Iterator[TrafficRecord]:
        common, grant = entry.common("token"), entry.form["grant_type"]
        if grant not in ("authorization_code", "refresh_token"):
            return
        name = self._by_code.get(entry.form.get("code", ""), self._latest)
        if grant == "refresh_token":
            name = self._by_token.get(entry.form.get("refresh_token", ""), self._latest)
        for key in ("access_token", "refresh_token"):
            if isinstance(entry.body.get(key), str):
                self._by_token[entry.body[key]] = name
        yield TrafficRecord(kind="token", attempt_id=name, grant_type=grant, **common)

    def _fhir(self, entry: HarEntry, rtype: str, id_: str | None, everything: str | None) -> TrafficRecord:
        name = self._by_token.get(entry.token, self._latest)
        step: Step = "individual"
        if entry.url in self._next or not rtype:
            step = "pagination"
        elif everything:
            step = "everything"
        elif id_ and rtype != "Patient":
            step = "reference"
        elif entry.url in self._failed:
            step = "retry"
        (self._failed.discard if entry.status == 200 else self._failed.add)(entry.url)
        entries = entry.objects("entry")
        kinds = {
            str(e["resource"].get("resourceType")) for e in entries if isinstance(e.get("resource"), dict)
        }
        for link in entry.objects("link"):
            if link.get("relation") == "next":
                with suppress(ValueError):
                    self._next[canonical_url(urljoin(entry.url, str(link.get("url"))))] = rtype
        return TrafficRecord(
            kind="fhir",
            attempt_id=name,
            sync_id=name,
            rtype=rtype,
            extract_step=step,
            entries=len(entries) if entry.body.get("resourceType") == "Bundle" else None,
            types=tuple(sorted(kinds)),
            **entry.common(step),
        )
