"""Logs of real use: the golden table of exact percentages, the window, attempts, formats, precedence."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import transcripts
from conftest import Grade, line_of
from fake_payer import FakePayer

from sandbox.core.errors import FileProblem
from sandbox.score.card import Card
from sandbox.score.evidence import Evidence
from sandbox.score.run import Log, grade_log, regrade
from sandbox.score.traffic import log_file, record
from sandbox.score.traffic.address import kind_and_step
from sandbox.score.traffic.observations import observe

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)
CLINICAL = ("Observation", "Condition", "Goal", "Encounter")
CLAIMS = {
    "status": "live",
    "sandbox": True,
    "refresh_max_days": 365,
    "inactive_access_days": None,
    "offered_lines": ["qhp", "commercial"],
    "mandated_lines": ["qhp"],
    "portal_opt_in": False,
}


def at(seconds: float) -> str:
    return (NOON + timedelta(seconds=seconds)).isoformat()


def event(attempt: str, state: str, seconds: float = 0, **more: Any) -> dict[str, Any]:
    return {"ts": at(seconds), "kind": "authz_event", "attempt_id": attempt, "outcome": state, **more}


def fhir(
    rtype: str, status: int = 200, step: str = "individual", seconds: float = 2, **more: Any
) -> dict[str, Any]:
    base = {"ts": at(seconds), "kind": "fhir", "extract_step": step, "rtype": rtype, "status": status}
    return {**base, "url": f"/fhir/{rtype}", "sync_id": "s1", "latency_ms": 5, **more}


def tried(good: int, bad: int, **more: Any) -> list[dict[str, Any]]:
    """Attempts that ended well and badly, one of the bad ones ineligible on the callback."""
    records = []
    for number in range(good + bad):
        name = f"a{number}"
        records.append(event(name, "CREATED", **more))
        if number < good:
            records.append(event(name, "CODE_ISSUED", 1))
            records.append({"ts": at(2), "kind": "token", "attempt_id": name, "status": 200})
        elif number == good:
            records.append(event(name, "CALLBACK_ERROR", 1, error="query_ineligible"))
        else:
            records.append(event(name, "ERROR_PAGE", 1))
    return records


def ideal(good: int = 99, bad: int = 1, failing: int = 0, asked: int = 1000) -> list[dict[str, Any]]:
    """A log in which everything is right, with exactly these rates."""
    records = tried(good, bad)
    records += [{"ts": at(1), "kind": "sync_event", "sync_id": "s1", "outcome": "created"}]
    records += [{"ts": at(1.5), "kind": "sync_event", "sync_id": "s1", "outcome": "completed"}]
    types = ["ExplanationOfBenefit", "Coverage", "Patient", *CLINICAL]
    records += [fhir("Patient", step="everything", url="/fhir/Patient/1/$everything", types=types)]
    records += [fhir("Patient", step="pagination", url="/fhir/Patient/1/$everything?page=2", seconds=2.1)]
    for number in range(asked - 2):
        status = 500 if number < failing else 200
        records.append(fhir(types[number % len(types)], status, seconds=3, url=f"/fhir/x{number}"))
    records += [
        fhir("Organization", step="reference", seconds=4, url=f"/fhir/Organization/{n}") for n in range(20)
    ]
    return records


def written(tmp_path: Path, records: Iterable[dict[str, Any]]) -> Path:
    path = tmp_path / "traffic.ndjson"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def graded(tmp_path: Path, records: Iterable[dict[str, Any]], **options: Any) -> tuple[Card, Evidence]:
    facts = tmp_path / "facts.json"
    facts.write_text(json.dumps({"claims": CLAIMS}))
    as_of = options.pop("as_of", None)
    return grade_log(Log(written(tmp_path, records), as_of), facts=facts, **options)


# What only a probe can show is unseen here; with it perfect the payer has the top of the range.
GOLDEN = {
    "ideal": (ideal(), 100),
    "95 % of sign-ins": (ideal(95, 5), 100),
    "94.99 % of sign-ins": (ideal(9499, 501), 98),
    "99 % of requests": (ideal(failing=10), 100),
    "98.9 % of requests": (ideal(failing=11), 98),
    "everything contained": ([r for r in ideal() if r.get("extract_step") != "reference"], 95),
    "no traffic": ([], 51),
}


@pytest.mark.parametrize("name", list(GOLDEN))
def test_the_golden_table(tmp_path: Path, name: str, grade_fake: Grade) -> None:
    """By probing what a log cannot show (documents, portal), by the log what probing cannot: exact rates."""
    records, expected = GOLDEN[name]
    payer = FakePayer()
    facts = {**payer.facts_document(), "instruments": {}}
    (tmp_path / "facts.json").write_text(json.dumps(facts))
    card, _ = grade_fake(payer, facts=tmp_path / "facts.json", log=Log(written(tmp_path, records)))
    assert card.range[1] == expected
    unseen = {line.id for line in card.lines if line.unseen}
    assert unseen == {"portal-opt-in", "lines-of-business"}  # claims alone do not count for these
    assert card.range[0] == expected - 9


@dataclass(frozen=True)
class LogCase:
    """A log, and the metrics whose lines are kept of its card."""

    name: str
    metrics: tuple[str, ...]
    records: list[dict[str, Any]]
    options: dict[str, Any]

    def to_text(self, tmp_path: Path) -> str:
        card, evidence = graded(tmp_path, self.records, **self.options)
        lines = [f"{self.name}:"]
        for line in (line_of(card, metric) for metric in self.metrics):
            value = f"{float(line.value):g}" if isinstance(line.value, Fraction) else line.value
            text = f"  {line.id} {line.points} for {value!r} ({line.source}, n {line.n}), {line.band}:"
            difference = f" [{line.disagreement}]" if line.disagreement else ""
            lines.append(f"{text} {line.reason}{difference}")
        log, attempts = evidence.traffic["log"].value, evidence.traffic["sign-ins"].value
        if 0 < len(attempts) < 4:
            lines.append(f"  attempts: {', '.join(attempt['outcome'] for attempt in attempts)}")
        lines += [f"  {name}: {log[name]}" for name in ("impossible", "late") if log[name]]
        return "\n".join(lines)


def log(name: str, metrics: str, records: list[dict[str, Any]], **options: Any) -> LogCase:
    return LogCase(name, tuple(metrics.split()), records, options)


def attempt(
    *states: str, name: str = "a", step: float = 1, start: float = 0, **more: Any
) -> list[dict[str, Any]]:
    """An attempt through its states, so many seconds apart; `more` is told of the first."""
    return [event(name, state, start + step * n, **(more if not n else {})) for n, state in enumerate(states)]


def sync(seconds: float, start: float = 0, **more: Any) -> list[dict[str, Any]]:
    base = {"kind": "sync_event", "sync_id": "s", **more}
    ends = ((start, "created"), (start + seconds, "completed"))
    return [{"ts": at(moment), "outcome": outcome, **base} for moment, outcome in ends]


def renewals(*answers: tuple[float, int], granted: bool = True) -> list[dict[str, Any]]:
    """A grant, if the log has it, and what its renewals answered, by days."""
    token = {"kind": "token", "attempt_id": "a"}
    records = [*attempt("CREATED"), {"ts": at(1), "status": 200, **token}] if granted else []
    for days, status in answers:
        records.append({"ts": at(days * DAY), "status": status, "grant_type": "refresh_token", **token})
    return sorted(records, key=lambda record: str(record["ts"]))


def reference(kind: str, status: int, seconds: float = 2, **more: Any) -> dict[str, Any]:
    return fhir(kind, status, "reference", seconds, **{"url": f"/fhir/{kind}/1", **more})


def everything(*entries: int | None, **more: Any) -> list[dict[str, Any]]:
    """The pages of one `$everything`, with so many entries."""
    steps = ["everything", *["pagination"] * (len(entries) - 1)]
    url = "/fhir/Patient/1/$everything"
    return [
        fhir("Patient", step=step, seconds=2 + n / 10, entries=count, **more,
             url=f"{url}?page={n + 1}" if n else url)
        for n, (step, count) in enumerate(zip(steps, entries, strict=True))
    ]  # fmt: skip


DAY = 86400
LATER = (NOON + timedelta(days=400)).isoformat()
STATES = {
    "authorized": ("CREATED", "CODE_ISSUED", "AUTHORIZED"),
    "exchanged, then revoked": ("CREATED", "CODE_ISSUED", "AUTHORIZED", "EXCHANGED", "REVOKED"),
    "a mistyped password": ("CREATED", "LOGIN_FAILED", "LOGIN_FAILED", "CODE_ISSUED", "AUTHORIZED"),
    "a code that nobody redeemed": ("CREATED", "CODE_ISSUED"),
    "nothing after the start": ("CREATED",),
    "declined": ("CREATED", "CONSENT_DENIED"),
    "an exchange that failed": ("CREATED", "CODE_ISSUED", "EXCHANGE_FAILED"),
    "impossible: authorized after an error page": ("CREATED", "ERROR_PAGE", "AUTHORIZED"),
    "impossible: revoked before it was authorized": ("CREATED", "REVOKED"),
}
OLD = attempt("CREATED", "ERROR_PAGE", name="old")
BOUNCED = [*tried(1, 0), *attempt("CREATED", "BOUNCED", name="b"), event("t", "CREATED", mode="test")]
AFTER_WINDOW = OLD + attempt("CREATED", "AUTHORIZED", name="n", start=182 * DAY + 1)
READ_TWICE = [
    reference("Organization", 500),
    reference("Organization", 200, 3),
    reference("Practitioner", 404, 4),
]
LINES_AND_LAPSES = [
    *attempt("CREATED", "AUTHORIZED", coverage_end="2024-01-01"),
    *attempt("CREATED", "ERROR_PAGE", name="b", portal_account=False),
    *attempt("CREATED", "AUTHORIZED", name="c", line="qhp"),
    *attempt("CREATED", "AUTHORIZED", name="d", line="commercial"),
]
LOGS: dict[str, list[LogCase]] = {
    "sign-ins": [
        *(log(f"{n[0]} of {sum(n)}", "authorization-success", tried(*n))
          for n in ((9499, 501), (95, 5), (90, 10), (50, 50), (0, 3))),
        *(log(name, "authorization-success", attempt(*states)) for name, states in STATES.items()),
        log("idle for more than half an hour", "", attempt("CREATED", "CODE_ISSUED", step=1801)),
        log("idle for half an hour", "", attempt("CREATED", "CODE_ISSUED", step=1800)),
        log("data after a code", "", [*attempt("CREATED", "CODE_ISSUED"), fhir("Patient", attempt_id="a")]),
        *(log(f"bounced, read as {reading}", "authorization-success", BOUNCED, readings=[("A13", reading)])
          for reading in ("left-out", "failure")),
        log("test records and wrong clocks", "authorization-success", [
            *tried(30, 0), {**event("t", "CREATED"), "ts": "2027-06-01T00:00:00Z", "mode": "TEST"},
            {**event("f", "CREATED"), "ts": "2099-01-01T00:00:00Z"}]),
    ],
    "window": [
        log("182 days and a second later", "authorization-success", AFTER_WINDOW),
        log("a second less than 182 days later", "authorization-success",
            OLD + attempt("CREATED", "AUTHORIZED", name="n", start=182 * DAY - 2)),
        *(log(f"as of day {days}", "authorization-success", AFTER_WINDOW, as_of=NOON + timedelta(days=days))
          for days in (1, 4000)),
        log("a virtual clock moves the window and not the stopwatch", "authorization-success sync-speed", [
            *tried(1, 0, vts=at(0)), {**event("v", "CREATED", 5), "vts": LATER},
            *sync(0.5, 6, vts=LATER), {**fhir("Patient", seconds=6), "vts": LATER}]),
    ],
    "data": [
        log("no traffic", "authorization-success request-success reference-resolution sync-speed everything"
            " carin-resources", []),
        *(log(f"a sync of {seconds} s", "sync-speed", [fhir("Patient"), *sync(seconds)])
          for seconds in (0.5, 1, 9.9, 29.9, 60, 60.5)),
        log("runs of requests", "sync-speed", [fhir("Patient", seconds=s) for s in (0, 1, 4, 500, 507)]),
        log("events alone", "sync-speed", sync(7)),
        log("references", "reference-resolution", READ_TWICE),
        log("references, every read", "reference-resolution", READ_TWICE, readings=[("A7", "every-read")]),
        log("references without syncs", "reference-resolution", [
            reference("Organization", 404 if n else 200, attempt_id=f"a{n}", sync_id="") for n in range(20)]),
        *(log(f"$everything in one page, {more}", "everything", everything(None, **more))
          for more in ({"complete": True}, {"complete": False}, {}, {"status": 404})),
    ],
    "members": [
        log("lapses, portal and lines", "inactive-members portal-opt-in lines-of-business", LINES_AND_LAPSES),
        *(log(f"a renewal after 100 days, {take or 'as claimed'}", "refresh-token", renewals((100, 200)),
              readings=[("A15", take)] if take else [])
          for take in ("", "observed-lower-bound")),
        *(log(f"renewals {answers}", "refresh-token", renewals(*answers))
          for answers in (((100, 200), (150, 400)), ((100, 200), (150, 503), (151, 0), (152, 429)),
                          ((100, 200), (50, 400)), ((100, 500),), ((1, 400),))),
        log("a renewal without its grant", "refresh-token", renewals((100, 400), granted=False)),
        *(log(f"a former member who got {answers}", "inactive-members", [
            *attempt("CREATED", "AUTHORIZED", coverage_end="2010-01-01"),
            *(fhir("Coverage", attempt_id="a", **answer) for answer in answers)])
          for answers in ([], [{"entries": 3}], [{}], [{"entries": 0}], [{"status": 403}],
                          [{"entries": 0}, {"entries": 1}])),
    ],
}  # fmt: skip


@pytest.mark.parametrize("group", LOGS)
def test_what_a_card_says_of_a_log(group: str, tmp_path: Path) -> None:
    texts = [case.to_text(tmp_path) for case in LOGS[group]]
    transcripts.check_whole(f"logs/{group}", {group: "\n".join(texts)})


def test_observed_beats_traffic_beats_declared_and_a_difference_is_a_finding(
    tmp_path: Path, grade_fake: Grade
) -> None:
    path = written(tmp_path, ideal(80, 20))
    card, evidence = grade_fake(FakePayer(), log=Log(path))
    found = line_of(card, "authorization-success")
    assert (found.points, found.source) == (14, "observed")
    said = "probing shows 95 % or more (97.5), the log 80 to 90 % (80)"
    assert found.disagreement == said
    assert f"authorization-success: {said}" in card.findings
    assert line_of(card, "request-success").disagreement == ""
    assert regrade(Evidence.from_json(evidence.to_json())) == card


def test_a_log_says_what_no_probe_could(tmp_path: Path, grade_fake: Grade) -> None:
    lent = {"members": [{"username": "m1", "password": "pw", "role": "eligible", "line": "qhp"}]}
    payer = FakePayer(instruments=lent)
    assert line_of(grade_fake(payer)[0], "eligibility-errors").source == "unseen"
    card, _ = grade_fake(FakePayer(instruments=lent), log=Log(written(tmp_path, ideal())))
    assert (line_of(card, "eligibility-errors").points, line_of(card, "eligibility-errors").source) == (
        4,
        "traffic",
    )


def test_the_published_schema_is_the_codes() -> None:
    path = Path(record.__file__).with_name("traffic.schema.json")
    assert path.read_bytes() == record.schema()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('{"ts": "2026-01-01T00:00:00Z", "kind": "x"}\n', "line 1: kind"),
        ('{"ts": "2026-01-01T00:00:00Z", "kind": "fhir", "status": -1}\n', "status"),
        ('{"ts": NaN}\n', "line 1"),
        ("not json\n", "line 1"),
        ("[1, 2]\n", "line 1"),
        ('{"log": {"entries": [1]}}', "entry 1: not an entry of an HTTP Archive"),
        ('{"log": {}}', "log.entries"),
        ('{"entries": [{"at": "x"}]}', "entry 1: not an entry of a journal"),
    ],
)
def test_a_malformed_log_is_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "log"
    path.write_text(text)
    with pytest.raises(FileProblem, match=says):
        log_file.read(path)


def test_a_log_that_is_not_there() -> None:
    with pytest.raises(FileProblem):
        log_file.read(Path("/nowhere/log"))


def har_entry(seconds: float, method: str, url: str, status: int = 200, **more: Any) -> dict[str, Any]:
    request: dict[str, Any] = {"method": method, "url": url, "headers": []}
    if "form" in more:
        request["postData"] = {"params": [{"name": k, "value": v} for k, v in more["form"].items()]}
    if "token" in more:
        request["headers"].append({"name": "Authorization", "value": f"Bearer {more['token']}"})
    response = {"status": status, "headers": [], "redirectURL": more.get("to", "")}
    response["content"] = {"text": json.dumps(more["body"])} if "body" in more else {}
    return {"startedDateTime": at(seconds), "time": 10, "request": request, "response": response}


# --- logs of strangers --------------------------------------------------------------------------------


def archived(tmp_path: Path, entries: list[Any], base: str = "") -> tuple[Card, Evidence]:
    path = tmp_path / "app.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": entries}}))
    return grade_log(Log(path, base=base))


BASES = ["https://p.example/FHIR/R4", "https://P.example", "https://p.example/a/b/Api/v4"]


@pytest.mark.parametrize("base", BASES)
@pytest.mark.parametrize("told", ["metadata", "smart", "answers", "given"])
def test_the_base_of_an_archive_is_found_or_given(tmp_path: Path, base: str, told: str) -> None:
    body = {"body": {"resourceType": "Bundle", "entry": []}} if told != "given" else {}
    entries = [har_entry(2, "GET", f"{base}/Coverage?patient=1", **body)]
    entries += [har_entry(3, "GET", "https://p.example/Patient/Account/Login")] * 3
    documents = {"metadata": "/metadata", "smart": "/.well-known/smart-configuration"}
    if told in documents:
        entries.insert(0, har_entry(1, "GET", base + documents[told]))
    found = line_of(archived(tmp_path, entries, base if told == "given" else "")[0], "request-success")
    assert (found.value, found.n) == (100, 1)


def bundle(**content: Any) -> dict[str, Any]:
    return {
        "response": {"status": 200, "content": {"text": json.dumps({"resourceType": "Bundle", **content})}}
    }


@pytest.mark.parametrize(
    ("odd", "is_record"),
    [(bundle(entry=None), True), (bundle(entry={"a": 1}), True),
     (bundle(entry=[None, {"resource": {"resourceType": ["x"]}}]), True), (bundle(link=None), True),
     (bundle(link=["x"]), True), (bundle(link=[{"relation": "next", "url": "http://[x"}]), True),
     ({"response": {"status": 1500}}, False), ({"time": 1e300}, False),
     ({"startedDateTime": "0001-01-01T00:00:00Z"}, False),
     ({"startedDateTime": "9999-12-31T23:59:59Z"}, False)],
)  # fmt: skip
def test_an_odd_entry_of_an_archive_is_read_or_reported(
    tmp_path: Path, odd: dict[str, Any], is_record: bool
) -> None:
    url = "https://p.example/fhir/Coverage?patient=1"
    entries = [har_entry(0, "GET", url), {**har_entry(1, "GET", url), **odd}]
    path = tmp_path / "odd.har"
    path.write_text(json.dumps({"log": {"entries": entries}}))
    found = log_file.read(path, "https://p.example/fhir")
    assert (len(found.records), found.unread) == ((2, 0) if is_record else (1, 1))
    assert all(problem.startswith("entry 2: ") for problem in found.problems)


@pytest.mark.parametrize(
    "odd",
    [
        {"ts": "0001-01-01T00:00:00+14:00"},
        {"ts": "9999-12-31T23:59:59-14:00"},
        {"vts": "9999-12-31T23:59:59Z"},
        {"latency_ms": 1e17},
        {
            "at": "2026-01-05T12:00:00Z",
            "path": "/fhir/Coverage",
            "status": 5000,
            "method": "GET",
            "kind": None,
        },
        {
            "at": "0001-01-05T12:00:00Z",
            "path": "/fhir/Coverage",
            "status": 200,
            "method": "GET",
            "kind": None,
        },
        {"at": at(0), "path": "/fhir/Coverage", "status": 200, "method": "GET", "ms": "x", "kind": None},
    ],
)
def test_a_record_that_cannot_be_calculated_with_is_reported(tmp_path: Path, odd: dict[str, Any]) -> None:
    line = {name: value for name, value in {**fhir("Coverage"), **odd}.items() if value is not None}
    path = tmp_path / "odd.ndjson"
    path.write_text(f"{json.dumps(fhir('Coverage'))}\n{json.dumps(line)}\n")
    found = log_file.read(path)
    assert (len(found.records), found.unread) == (1, 1)


def test_records_may_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps([fhir("Coverage"), {"kind": "fhir"}, fhir("Patient")], indent=1))
    found = log_file.read(path)
    assert [record.rtype for record in found.records] == ["Coverage", "Patient"]
    assert found.problems == ["record 2: ts: Field required"]


@pytest.mark.parametrize("way", ["port", "case", "order"])
def test_an_archive_says_the_same_however_it_is_written(tmp_path: Path, way: str) -> None:
    base = "https://p.example/fhir"
    further = bundle(link=[{"relation": "next", "url": f"{base}?_getpages=1"}])
    entries = [
        har_entry(0, "GET", f"{base}/metadata"),
        {**har_entry(1, "GET", f"{base}/Coverage?patient=1"), **further},
        {**har_entry(2, "GET", f"{base}?_getpages=1"), **bundle()},
        har_entry(3, "OPTIONS", f"{base}/Goal", 204),
        {**har_entry(4, "POST", f"{base}/Goal/_search"), **bundle()},
    ]
    for entry in entries:
        request = entry["request"]
        if way == "port":
            request["url"] = request["url"].replace("p.example", "P.example:443")
        elif way == "case":
            request["method"] = request["method"].lower()
    path = tmp_path / "log.har"
    path.write_text(json.dumps({"log": {"entries": entries[::-1] if way == "order" else entries}}))
    found = log_file.read(path)
    assert [(record.rtype, record.extract_step) for record in found.records if record.kind == "fhir"] == [
        ("Coverage", "individual"),
        ("Coverage", "pagination"),
        ("Goal", "individual"),
    ]


def test_a_page_is_known_by_its_address_where_an_archive_has_no_bodies(tmp_path: Path) -> None:
    base = "https://p.example/fhir"
    urls = (f"{base}/Coverage?patient=1", f"{base}?_getpages=1", f"{base}/?_getpages=2", f"{base}?theme=dark")
    path = tmp_path / "log.har"
    path.write_text(
        json.dumps({"log": {"entries": [har_entry(number, "GET", url) for number, url in enumerate(urls)]}})
    )
    found = log_file.read(path, base)
    assert [record.extract_step for record in found.records] == ["individual", "pagination", "pagination"]


@pytest.mark.parametrize("base", ["/fhir", "/FHIR/R4", "/Fhir/R4", "/Api/FHIR", "/Api/v1"])
def test_the_name_of_a_base_is_no_type(tmp_path: Path, base: str) -> None:
    first = fhir("Patient", step="everything", url=f"https://p.example{base}/Patient/1/$everything")
    page = fhir("", seconds=3, url=f"https://p.example{base}?_getpages=1")
    del page["extract_step"]
    found = observe(log_file.read(written(tmp_path, [first, page])), 182)
    (walk,) = found["everything"].value
    assert walk["pages"] == 2


@pytest.mark.parametrize(
    ("url", "kind", "step"),
    [
        ("/fhir/Coverage?patient=1", "Coverage", "individual"),
        ("/fhir/Coverage/_search", "Coverage", "individual"),
        ("/fhir/Patient/1", "Patient", "individual"),
        ("/fhir/Organization/1/", "Organization", "reference"),
        ("/fhir/Patient/1/$everything", "Patient", "everything"),
        ("/fhir/Patient/1/$everything?_page=2", "Patient", "pagination"),
        ("/fhir?_getpages=7&x=", "", "pagination"),
        ("/fhir/Coverage?CURSOR=", "Coverage", "pagination"),
        ("/Api/Patient", "Patient", "individual"),
        ("/fhir", "", "individual"),
        ("https://[p/fhir/Patient", "", "individual"),
    ],
)
def test_an_address_tells_the_type_and_the_step(url: str, kind: str, step: str) -> None:
    assert kind_and_step(url) == (kind, step)


@pytest.mark.parametrize(
    ("counts", "total"), [((20, 15), 35), ((20, None), 20), ((None, 15), 15), ((None, None), None)]
)
def test_the_entries_of_the_pages_of_everything_are_added(
    counts: tuple[int | None, ...], total: int | None, tmp_path: Path
) -> None:
    _, evidence = grade_log(Log(written(tmp_path, everything(*counts))))
    (walk,) = evidence.traffic["everything"].value
    assert (walk["pages"], walk["entries"]) == (2, total)
