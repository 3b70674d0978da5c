"""The fast lane beneath Flask answers and journals what Flask would, byte for byte, or stands aside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

import pytest
from support import stores
from support.grants import hold_token
from werkzeug.test import Client, TestResponse

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.web.dispatch import ScenarioPath
from sandbox.web.stored_reads import StoredReads

EOB = "ExplanationOfBenefit"
DAY = 86_400_000


class Doors(NamedTuple):
    """The same payer through the lane, and through Flask alone."""

    lane: Callable[..., TestResponse]
    flask: Callable[..., TestResponse]
    taken: list[bool]
    patient: str
    journal: Callable[[], list[dict[str, Any]]]

    def both(self, path: str, **options: Any) -> tuple[TestResponse, TestResponse]:
        self.taken.clear()
        return self.lane(path, **options), self.flask(path, **options)


@pytest.fixture(scope="module")
def doors(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Doors:
    ledger = stores.place(tmp_path_factory.mktemp("lane") / "ledger.db")
    clock = FrozenClock(SystemClock().now())
    app = create_app(replace(settings, ledger=str(ledger)), clock)
    lane: StoredReads = app.extensions["stored_reads"]
    taken: list[bool] = []

    def watched(environ: Any, inner: Callable[..., Any] = lane._answer) -> Any:
        answered = inner(environ)
        taken.append(answered is not None)
        return answered

    lane._answer = watched  # type: ignore[method-assign]
    rooms = app.extensions["wiring"]
    patient = rooms.accounts["maria"].patient
    for tenant in ("", "few-clinical-types", "rate-limited"):
        for secret, scope, uses in (
            ("whole", "launch/patient patient/*.rs", None),
            ("part", f"patient/Patient.r patient/{EOB}.rs", None),
            ("granular", "patient/Observation.rs?category=laboratory patient/Patient.rs", None),
            ("few", "patient/*.rs", 2),
        ):
            hold_token(rooms.ledger.tenant(tenant), secret, patient, scope, uses, "maria")

    def through(door: Any) -> Callable[..., TestResponse]:
        client = Client(door, TestResponse)

        def get(path: str, token: str = "whole", method: str = "GET", **headers: str) -> TestResponse:
            sent = {
                "Authorization": f"Bearer {token}",
                **{k.replace("_", "-"): v for k, v in headers.items()},
            }
            return client.open(path, method=method, headers=sent)

        return get

    def journal() -> list[dict[str, Any]]:
        return rooms.ledger.tenant("").journal(limit=2)

    return Doors(through(app.wsgi_app), through(ScenarioPath(lane.app, rooms.apis)), taken, patient, journal)


def told(answer: TestResponse) -> tuple[int, list[tuple[str, str]], bytes]:
    """Everything of an answer but its request id."""
    own = answer.headers["X-Request-Id"]
    headers = sorted((k, v) for k, v in answer.headers.items() if k != "X-Request-Id")
    return answer.status_code, headers, answer.data.replace(own.encode(), b"-")


PLAIN = [
    "Patient/{patient}",
    "Patient",
    f"{EOB}?patient={{patient}}",
    f"{EOB}?patient=Patient/{{patient}}&_count=3",
    f"{EOB}?_count=2&_include={EOB}:provider&_include={EOB}:coverage",
    f"{EOB}?_count=0",
    f"{EOB}?_summary=count",
    f"{EOB}?_total=none&_count=1",
    f"{EOB}?_sort=-service-date&_count=4&type=pharmacy,professional",
    f"{EOB}?service-date=ge2020&service-date=le2100&_elements=id,status",
    "Observation?category=laboratory&_count=5",
    "Observation?category=http%3A%2F%2Fterminology.hl7.org%2FCodeSystem%2Fobservation-category%7Claboratory",
    "Coverage?status=active&colour=%C3%BCble&colour=2",
    "Practitioner?name=a&_count=2",
    "Patient/{patient}/$everything",
    "Patient/{patient}/$everything?_count=20&_type=Observation,Condition",
    "Patient/{patient}/$everything?start=2020-01-01&_since=2021-01-01T00:00:00Z",
    "Patient/{patient}/$everything?_count=0",
    "Condition?patient=&_count=1",
]


@pytest.mark.parametrize("path", PLAIN)
@pytest.mark.parametrize("token", ["whole", "part", "granular"])
@pytest.mark.parametrize("prefix", ["", "/s/few-clinical-types"])
def test_both_ways_answer_alike(doors: Doors, path: str, token: str, prefix: str) -> None:
    by_lane, by_flask = doors.both(f"{prefix}/fhir/{path.format(patient=doors.patient)}", token=token)
    assert told(by_lane) == told(by_flask)
    assert doors.taken == [by_lane.status_code == 200]


@pytest.mark.parametrize("path", PLAIN[:8])
def test_both_ways_journal_alike(doors: Doors, path: str) -> None:
    doors.both(f"/fhir/{path.format(patient=doors.patient)}", Accept="application/fhir+json")
    first, second = doors.journal()
    assert doors.taken == [True]
    assert first.keys() == second.keys()
    own = {"number", "request", "ms"}
    assert {k: v for k, v in first.items() if k not in own} == {
        k: v for k, v in second.items() if k not in own
    }


HEADERS = [
    {"Accept": "application/fhir+json"},
    {"Accept": "application/json;q=0.5, */*;q=0.1"},
    {"Accept_Encoding": "gzip"},
    {"Accept_Encoding": "identity;q=1, gzip;q=0.5"},
    {"Accept_Encoding": "br, gzip, deflate", "User_Agent": "an app"},
    {"Host": "payer.localhost:8443"},
]


@pytest.mark.parametrize("headers", HEADERS)
def test_what_only_packs_the_answer_is_understood(doors: Doors, headers: dict[str, str]) -> None:
    by_lane, by_flask = doors.both(f"/fhir/{EOB}?_count=9", **headers)
    assert told(by_lane) == told(by_flask)
    assert doors.taken == [True]


def test_pages_lead_from_one_to_the_other(doors: Doors) -> None:
    for leading in (doors.lane, doors.flask):
        links = leading(f"/fhir/{EOB}?_count=5").json["link"]
        after = next(link["url"] for link in links if link["relation"] == "next").removeprefix(
            "http://localhost"
        )
        by_lane, by_flask = doors.both(after)
        assert told(by_lane) == told(by_flask)
        assert doors.taken == [True]


ASIDE: list[tuple[str, dict[str, Any]]] = [
    ("/fhir/Patient/{patient}", {"method": "HEAD"}),
    ("/fhir/Patient/{patient}", {"If_None_Match": 'W/"1"'}),
    ("/fhir/Patient/{patient}", {"If_Modified_Since": "Sat, 01 Jan 2124 00:00:00 GMT"}),
    ("/fhir/Patient/{patient}", {"Origin": "http://localhost:5173"}),
    ("/fhir/Patient/{patient}", {"X_Sandbox_Scenario": "broken-references"}),
    ("/fhir/Patient/{patient}", {"Accept": "application/fhir+xml"}),
    ("/fhir/Patient/{patient}", {"Accept": "application/fhir+json," * 100}),
    ("/fhir/Patient/{patient}", {"token": "unknown"}),
    ("/fhir/Patient/{patient}?_format=json", {}),
    ("/fhir/Patient/{patient}?_pretty=true", {}),
    ("/fhir/Patient/{patient}?access_token=whole", {}),
    ("/fhir/Patient/nobody", {}),
    ("/fhir/Patient?colour=red", {"Prefer": "handling=strict"}),
    ("/fhir/Patient?birthdate=long ago", {}),
    ("/fhir/Basket/1", {}),
    (f"/fhir/{EOB}?patient=somebody-else", {}),
    (f"/fhir/{EOB}?_page=forged", {}),
    (f"/fhir/{EOB}/$everything", {}),
    ("/fhir/Coverage", {"token": "granular"}),
    ("/s/rate-limited/fhir/Patient/{patient}", {}),
    ("/s/no-such-scenario/fhir/Patient/{patient}", {}),
]


@pytest.mark.parametrize(("path", "options"), ASIDE)
def test_whatever_is_unusual_or_refused_is_left_to_flask(
    doors: Doors, path: str, options: dict[str, Any]
) -> None:
    by_lane, by_flask = doors.both(path.format(patient=doors.patient), **options)
    assert by_lane.status_code == by_flask.status_code
    assert doors.taken == [False]
    if "X-Request-Id" in by_lane.headers:
        assert told(by_lane) == told(by_flask)


def test_a_token_for_a_number_of_requests_loses_one_with_each(doors: Doors) -> None:
    statuses = [doors.lane("/fhir/Patient", token="few").status_code for _ in range(3)]
    assert statuses == [200, 200, 401]
