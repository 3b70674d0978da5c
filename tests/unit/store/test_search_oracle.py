"""Server and oracle answer alike: for every type, whatever is combined (`make oracle` runs 20,000)."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.asking import ask, ask_everything
from support.compartment import agree, calls
from support.crowd import BASE, Crowd
from support.oracle import PARAMETERS
from support.searches import Drawn, check

from sandbox.fhir.schema.types import TYPES, find

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    return Crowd(tmp_path_factory.mktemp("crowd"), members=4, seed=3)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_server_finds_what_a_plain_filter_finds(crowd: Crowd, data: st.DataObject) -> None:
    search = data.draw(Drawn(crowd.oracle, BASE).searches())
    check(crowd.oracle, search, ask(crowd.library, search, crowd.now, BASE))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_everything_is_what_a_plain_filter_finds(crowd: Crowd, data: st.DataObject) -> None:
    asked = data.draw(calls(crowd.oracle))
    agree(crowd.oracle, asked, ask_everything(crowd.library, asked, crowd.now))


def test_the_oracle_knows_every_parameter_there_is() -> None:
    """Types, parameters, kinds and targets, each side from its own table."""
    kinds = {"code": "token", "link": "reference", "canonical": "reference"}
    known = {
        (kind, p.name, kinds.get(p.kind, p.kind), p.searchable)
        for kind, own in PARAMETERS.items()
        for p in own.values()
    }
    assert known == {(kind, p.name, p.kind, p.searchable) for kind, row in TYPES.items() for p in row.params}
    for kind, own in PARAMETERS.items():
        for p in own.values():
            if p.kind in ("link", "reference"):
                assert set(p.more) == set(find(kind, p.name).targets), (kind, p.name)
