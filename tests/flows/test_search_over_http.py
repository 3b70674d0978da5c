"""A sample of the oracle's searches and of `$everything` over HTTP, with every page turned."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine, select
from support.compartment import Asked, agree, calls
from support.oracle import Oracle
from support.searches import Answer, Drawn, Search, check
from support.smart_app import MakeApp, SmartApp

from sandbox.core.clock import SystemClock
from sandbox.core.files import json_value
from sandbox.store.library.packing import Packing
from sandbox.store.library.schema import ABOUT, DICTIONARY, RESOURCE

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def oracle(library_file: Path) -> Oracle:
    """Over the population that is served, in its order."""
    with create_engine(f"sqlite:///{library_file}").connect() as db:
        kept = db.execute(select(RESOURCE.c.body).order_by(RESOURCE.c.key)).scalars().all()
        dictionary = db.execute(select(ABOUT.c.value).where(ABOUT.c.name == DICTIONARY)).scalar_one()
    return Oracle(map(json_value, map(Packing(dictionary).unpack, kept)), SystemClock().now())


FEW = settings(max_examples=60, deadline=None, database=None, suppress_health_check=list(HealthCheck))


class Asking:
    """Asks as this app: searches by GET and by POST in turns."""

    def __init__(self, app: SmartApp):
        self.app = app
        self.turn = count()

    def search(self, search: Search) -> Answer:
        url = f"{self.app.base}/fhir/{search.kind}"
        if next(self.turn) % 2:
            return self._walk(self._get(url, search.args))
        form: dict[str, list[str]] = {}
        for name, text in search.args[1:]:
            form.setdefault(name, []).append(text)
        headers = self.app.bearer | {"Content-Type": "application/x-www-form-urlencoded"}
        address = list(search.args[:1])
        return self._walk(self.app.http.post(f"{url}/_search", params=address, data=form, headers=headers))

    def everything(self, call: Asked) -> Answer:
        return self._walk(self._get(f"{self.app.base}/fhir/Patient/{call.patient}/$everything", call.args))

    def _get(self, url: str, args: Sequence[tuple[str, str]]) -> httpx.Response:
        return self.app.http.get(url, params=list(args), headers=self.app.bearer)

    def _walk(self, first: httpx.Response) -> Answer:
        """The answer of a first page and of all that follow it."""
        if first.status_code == 403:
            return Answer([], [], None, [], refused=True)
        assert first.status_code == 200, (first.request.url, first.text)
        bundles = [first.json()]
        while following := [li["url"] for li in bundles[-1]["link"] if li["relation"] == "next"]:
            bundles.append(self.app.get(following[0]).json())
        pages = [self._names(bundle, "match") for bundle in bundles]
        assert not any(self._names(bundle, "outcome") for bundle in bundles), first.request.url
        return Answer(
            [name for page in pages for name in page],
            [len(page) for page in pages],
            bundles[0].get("total"),
            self._names(bundles[0], "include"),
        )

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
    asking = Asking(maria)

    @FEW
    @given(st.data())
    def ask(data: st.DataObject) -> None:
        search = data.draw(drawn.searches())
        check(oracle, search, asking.search(search))

    ask()


def test_everything_is_what_a_plain_filter_finds(maria: SmartApp, oracle: Oracle) -> None:
    many_pages = {("_count", "1"), ("_count", "3")}
    drawn = calls(oracle, [maria.patient]).filter(lambda call: not many_pages & set(call.args))
    asking = Asking(maria)

    @FEW
    @given(drawn)
    def ask(call: Asked) -> None:
        agree(oracle, call, asking.everything(call))

    ask()


def test_a_search_body_is_a_form(maria: SmartApp) -> None:
    answer = maria.http.post(f"{maria.base}/fhir/Patient/_search", json={"name": "x"}, headers=maria.bearer)
    assert (answer.status_code, answer.json()["resourceType"]) == (415, "OperationOutcome")


def test_a_search_over_several_types_is_refused_in_words(maria: SmartApp) -> None:
    answer = maria.get("?_type=Patient,Coverage", Accept="application/fhir+json")
    (issue,) = answer.json()["issue"]
    assert (answer.status_code, issue["code"]) == (404, "not-supported")
    assert maria.get("?_format=json").status_code == 200
