"""Library and written resources answer as a plain filter over both does, whatever was written when."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.asking import ask, ask_everything
from support.compartment import agree, calls
from support.crowd import BASE, Crowd
from support.oracle import Oracle
from support.scribbling import Scribbled, moments
from support.searches import Drawn, check

from sandbox.core.files import json_value
from sandbox.fhir.dates import milliseconds

pytestmark = pytest.mark.slow

MOMENTS = moments()


@pytest.fixture(scope="module")
def tenant(tmp_path_factory: pytest.TempPathFactory) -> Scribbled:
    folder = tmp_path_factory.mktemp("scribbled")
    return Scribbled(folder, Crowd(folder, members=3, seed=5), number=250, seed=7)


@pytest.fixture(scope="module")
def oracles(tenant: Scribbled) -> dict[datetime, Oracle]:
    return {moment: tenant.oracle(moment) for moment in MOMENTS}


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_searches_see_both_layers_as_one(
    tenant: Scribbled, oracles: dict[datetime, Oracle], data: st.DataObject
) -> None:
    moment = data.draw(st.sampled_from(MOMENTS[1:]))
    search = data.draw(Drawn(oracles[moment], BASE).searches())
    check(oracles[moment], search, ask(tenant.library(), search, milliseconds(moment), BASE))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_everything_sees_both_layers_as_one(
    tenant: Scribbled, oracles: dict[datetime, Oracle], data: st.DataObject
) -> None:
    moment = data.draw(st.sampled_from(MOMENTS[1:]))
    call = data.draw(calls(oracles[moment]))
    agree(oracles[moment], call, ask_everything(tenant.library(), call, milliseconds(moment)))


@pytest.mark.parametrize("moment", MOMENTS, ids=str)
def test_reads_and_histories_see_both_layers_as_one(
    tenant: Scribbled, oracles: dict[datetime, Oracle], moment: datetime
) -> None:
    library, oracle, now = tenant.library(), oracles[moment], milliseconds(moment)
    names = {(r["resourceType"], r["id"]) for r in oracle.order}
    for kind, id in names:
        stored, expected = library.read(kind, id, now), oracle.get((kind, id))
        assert (json_value(stored.body) if stored else None) == expected, (kind, id)
        history = library.versions(kind, id, now)
        assert [s.updated for s in history] == sorted((s.updated for s in history), reverse=True)
        assert len({s.version for s in history}) == len(history)
        if stored is not None:
            assert history[0] == stored
