"""An HTTP Archive (HAR 1.2) as traffic: what a browser or a proxy recorded of an app's use.

Tokens, codes and bodies are used to tell what belongs together, and never kept.
"""

from __future__ import annotations

import base64
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, urljoin, urlsplit

from sandbox.core import files
from sandbox.core.urls import canonical_url
from sandbox.score import outcomes
from sandbox.score.answers import shown
from sandbox.score.traffic.address import REQUEST
from sandbox.score.traffic.record import Record, Step

_TYPE = re.compile(
    r"/(?:Patient|Coverage|ExplanationOfBenefit|AllergyIntolerance|CarePlan|CareTeam|Condition|Device"
    r"|DiagnosticReport|DocumentReference|Encounter|Goal|Immunization|Location|Medication|MedicationDispense"
    r"|MedicationRequest|Observation|Organization|Practitioner|PractitionerRole|Procedure|Provenance"
    r"|RelatedPerson|ServiceRequest|Specimen)(?=/|\Z)"
)
_DOCUMENTS = ("/metadata", "/.well-known/smart-configuration")


def find_base(entries: Sequence[Any]) -> str:
    """The FHIR base that an archive speaks to, or "": the address before `/metadata`, before SMART's
    configuration, or before the types of most answers in FHIR."""
    votes: Counter[str] = Counter()
    for each in entries:
        with suppress(KeyError, TypeError, ValueError, AttributeError):
            entry = _Entry(each)
            for document in _DOCUMENTS:
                if entry.path.endswith(document) and entry.status == 200:
                    votes[entry.origin + entry.path.removesuffix(document)] += 10
            found = _TYPE.search(entry.path)
            if found and ("resourceType" in entry.body or "fhir" in entry.mime):
                votes[entry.origin + entry.path[: found.start()]] += 1
    return max(votes, key=lambda base: (votes[base], -len(base)), default="")


def records(entries: Sequence[Any], base: str, leave_out: Callable[[str], None]) -> Iterator[Record]:
    """Records of an archive's entries: sign-ins anywhere, FHIR below `base`. `leave_out` is told of what is
    no entry."""
    reader = _Reader(base)
    for number, entry in enumerate(entries, 1):
        try:
            yield from reader.read(_Entry(entry))
        except (KeyError, TypeError, ValueError, AttributeError):
            leave_out(f"entry {number}: not an entry of an HTTP Archive")


class _Entry:
    """One entry, with the few things of it that are looked at."""

    def __init__(self, entry: dict[str, Any]):
        request, response = entry["request"], entry["response"]
        self.ts, self.ms = entry["startedDateTime"], max(0.0, float(entry.get("time") or 0))
        self.method, self.url = str(request["method"]), str(request["url"])
        self.status = int(response["status"])
        parts = urlsplit(self.url)
        self.path, self.origin = parts.path, f"{parts.scheme}://{parts.netloc}".lower()
        self.query = dict(parse_qsl(urlsplit(self.url).query, keep_blank_values=True))
        sent, got = _headers(request), _headers(response)
        self.token = sent.get("authorization", "").removeprefix("Bearer ")
        self.request_id = got.get("x-request-id", "") or got.get("x-correlation-id", "")
        location = response.get("redirectURL") or got.get("location", "")
        self.location = urljoin(self.url, location) if location else ""
        self.form = _form(request.get("postData") or {})
        content = response.get("content") or {}
        self.mime, self.body = str(content.get("mimeType") or ""), _body(content)

    def common(self, step: str) -> dict[str, Any]:
        return {
            "ts": self.ts,
            "method": self.method,
            "url": shown(self.url, step),
            "status": self.status,
            "latency_ms": self.ms,
            "request_id": self.request_id,
        }


