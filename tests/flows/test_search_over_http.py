"""A sample of the oracle's searches over HTTP, by GET and by POST, with every page turned."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from support.oracle import Oracle
from support.searches import Answer, Drawn, Search, check
from support.smart_app import MakeApp, SmartApp

from sandbox.core.clock import SystemClock
from sandbox.core.files import json_value
from sandbox.store.library.packing import Packing
from sandbox.store.library.schema import ABOUT, DICTIONARY, RESOURCE


@pytest.fixture(scope="module")
def oracle(library_file: Path) -> Oracle:
    """Over the population that is served, in its order."""
    with create_engine(f"sqlite:///{library_file}").connect() as db:
        kept = db.execute(select(RESOURCE.c.body).order_by(RESOURCE.c.key)).scalars().all()
        dictionary = db.execute(select(ABOUT.c.value).where(ABOUT.c.name == DICTIONARY)).scalar_one()
    return Oracle(map(json_value, map(Packing(dictionary).unpack, kept)), SystemClock().now())


class Asking:
    """Asks as this app, every other time by POST."""

    def __init__(self, app: SmartApp):
        self.app = app
        self.turn = count()

    def __call__(self, search: Search) -> Answer:
        found: list[dict[str, Any]] = []
        answer = self._first(search)
        while True:
            if answer.status_code == 403:
                return Answer([], [], None, [], refused=True)
            assert answer.status_code == 200, (search, answer.text)
            found.append(answer.json())
            following = [li["url"] for li in found[-1]["link"] if li["relation"] == "next"]
            if not following:
                break
            answer = self.app.get(following[0])
        pages = [self._names(bundle, "match") for bundle in found]
        assert not any(self._names(bundle, "outcome") for bundle in found), search
        return Answer(
            [name for page in pages for name in page],
            [len(page) for page in pages],
            found[0].get("total"),
            self._names(found[0], "include"),
        )

    def _first(self, search: Search) -> Any:
        if next(self.turn) % 2:
            return self.app.http.get(
                f"{self.app.base}/fhir/{search.kind}", params=list(search.args), headers=self._bearer
            )
        form: dict[str, list[str]] = {}
        for name, text in search.args[1:]:
            form.setdefault(name, []).append(text)
        url = f"{self.app.base}/fhir/{search.kind}/_search"
        headers = self._bearer | {"Content-Type": "application/x-www-form-urlencoded"}
        return self.app.http.post(url, params=list(search.args[:1]), data=form, headers=headers)

    @property
    def _bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.app.tokens['access_token']}"}

    @staticmethod
    def _names(bundle: dict[str, Any], mode: str) -> list[tuple[str, str]]:
        return [
            (e["resource"]["resourceType"], e["resource"].get("id", ""))
            for e in bundle.get("entry", ())
            if e["search"]["mode"] == mode
        ]


def test_the_api_finds_what_a_plain_filter_finds(make_app: MakeApp, oracle: Oracle) -> None:
    maria = make_app().connect("maria")
    drawn = Drawn(oracle, f"{maria.base}/fhir", patients=[maria.patient])
    oracle.base = f"{maria.base}/fhir"
    ask = Asking(maria)

    @settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def agree(data: st.DataObject) -> None:
        search = data.draw(drawn.searches())
        check(oracle, search, ask(search))

    agree()


def test_a_search_body_is_a_form(maria: SmartApp) -> None:
    url, bearer = f"{maria.base}/fhir/Patient/_search", f"Bearer {maria.tokens['access_token']}"
    answer = maria.http.post(url, json={"name": "x"}, headers={"Authorization": bearer})
    assert (answer.status_code, answer.json()["resourceType"]) == (415, "OperationOutcome")


def test_a_search_over_several_types_is_refused_in_words(maria: SmartApp) -> None:
    answer = maria.get("?_type=Patient,Coverage", Accept="application/fhir+json")
    (issue,) = answer.json()["issue"]
    assert (answer.status_code, issue["code"]) == (404, "not-supported")
    assert maria.get("?_format=json").status_code == 200
