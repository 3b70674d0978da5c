"""The search oracle: what a search means, said slowly and plainly over parsed resources.

Written from R4 §3.1.1, CARIN BB and US Core, not from the server: its own table of paths, its own
dates, its own order. Nothing of the server's is imported, so the two do not share their mistakes.
"""

from __future__ import annotations

import calendar
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import cmp_to_key
from typing import Any, NamedTuple

Resource = dict[str, Any]
Span = tuple[datetime | None, datetime | None]
"""From (included) to (excluded); None: without end."""

DAY = timedelta(days=1)
HL7 = "http://hl7.org/fhir/"

TABLE = f"""
Patient | identifier | token | identifier
Patient | name | string | name
Patient | family | string | name.family
Patient | given | string | name.given
Patient | birthdate | date | birthDate
Patient | death-date | date | deceasedDateTime
Patient | gender | code | gender | {HL7}administrative-gender
Patient | general-practitioner | link | generalPractitioner | Practitioner Organization
Coverage | patient | reference | beneficiary | Patient
Coverage | beneficiary | reference | beneficiary | Patient
Coverage | payor | link | payor | Organization Patient RelatedPerson
Coverage | policy-holder | link | policyHolder | Patient RelatedPerson Organization
Coverage | subscriber | link | subscriber | Patient RelatedPerson
ExplanationOfBenefit | patient | reference | patient | Patient
ExplanationOfBenefit | type | token | type
ExplanationOfBenefit | identifier | token | identifier
ExplanationOfBenefit | service-date | date | billablePeriod, item.servicedDate, item.servicedPeriod
ExplanationOfBenefit | service-start-date | date | billablePeriod.start, item.servicedDate, item.servicedPeriod.start
ExplanationOfBenefit | billable-period-start | date | billablePeriod.start
ExplanationOfBenefit | provider | link | provider | Practitioner Organization
ExplanationOfBenefit | care-team | link | careTeam.provider | Practitioner Organization
ExplanationOfBenefit | coverage | link | insurance.coverage | Coverage
ExplanationOfBenefit | insurer | link | insurer | Organization
ExplanationOfBenefit | payee | link | payee.party | Organization Patient Practitioner RelatedPerson
AllergyIntolerance | patient | reference | patient | Patient
AllergyIntolerance | clinical-status | token | clinicalStatus
CarePlan | patient | reference | subject | Patient
CarePlan | subject | reference | subject | Patient
CarePlan | category | token | category
CarePlan | status | code | status | {HL7}request-status
CarePlan | date | date | period
CareTeam | patient | reference | subject | Patient
CareTeam | subject | reference | subject | Patient
CareTeam | status | code | status | {HL7}care-team-status
CareTeam | role | token | participant.role
CareTeam | participant | link | participant.member | Practitioner Organization PractitionerRole Patient RelatedPerson CareTeam
Condition | patient | reference | subject | Patient
Condition | subject | reference | subject | Patient
Condition | category | token | category
Condition | clinical-status | token | clinicalStatus
Condition | code | token | code
Condition | onset-date | date | onsetDateTime, onsetPeriod
Condition | abatement-date | date | abatementDateTime, abatementPeriod
Condition | asserted-date | date | extension(http://hl7.org/fhir/StructureDefinition/condition-assertedDate).valueDateTime
Condition | recorded-date | date | recordedDate
Condition | encounter | reference | encounter | Encounter
Device | patient | reference | patient | Patient
Device | type | token | type
Device | status | code | status | {HL7}device-status
DiagnosticReport | patient | reference | subject | Patient
DiagnosticReport | subject | reference | subject | Patient
DiagnosticReport | category | token | category
DiagnosticReport | code | token | code
DiagnosticReport | status | code | status | {HL7}diagnostic-report-status
DiagnosticReport | date | date | effectiveDateTime, effectivePeriod
DiagnosticReport | result | link | result | Observation
DiagnosticReport | performer | link | performer | Practitioner Organization
DocumentReference | patient | reference | subject | Patient
DocumentReference | subject | reference | subject | Patient
DocumentReference | category | token | category
DocumentReference | type | token | type
DocumentReference | status | code | status | {HL7}document-reference-status
DocumentReference | date | date | date
DocumentReference | period | date | context.period
Encounter | patient | reference | subject | Patient
Encounter | subject | reference | subject | Patient
Encounter | class | token | class
Encounter | type | token | type
Encounter | status | code | status | {HL7}encounter-status
Encounter | identifier | token | identifier
Encounter | discharge-disposition | token | hospitalization.dischargeDisposition
Encounter | date | date | period
Encounter | location | reference | location.location | Location
Encounter | participant | link | participant.individual | Practitioner PractitionerRole RelatedPerson
Encounter | service-provider | link | serviceProvider | Organization
Goal | patient | reference | subject | Patient
Goal | subject | reference | subject | Patient
Goal | lifecycle-status | code | lifecycleStatus | {HL7}goal-status
Goal | description | token | description
Goal | target-date | date | target.dueDate
Immunization | patient | reference | patient | Patient
Immunization | status | code | status | {HL7}event-status
Immunization | date | date | occurrenceDateTime
Immunization | performer | link | performer.actor | Practitioner Organization
Media | patient | reference | subject | Patient
Media | subject | reference | subject | Patient
Media | status | code | status | {HL7}event-status
MedicationDispense | patient | reference | subject | Patient
MedicationDispense | subject | reference | subject | Patient
MedicationDispense | status | code | status | http://terminology.hl7.org/CodeSystem/medicationdispense-status
MedicationDispense | type | token | type
MedicationDispense | medication | link | medicationReference | Medication
MedicationDispense | prescription | link | authorizingPrescription | MedicationRequest
MedicationRequest | patient | reference | subject | Patient
MedicationRequest | subject | reference | subject | Patient
MedicationRequest | intent | code | intent | {HL7}CodeSystem/medicationrequest-intent
MedicationRequest | status | code | status | {HL7}CodeSystem/medicationrequest-status
MedicationRequest | authoredon | date | authoredOn
MedicationRequest | encounter | reference | encounter | Encounter
MedicationRequest | medication | link | medicationReference | Medication
MedicationRequest | requester | link | requester | Practitioner Organization PractitionerRole Patient RelatedPerson
Observation | patient | reference | subject | Patient
Observation | subject | reference | subject | Patient
Observation | category | token | category
Observation | code | token | code
Observation | date | date | effectiveDateTime, effectivePeriod, effectiveTiming, effectiveInstant
Observation | status | code | status | {HL7}observation-status
Observation | specimen | link | specimen | Specimen
Procedure | patient | reference | subject | Patient
Procedure | subject | reference | subject | Patient
Procedure | status | code | status | {HL7}event-status
Procedure | code | token | code
Procedure | date | date | performedDateTime, performedPeriod
QuestionnaireResponse | patient | reference | subject | Patient
QuestionnaireResponse | subject | reference | subject | Patient
QuestionnaireResponse | status | code | status | {HL7}questionnaire-answers-status
QuestionnaireResponse | authored | date | authored
QuestionnaireResponse | questionnaire | canonical | questionnaire | Questionnaire
RelatedPerson | patient | reference | patient | Patient
RelatedPerson | name | string | name
ServiceRequest | patient | reference | subject | Patient
ServiceRequest | subject | reference | subject | Patient
ServiceRequest | status | code | status | {HL7}request-status
ServiceRequest | category | token | category
ServiceRequest | code | token | code
ServiceRequest | authored | date | authoredOn
Specimen | patient | reference | subject | Patient
Specimen | subject | reference | subject | Patient
Location | name | string | name, alias
Location | address | string | address
Location | address-city | string | address.city
Location | address-state | string | address.state
Location | address-postalcode | string | address.postalCode
Medication |
Organization | identifier | token | identifier
Organization | name | string | name, alias
Organization | address | string | address
Practitioner | identifier | token | identifier
Practitioner | name | string | name
Provenance | target | reference | target | *
"""  # noqa: E501  one parameter a line

