"""A file and PostgreSQL, asked the same in the same order, answer the same bytes."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from support.grants import hold_token
from support.stores import DATABASE, place

from sandbox.core.clock import FrozenClock
from sandbox.fhir.schema.types import TYPES
from sandbox.population.build_library import people
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store.ledger.database import Ledger
from sandbox.store.library.write import build

pytestmark = pytest.mark.skipif(not DATABASE, reason="make test-postgres starts the database")

EOB = "ExplanationOfBenefit"
DAY, NOW = date(2026, 3, 1), datetime(2026, 3, 2, tzinfo=UTC)
MEMBERS = ("mbr-0001", "mbr-0002", "mbr-0004")
ASKED = [
    *TYPES,
    *(f"{kind}?_count=3&_sort=-_lastUpdated,_id&_total=accurate" for kind in TYPES),
    *(f"{kind}?_lastUpdated=ge2024&_summary=count" for kind in TYPES),
    f"{EOB}?_count=7",
    f"{EOB}?_count=5&_sort=-service-date,type&service-date=ge2024-06",
    f"{EOB}?_include=*&_include:iterate=Coverage:payor&_count=20",
    f"{EOB}?type:not=pharmacy&identifier:missing=false&_elements=type,status",
    "Patient?_revinclude=Provenance:target&_revinclude=Coverage:beneficiary",
    "Observation?category=laboratory&_sort=code,-date&_count=4",
    "Condition?code:missing=false&recorded-date=sa2023&_sort=code",
    "Organization?name:contains=a&_sort=name,-_id&_count=10",
    "Practitioner?name=%C3%A9,m&_count=9",
    "Location?address-city:exact=Springfield",
    "Encounter?date=ap2025-06-15&patient.family:contains=e",
    "Patient/{me}/$everything?_count=40",
    "Patient/{me}/$everything?start=2025-06&end=2025-09&_type=Observation,Organization",
    "DocumentReference/$docref?patient={me}",
    "Patient/{me}",
    "Patient/{me}/_history",
    "Patient/{me}/_history/1",
    "metadata",
    "Nonsense",
    "Patient/nobody",
    f"{EOB}?service-date=yesterday",
    f"{EOB}?patient=mbr-0003",
    f"{EOB}?unknown=1&_count=1",
]


class Payer:
    """One of the two; both have the same keys, the same tokens, and a clock that stands."""

    def __init__(self, library: str | Path, ledger: str | Path):
        book = Ledger(ledger)
        book.key("pages", lambda: "the same for both")
        book.close()
        settings = Settings(library=str(library), ledger=str(ledger))
        self.clock = FrozenClock(NOW)
        self.app = create_app(settings, self.clock)
        self.client = self.app.test_client()
        for who in MEMBERS:
            hold_token(self.app.extensions["wiring"].ledger.tenant(""), who, who)

    def get(self, who: str, url: str) -> tuple[int, dict[str, str], bytes]:
        """Without what is made up anew for every request."""
        answer = self.client.get(url, headers={"Authorization": f"Bearer {who}"})
        headers = {name: value for name, value in answer.headers.items() if name != "X-Request-Id"}
        body = re.sub(rb'"diagnostics":"[^"]{8}"', b"", answer.data)
        headers.pop("Content-Length")
        return answer.status_code, headers, body


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Payer, Payer]:
    made = [(d.account, [r.body for r in d.rendered]) for d in people(Settings(members=12), DAY)]
    folder = tmp_path_factory.mktemp("both")
    library, ledger = folder / "library.db", folder / "ledger.db"
    for where in (library, place(library)):
        build(where, made)
    return Payer(library, ledger), Payer(place(library), place(ledger))


def following(body: bytes) -> str | None:
    found = re.search(rb'"relation":"next","url":"http://localhost([^"]+)"', body)
    return found[1].decode() if found else None


@pytest.mark.parametrize("who", MEMBERS)
def test_the_same_requests_get_the_same_bytes(both: tuple[Payer, Payer], who: str) -> None:
    file, server = both
    pages = 0
    for path in ASKED:
        url: str | None = f"/fhir/{path.replace('{me}', who)}"
        while url:
            answer = file.get(who, url)
            assert answer == server.get(who, url), url
            url, pages = following(answer[2]), pages + 1
    assert pages > 2 * len(ASKED)


def test_the_same_journal_was_written(both: tuple[Payer, Payer]) -> None:
    for payer in both:
        payer.get(MEMBERS[0], f"/fhir/{EOB}?_count=2")
        payer.get(MEMBERS[0], "/fhir/Patient/nobody")
    told = [payer.client.get("/_sandbox/journal?limit=1000").json["entries"] for payer in both]
    made_up = {"request", "ms"}
    journals = [[{k: v for k, v in entry.items() if k not in made_up} for entry in book] for book in told]
    assert journals[0] == journals[1]
    assert len(journals[0]) >= 2
