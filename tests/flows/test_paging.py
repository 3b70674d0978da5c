"""Pages: they lead on, back and to the beginning, show one instant, belong to one query, and expire."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from support import stores
from support.grants import hold_token
from support.smart_app import MakeApp, SmartApp
from unit.fhir.fhir_samples import eob, patient

from sandbox.core.clock import FrozenClock
from sandbox.server.app import create_app
from sandbox.settings import Settings
from sandbox.store.library.write import build

EOB = "ExplanationOfBenefit"


def link(bundle: dict[str, Any], relation: str) -> str | None:
    found = [each["url"] for each in bundle["link"] if each["relation"] == relation]
    assert len(found) <= 1
    return found[0] if found else None


def ids(bundle: dict[str, Any]) -> list[str]:
    return [e["resource"]["id"] for e in bundle.get("entry", ()) if e["search"]["mode"] == "match"]


def params(url: str) -> list[tuple[str, str]]:
    return [pair for pair in parse_qsl(urlsplit(url).query, keep_blank_values=True) if pair[0] != "_page"]


QUERIES = [
    f"{EOB}?_count=7",
    f"{EOB}?_count=7&_sort=-service-date,type",
    f"{EOB}?_count=7&_sort=type&type=pharmacy,professional&type:not=oral&_include={EOB}:provider",
    "Observation?_count=5&_sort=code,-date&status=final",
    "Patient/{patient}/$everything?_count=40",
]


@pytest.mark.parametrize("query", QUERIES)
def test_pages_lead_on_and_back_over_the_same_resources(maria: SmartApp, query: str) -> None:
    path = query.replace("{patient}", maria.patient)
    ahead = maria.pages(path)
    assert len(ahead) >= 3
    assert (
        len({i for page in ahead for i in ids(page)}) == ahead[0]["total"] == sum(map(len, map(ids, ahead)))
    )
    assert len({len(ids(page)) for page in ahead[:-1]}) == 1
    assert 0 < len(ids(ahead[-1])) <= len(ids(ahead[0]))
    back = [ahead[-1], *maria.pages(link(ahead[-1], "previous") or "", "previous")]
    assert [ids(page) for page in back] == [ids(page) for page in ahead[::-1]]
    for page in (*ahead, *back):
        assert ids(maria.get(link(page, "self") or "").json()) == ids(page)
        assert ids(maria.get(link(page, "first") or "").json()) == ids(ahead[0])
    assert link(ahead[0], "previous") is None
    assert link(ahead[-1], "next") is None


def test_links_keep_every_parameter_repeated_and_escaped_ones_too(maria: SmartApp) -> None:
    asked = [
        ("identifier:not", r"http://h/s\|1|a\,b\\"),
        ("service-date", "ge2000"),
        ("service-date", "lt2100-01-01T00:00:00+05:00"),
        ("_include", f"{EOB}:provider"),
        ("_include", f"{EOB}:coverage"),
        ("_sort", "-service-date"),
        ("_count", "20"),
    ]
    for page in maria.pages(f"{EOB}?{urlencode(asked)}"):
        for each in page["link"]:
            assert params(each["url"]) == asked


def test_a_posted_search_has_links_to_get(maria: SmartApp) -> None:
    url = f"{maria.base}/fhir/{EOB}/_search?_count=30"
    form = {"service-date": ["ge2000", "lt2100"], "_sort": "-service-date,_id"}
    posted = maria.http.post(url, data=form, headers=maria.bearer).json()
    asked = [
        ("_count", "30"),
        *(("service-date", v) for v in ("ge2000", "lt2100")),
        ("_sort", "-service-date,_id"),
    ]
    got = maria.get(f"{EOB}?{urlencode(asked)}").json()
    assert posted["entry"] == got["entry"]
    assert params(link(posted, "next") or "") == asked
    assert "/_search" not in str(posted["link"])
    assert ids(maria.get(link(posted, "next") or "").json()) == ids(maria.get(link(got, "next") or "").json())


@pytest.mark.parametrize("relation", ["next", "previous", "first", "self"])
def test_a_page_is_for_its_own_query_only(maria: SmartApp, relation: str) -> None:
    second = maria.get(link(maria.get(f"{EOB}?_count=9&_sort=type").json(), "next") or "").json()
    url = link(second, relation) or ""
    assert maria.get(url).status_code == 200
    for other in (
        url.replace("_count=9", "_count=10"),
        url.replace("_sort=type", "_sort=-type"),
        url.replace(EOB, "Coverage"),
        url + "&type=oral",
        url + "x",
        url[:-4] + "AAAA",
    ):
        answer = maria.get(other)
        assert answer.status_code == 400
        assert answer.json()["issue"][0]["expression"] == ["_page"] or "_sort" in answer.text


def test_a_page_is_for_its_own_payer_and_member_only(make_app: MakeApp, maria: SmartApp) -> None:
    url = link(maria.get(f"{EOB}?_count=9").json(), "next") or ""
    token = dict(parse_qsl(urlsplit(url).query))["_page"]
    other = make_app("rate-limited").connect("maria")
    assert other.get(f"{EOB}?_count=9&_page={token}").status_code == 400
    assert make_app().connect("walter").get(url).status_code == 400


def test_a_page_expires_by_the_clock(maria: SmartApp) -> None:
    first = maria.get(f"{EOB}?_count=9").json()
    url = link(first, "next") or ""
    maria.control("clock", {"advance": "PT29M"})
    second = maria.get(url).json()
    maria.control("clock", {"advance": "PT2M"})
    gone = maria.get(url)
    assert gone.status_code == 410
    assert gone.json()["issue"][0]["code"] == "expired"
    assert gone.json()["issue"][0]["expression"] == ["_page"]
    # The second page was made later: its links live on.
    assert maria.get(link(second, "next") or "").status_code == 200
    assert maria.get(link(first, "self") or "").status_code == 200


def test_a_walk_shows_one_instant_whatever_appears_meanwhile(tmp_path: Path) -> None:
    """A claim that reaches the payer during a walk, and one that is replaced, move nothing."""
    clock = FrozenClock(datetime(2026, 2, 1, tzinfo=UTC))
    claims = [eob(f"e{n}", meta=updated("2026-01-01T00:00:00Z")) for n in range(6)]
    late = eob("e-late", meta=updated("2026-02-01T00:05:00Z"))
    again = eob("e3", status="cancelled", meta=updated("2026-02-01T00:05:00Z", "2"))
    person = [patient(meta=updated("2026-01-01T00:00:00Z")), claims[0], late, *claims[1:], again]
    get = payer_of(tmp_path, person, clock)
    for query in (
        f"{EOB}?_count=2",
        f"{EOB}?_count=2&_sort=-_lastUpdated",
        "Patient/p1/$everything?_count=2",
    ):
        clock.at = datetime(2026, 2, 1, tzinfo=UTC)
        first = get(query)
        clock.advance(timedelta(minutes=6))
        pages = [first]
        while url := link(pages[-1], "next"):
            pages.append(get(url))
        assert not any("e-late" in ids(page) or "cancelled" in str(page) for page in pages)
        assert {page["total"] for page in pages} == {first["total"]}
        assert sum(len(ids(page)) for page in pages) == first["total"]
        assert get(query)["total"] == first["total"] + 1
        assert "cancelled" in str(get(query.replace("_count=2", "_count=20")))


def updated(at: str, version: str = "1") -> dict[str, str]:
    return {"versionId": version, "lastUpdated": at}


def payer_of(folder: Path, person: list[Any], clock: FrozenClock) -> Callable[[str], dict[str, Any]]:
    """A payer with one member, who holds a token for everything. Returns what gets from it."""
    library = stores.place(folder / "library.db")
    build(library, [(None, person)])
    settings = Settings(library=str(library), ledger=stores.ledger(folder / "ledger.db"))
    app = create_app(settings, clock)
    hold_token(app.extensions["wiring"].ledger.tenant(""), "t", "p1")

    def get(path: str) -> dict[str, Any]:
        path = path.removeprefix("http://localhost/fhir/")
        answer = app.test_client().get(f"/fhir/{path}", headers={"Authorization": "Bearer t"})
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json
        return found

    return get


def test_how_an_answer_is_written_is_no_part_of_a_walk(maria: SmartApp) -> None:
    first = maria.get(f"{EOB}?_count=9").json()
    url = next(link["url"] for link in first["link"] if link["relation"] == "next")
    second = maria.get(url).json()
    for more in ("&_format=json", "&_pretty=true"):
        assert maria.get(url + more).json()["entry"] == second["entry"]
    asked = maria.get(f"{EOB}?_format=json&_count=9").json()
    (following,) = [link["url"] for link in asked["link"] if link["relation"] == "next"]
    assert "_format=json" in following
    assert maria.get(following).json()["entry"] == second["entry"]