SHARED = {"Location", "Medication", "Organization", "Practitioner"}


@dataclass(frozen=True)
class Parameter:
    """A line of the table. `link`: known to _include only."""

    name: str
    kind: str
    paths: tuple[str, ...]
    more: tuple[str, ...] = ()

    @property
    def searchable(self) -> bool:
        return self.kind != "link"


def _read_table() -> dict[str, dict[str, Parameter]]:
    table: dict[str, dict[str, Parameter]] = {}
    for line in TABLE.strip().splitlines():
        type_, name, *rest = [part.strip() for part in line.split("|")]
        own = table.setdefault(
            type_,
            {
                "_id": Parameter("_id", "token", ("id",)),
                "_lastUpdated": Parameter("_lastUpdated", "date", ("meta.lastUpdated",)),
            },
        )
        if name:
            kind, paths, *more = rest
            targets = tuple(more[0].split()) if more else ()
            own[name] = Parameter(name, kind, tuple(re.split(r",\s*", paths)), targets)
    every = tuple(kind for kind in table if kind != "Provenance")
    table["Provenance"]["target"] = Parameter("target", "reference", ("target",), every)
    return table


PARAMETERS = _read_table()


class Refused(Exception):
    """The token is for another patient."""


# --- values in resources -----------------------------------------------------------------------------