class _Reader:
    def __init__(self, base: str) -> None:
        self._base = canonical_url(base) if base else ""
        self._count = 0
        self._by_state: dict[str, str] = {}
        self._by_code: dict[str, str] = {}
        self._by_token: dict[str, str] = {}
        self._latest = ""
        self._next: dict[str, str] = {}
        """Links to further pages, and the type of the search that they belong to."""
        self._failed: set[str] = set()

    def read(self, entry: _Entry) -> Iterator[Record]:
        if entry.method == "OPTIONS":
            return  # a browser asks by itself
        if entry.query.get("response_type") == "code" and "client_id" in entry.query:
            yield from self._authorize(entry)
        yield from self._callback(entry)
        if entry.method == "POST" and "grant_type" in entry.form:
            yield from self._token(entry)
        elif (below := self._below(entry)) in _DOCUMENTS:
            yield Record(kind="discovery", **entry.common("discovery"))
        elif entry.url in self._next:
            yield self._fhir(entry, self._next[entry.url], None, None)
        elif match := REQUEST.fullmatch(below):
            yield self._fhir(entry, *match.groups())

    def _below(self, entry: _Entry) -> str:
        """The path below the base; "" for anything else."""
        place = entry.origin + entry.path
        return place[len(self._base) :] if self._base and place.startswith(f"{self._base}/") else ""

    def _authorize(self, entry: _Entry) -> Iterator[Record]:
        state = entry.query.get("state", "")
        if not state or state not in self._by_state:
            self._count += 1
            self._latest = f"attempt-{self._count}"
            self._by_state[state] = self._latest
            common = entry.common("sign-in")
            yield Record(kind="authz_event", attempt_id=self._latest, outcome="CREATED", **common)

    def _callback(self, entry: _Entry) -> Iterator[Record]:
        said = dict(parse_qsl(urlsplit(entry.location).query)) or entry.query
        if not ({"code", "error"} & said.keys()) or "response_type" in said:
            return
        name = self._by_state.get(said.get("state", ""), self._latest)
        error, description = said.get("error", ""), said.get("error_description", "")
        if error:
            state = "CONSENT_DENIED" if error == "access_denied" else "CALLBACK_ERROR"
            if outcomes.means_ineligible(error, description):
                state = "INELIGIBLE_CALLBACK"
        elif said["code"] in self._by_code:
            return  # the redirect and the page it led to tell the same
        else:
            state = "CODE_ISSUED"
            self._by_code[said["code"]] = name
        if name:
            yield Record(
                kind="authz_event",
                attempt_id=name,
                outcome=state,
                error=error,
                description=description,
                **entry.common("sign-in"),
            )

    def _token(self, entry: _Entry) -> Iterator[Record]:
        common, grant = entry.common("token"), entry.form["grant_type"]
        if grant not in ("authorization_code", "refresh_token"):
            return
        name = self._by_code.get(entry.form.get("code", ""), self._latest)
        if grant == "refresh_token":
            name = self._by_token.get(entry.form.get("refresh_token", ""), self._latest)
        for key in ("access_token", "refresh_token"):
            if isinstance(entry.body.get(key), str):
                self._by_token[entry.body[key]] = name
        yield Record(kind="token", attempt_id=name, grant_type=grant, **common)

    def _fhir(self, entry: _Entry, rtype: str, id_: str | None, everything: str | None) -> Record:
        name = self._by_token.get(entry.token, self._latest)
        step: Step = "individual"
        if entry.url in self._next:
            step = "pagination"
        elif everything:
            step = "everything"
        elif id_ and rtype != "Patient":
            step = "reference"
        elif entry.url in self._failed:
            step = "retry"
        (self._failed.discard if entry.status == 200 else self._failed.add)(entry.url)
        found = [e for e in entry.body.get("entry", []) if isinstance(e, dict)]
        kinds = {e["resource"].get("resourceType") for e in found if isinstance(e.get("resource"), dict)}
        for link in entry.body.get("link", []):
            if link.get("relation") == "next":
                self._next[urljoin(entry.url, str(link.get("url")))] = rtype
        return Record(
            kind="fhir",
            attempt_id=name,
            sync_id=name,
            rtype=rtype,
            extract_step=step,
            entries=len(found) if entry.body.get("resourceType") == "Bundle" else None,
            types=tuple(sorted(str(kind) for kind in kinds)),
            **entry.common(step),
        )


def _headers(message: dict[str, Any]) -> dict[str, str]:
    return {str(h["name"]).lower(): str(h["value"]) for h in message.get("headers") or []}


def _form(posted: dict[str, Any]) -> dict[str, str]:
    if posted.get("params"):
        return {str(p["name"]): str(p.get("value", "")) for p in posted["params"]}
    return dict(parse_qsl(str(posted.get("text") or "")))


def _body(content: dict[str, Any]) -> dict[str, Any]:
    text = content.get("text") or ""
    try:
        raw = base64.b64decode(text) if content.get("encoding") == "base64" else str(text).encode()
        value = files.json_value(raw)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
