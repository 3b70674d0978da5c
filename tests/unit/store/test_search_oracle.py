"""Server and oracle answer alike: for every type, whatever is combined (`make oracle` runs 20,000)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.asking import ask
from support.crowd import BASE, Crowd
from support.searches import Drawn, check


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    return Crowd(tmp_path_factory.mktemp("crowd"), members=4, seed=3)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_server_finds_what_a_plain_filter_finds(crowd: Crowd, data: st.DataObject) -> None:
    search = data.draw(Drawn(crowd.oracle, BASE).searches())
    check(crowd.oracle, search, ask(crowd.library, search, crowd.now, BASE))