def at(node: Any, path: str) -> list[Any]:
    """The values at a path; `extension(url)` is one extension."""
    steps = re.findall(r"[A-Za-z]+(?:\([^)]*\))?", path)
    nodes = [node]
    for step in steps:
        name, _, url = step.partition("(")
        found = []
        for each in nodes:
            if isinstance(each, dict) and name in each:
                inside = each[name] if isinstance(each[name], list) else [each[name]]
                found += [e for e in inside if not url or e.get("url") == url[:-1]]
        nodes = found
    return nodes


def values(resource: Resource, parameter: Parameter) -> list[Any]:
    return [value for path in parameter.paths for value in at(resource, path)]


def codings(value: Any) -> Iterator[tuple[str | None, str]]:
    """(system, code) of a code, Coding, CodeableConcept or Identifier."""
    if isinstance(value, str):
        yield None, value
    elif "coding" in value or "text" in value:
        for coding in value.get("coding", []):
            if "code" in coding:
                yield coding.get("system"), coding["code"]
    elif "value" in value:
        yield value.get("system"), value["value"]
    elif "code" in value:
        yield value.get("system"), value["code"]


def plain(text: str) -> str:
    """Without case and accents."""
    apart = unicodedata.normalize("NFKD", text)
    return "".join(c for c in apart if unicodedata.category(c) not in ("Mn", "Mc", "Me")).casefold()


def words(value: Any) -> Iterator[str]:
    """The texts of a string, HumanName or Address."""
    if isinstance(value, str):
        yield value
        return
    for name in ("text", "family", "given", "prefix", "suffix", "line", "city", "district", "state",
                 "postalCode", "country"):  # fmt: skip
        inside = value.get(name, [])
        yield from inside if isinstance(inside, list) else [inside]


def named(reference: Any) -> tuple[str, str] | None:
    """(type, id) that a literal reference names."""
    text = reference.get("reference", "") if isinstance(reference, dict) else reference
    parts = text.split("/_history/")[0].split("/")
    if text.startswith(("#", "urn:")) or len(parts) < 2 or not parts[-1]:
        return None
    return parts[-2], parts[-1]


def span(text: str) -> Span:
    """What a date of any precision covers. Without a zone it is UTC."""
    zone = UTC
    if "T" in text:
        if found := re.search(r"([+-])(\d\d):(\d\d)$", text):
            minutes = int(found[2]) * 60 + int(found[3])
            zone = timezone(timedelta(minutes=minutes if found[1] == "+" else -minutes))
            text = text[: found.start()]
        text = text.removesuffix("Z")
    parts = [int(number) for number in re.findall(r"\d+", text.partition(".")[0])]
    low = datetime(*(parts + [1, 1][len(parts) - 1 :] if len(parts) < 3 else parts), tzinfo=zone)  # type: ignore[misc,arg-type]
    if "." in text:
        low += timedelta(milliseconds=int(text.partition(".")[2][:3].ljust(3, "0")))
        return low, low + timedelta(milliseconds=1)
    if len(parts) == 1:
        return low, low + DAY * (366 if calendar.isleap(parts[0]) else 365)
    if len(parts) == 2:
        return low, low + DAY * calendar.monthrange(*parts)[1]
    return low, low + {3: DAY, 5: timedelta(minutes=1), 6: timedelta(seconds=1)}[len(parts)]


def spans(value: Any) -> Iterator[Span]:
    """What a dateTime, Period or Timing covers."""
    if isinstance(value, str):
        yield span(value)
    elif "event" in value or "repeat" in value:
        limits = [s for each in value.get("event", []) for s in spans(each)]
        bounds = value.get("repeat", {}).get("boundsPeriod")
        limits += list(spans(bounds)) if bounds else []
        if limits:
            yield min((s[0] for s in limits), key=_low), max((s[1] for s in limits), key=_high)
    elif "start" in value or "end" in value:
        low = span(value["start"])[0] if "start" in value else None
        yield low, span(value["end"])[1] if "end" in value else None


BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
END = datetime(9999, 12, 30, tzinfo=UTC)


def _low(moment: datetime | None) -> datetime:
    return moment or BEGINNING


def _high(moment: datetime | None) -> datetime:
    return moment or END


def compares(prefix: str, has: Span, asked: Span, now: datetime) -> bool:
    """R4 §3.1.1.4.5, with the resource's span and the one asked for."""
    low, high, start, end = _low(has[0]), _high(has[1]), _low(asked[0]), _high(asked[1])
    within = start <= low and high <= end
    if prefix == "ap":
        slack = max(abs(now - start) / 10, DAY)
        return low < end + slack and high > start - slack
    above, below = high > end, low < start
    return {
        "eq": within,
        "ne": not within,
        "gt": above,
        "ge": above or within,
        "lt": below,
        "le": below or within,
        "sa": low >= end,
        "eb": high <= start,
    }[prefix]


# --- what was asked ----------------------------------------------------------------------------------


def pieces(text: str, separator: str) -> list[str]:
    """Split where the separator is not escaped."""
    found, now, escaped = [], "", False
    for c in text:
        if escaped or c == "\\":
            now, escaped = now + c, not escaped
        elif c == separator:
            found, now = [*found, now], ""
        else:
            now += c
    return [*found, now]


def bare(text: str) -> str:
    """Without the escapes."""
    result, rest = "", text
    while rest:
        if rest[0] == "\\" and rest[1:2] and rest[1] in ",|$\\":
            rest = rest[1:]
        result, rest = result + rest[0], rest[1:]
    return result


class Written(NamedTuple):
    """What was written of a resource at an instant; None: it was deleted."""

    kind: str
    id: str
    at: datetime
    resource: Resource | None


class Oracle:
    """Resources in the library's order (members' own, then shared), at an instant; after them what was
    written, in the order of writing. It takes the place of what has the same name, from then on."""

    def __init__(
        self, resources: Iterable[Resource], now: datetime, base: str = "", written: Iterable[Written] = ()
    ):
        listed = list(resources)
        self.now, self.base = now, base
        self.order = [r for r in listed if r["resourceType"] not in SHARED]
        self.order += [r for r in listed if r["resourceType"] in SHARED]
        current: dict[tuple[str, str], tuple[datetime, int]] = {}
        for place, resource in enumerate(self.order):
            key = (resource["resourceType"], resource["id"])
            updated = span(resource["meta"]["lastUpdated"])[0]
            assert updated is not None
            if updated <= now and (key not in current or updated >= current[key][0]):
                current[key] = (updated, place)
        self._built = {(r["resourceType"], r["id"]): r for r in self.order}
        latest: dict[tuple[str, str], tuple[datetime, int | None]] = {}
        for change in written:
            key, position = (change.kind, change.id), None
            if change.resource is not None:
                position = len(self.order)
                self.order.append(change.resource)
            if change.at <= now and (key not in latest or change.at >= latest[key][0]):
                latest[key] = (change.at, position)
        self.place = {key: place for key, (_, place) in current.items() if key not in latest}
        self.place |= {key: place for key, (_, place) in latest.items() if place is not None}
        self.by_type: dict[str, list[Resource]] = {}
        self.owner: dict[int, str | None] = {}
        for place in sorted(self.place.values()):
            resource = self.order[place]
            self.by_type.setdefault(resource["resourceType"], []).append(resource)
        for resources_of_type in self.by_type.values():
            for resource in resources_of_type:
                self.owner[id(resource)] = self._owner(resource)
        self._values: dict[tuple[int, str], Any] = {}

    def get(self, key: tuple[str, str] | None) -> Resource | None:
        return self.order[self.place[key]] if key in self.place else None  # type: ignore[index]

    def _owner(self, resource: Resource) -> str | None:
        kind = resource["resourceType"]
        if kind in SHARED:
            return None
        if kind == "Patient":
            return str(resource["id"])
        if kind == "Provenance":
            targets = [self._built.get(named(r) or ("", "")) for r in at(resource, "target")]
            owners = [self._owner(t) for t in targets if t]
            return min((o for o in owners if o), default=None)
        (path,) = PARAMETERS[kind]["patient"].paths
        found = [named(r) for r in at(resource, path)]
        return found[0][1] if found and found[0] and found[0][0] == "Patient" else None

    def sees(self, resource: Resource, patient: str | None) -> bool:
        return patient is None or resource["resourceType"] in SHARED or self.owner[id(resource)] == patient

    # the search

    def search(self, kind: str, args: list[tuple[str, str]], patient: str | None) -> list[Resource]:
        """Every match in order. Raises Refused."""
        found = [r for r in self.by_type.get(kind, []) if self.sees(r, patient)]
        sorts: list[str] = []
        for name, text in args:
            if name == "_sort":
                sorts = [key for key in text.split(",") if key]
            elif name not in ("_count", "_total", "_include", "_revinclude", "_include:iterate",
                              "_revinclude:iterate", "_summary", "_elements"):  # fmt: skip
                self._refuse(kind, name, text, patient)
                found = [r for r in found if self.meets(r, name, text, patient)]
        return self._sorted(kind, found, sorts)

    def _refuse(self, kind: str, name: str, text: str, patient: str | None) -> None:
        stem, _, modifier = name.partition(":")
        if patient is None or kind in SHARED or "." in name or modifier not in ("", "Patient"):
            return
        if stem in ("patient", "subject", "beneficiary") and stem in PARAMETERS[kind]:
            asked = {self._target(bare(part)) for part in pieces(text, ",") if part}
            local = {target[1] for target in asked if target}
            if local and patient not in local:
                raise Refused

    def _target(self, text: str) -> tuple[str | None, str] | None:
        """(type, id) asked for; None: of another server."""
        if self.base and text.startswith(self.base + "/"):
            text = text[len(self.base) + 1 :]
        if re.match(r"[a-z]+:", text):
            return None
        return named(text) if "/" in text else (None, text)

    def meets(self, resource: Resource, name: str, text: str, patient: str | None) -> bool:
        """Whether a resource meets `name=text`."""
        kind = resource["resourceType"]
        head, dot, rest = name.partition(".")
        stem, _, modifier = head.partition(":")
        parameter = PARAMETERS[kind][stem]
        asked = [part for part in pieces(text, ",") if part]
        if not asked:
            return True
        if dot:
            pointed = [self.get(named(r)) for r in values(resource, parameter)]
            return any(
                t is not None
                and t["resourceType"] in parameter.more
                and self.sees(t, patient)
                and self.meets(t, rest, text, patient)
                for t in pointed
            )
        if modifier == "missing":
            has = values(resource, parameter)
            if parameter.kind == "date":
                has = self._seen(resource, parameter, "spans")
            return bool(has) == (text == "false")
        found = any(self._one(resource, parameter, modifier, part) for part in asked)
        return not found if modifier == "not" else found

    def _seen(self, resource: Resource, parameter: Parameter, how: str) -> Any:
        key = (id(resource), f"{parameter.name}/{how}")
        if key not in self._values:
            every = values(resource, parameter)
            self._values[key] = {
                "spans": lambda: [s for v in every for s in spans(v)],
                "codes": lambda: [c for v in every for c in codings(v)],
                "words": lambda: [w for v in every for w in words(v)],
                "plain": lambda: [plain(w) for v in every for w in words(v)],
                "names": lambda: [named(v) for v in every],
                "identifiers": lambda: [
                    c for v in every if "identifier" in v for c in codings(v["identifier"])
                ],
                "urls": lambda: every,
            }[how]()
        return self._values[key]

    def _one(self, resource: Resource, parameter: Parameter, modifier: str, text: str) -> bool:
        def seen(how: str) -> Any:
            return self._seen(resource, parameter, how)

        if modifier == "identifier":
            return any(_is_code(c, text, None) for c in seen("identifiers"))
        if parameter.kind in ("token", "code"):
            implied = parameter.more[0] if parameter.kind == "code" else None
            return any(_is_code(c, text, implied) for c in seen("codes"))
        if parameter.kind == "date":
            prefix, date = (text[:2], text[2:]) if text[0].isalpha() else ("eq", text)
            return any(compares(prefix, s, span(date), self.now) for s in seen("spans"))
        if parameter.kind == "string":
            wanted = bare(text)
            if modifier == "exact":
                return wanted in seen("words")
            if modifier == "contains":
                return any(plain(wanted) in w for w in seen("plain"))
            return any(w.startswith(plain(wanted)) for w in seen("plain"))
        if parameter.kind == "canonical":
            url, _, version = text.partition("|")
            return any(u.partition("|")[0] == url and (not version or u == text) for u in seen("urls"))
        target = self._target(bare(text))
        if target is None:
            return False
        types = [target[0] or modifier] if target[0] or modifier else list(parameter.more)
        return any(n is not None and n[0] in types and n[1] == target[1] for n in seen("names"))

    # the order

    def _sorted(self, kind: str, found: list[Resource], sorts: list[str]) -> list[Resource]:
        def compare(a: Resource, b: Resource) -> int:
            for key in sorts:
                down, parameter = key.startswith("-"), PARAMETERS[kind][key.removeprefix("-")]
                x, y = self._key(a, parameter, down), self._key(b, parameter, down)
                if x == y:
                    continue
                if x is None or y is None:
                    return 1 if x is None else -1
                return (1 if x > y else -1) * (-1 if down else 1)
            return 0

        return sorted(found, key=cmp_to_key(compare))  # a stable sort: equals keep the library's order

    def _key(self, resource: Resource, parameter: Parameter, down: bool) -> Any:
        """The value that comes first in the order asked."""
        have: list[Any]
        if parameter.kind in ("token", "code"):
            have = [code for _, code in self._seen(resource, parameter, "codes")]
        elif parameter.kind == "date":
            have = [_low(s[0]) for s in self._seen(resource, parameter, "spans")]
        elif parameter.kind == "string":
            have = self._seen(resource, parameter, "plain")
        elif parameter.kind == "canonical":
            have = [u.partition("|")[0] for u in self._seen(resource, parameter, "urls")]
        else:
            have = ["/".join(n) for n in self._seen(resource, parameter, "names") if n]
        return (max if down else min)(have) if have else None

    # what else is shown

    def included(
        self, matches: list[Resource], args: list[tuple[str, str]], patient: str | None
    ) -> list[Resource]:
        """What the includes add to a page of matches, in the library's order."""
        rules = [(n, t) for n, t in args if n.startswith(("_include", "_revinclude"))]
        shown = {id(r): r for r in matches}
        frontier, first = list(matches), True
        while frontier:
            fresh: dict[int, Resource] = {}
            for name, text in rules:
                if first or name.endswith(":iterate"):
                    for r in self._linked(frontier, name.startswith("_rev"), text, matches):
                        if id(r) not in shown and self.sees(r, patient):
                            fresh[id(r)] = r
            shown |= fresh
            frontier, first = list(fresh.values()), False
        added = [r for r in shown.values() if all(r is not m for m in matches)]
        return sorted(added, key=lambda r: self.place[(r["resourceType"], r["id"])])

    def _linked(
        self, found: list[Resource], reverse: bool, text: str, matches: list[Resource]
    ) -> Iterator[Resource]:
        if text == "*":
            text = f"{matches[0]['resourceType']}:*"
        source, name, target = ([*text.split(":"), ""])[:3]
        parameters = [p for p in PARAMETERS[source].values() if p.kind in ("link", "reference", "canonical")]
        for parameter in parameters:
            if name not in ("*", parameter.name) or parameter.kind == "canonical":
                continue
            if reverse:
                wanted = {(r["resourceType"], r["id"]) for r in found if target in ("", r["resourceType"])}
                for r in self.by_type.get(source, []):
                    if wanted & {n for n in self._seen(r, parameter, "names") if n}:
                        yield r
            else:
                for r in found:
                    if r["resourceType"] == source:
                        for n in self._seen(r, parameter, "names"):
                            pointed = self.get(n)
                            if pointed is not None and target in ("", pointed["resourceType"]):
                                yield pointed


def _is_code(has: tuple[str | None, str], text: str, implied: str | None) -> bool:
    """`code`, `system|code`, `|code`, `system|`. A plain code's system is the one its binding implies,
    and it has none written."""
    system, bar, code = _apart(text)
    if not bar:
        return has[1] == system
    if code and has[1] != code:
        return False
    if implied is not None:
        return system in ("", implied)
    return (has[0] or "") == system


def _apart(text: str) -> tuple[str, bool, str]:
    first, *rest = pieces(text, "|")
    return bare(first), bool(rest), bare("|".join(rest))
