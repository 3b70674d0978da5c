"""The scene of every attack, which runs with the defense that stops it and without."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from dataclasses import replace

import pytest
from attacks.breach import Breached, Scene, weakened
from sqlalchemy import text
from support import stores
from support.running import listening
from support.smart_app import MakeApp, SmartApp

from sandbox.settings import Settings
from sandbox.store.library.schema import NUMBERS

PLANT = """
INSERT INTO trait (holder, label, text)
SELECT mine.key, label.number, theirs.id FROM resource mine, resource theirs, label
WHERE mine.type = :claim AND mine.patient = 'mbr-0001'
  AND theirs.type = :coverage AND theirs.patient = 'mbr-0002'
  AND label.param = 'coverage' AND label.qualifier = 'Coverage'
"""


@pytest.fixture(autouse=True, params=["defended", "undefended"])
def defense(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    """Without its defense, an attack must succeed."""
    if pyfuncitem.funcargs.get("defense") != "undefended" or "defense" in pyfuncitem._fixtureinfo.argnames:
        return (yield)
    marks = list(pyfuncitem.iter_markers("undefended"))
    assert marks, "this attack does not say which defense stops it"
    with ExitStack() as stack:
        for mark in marks:
            stack.enter_context(weakened(*mark.args))
        try:
            yield
        except Breached:
            return True
    pytest.fail("The attack does not notice that the defense is missing", pytrace=False)


@pytest.fixture(scope="session")
def planted_origin(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A payer whose data are wrong: every claim of one member also refers to the coverage of another."""
    folder = tmp_path_factory.mktemp("planted")
    library = folder / "library.db"
    engine = stores.copied(settings.library, library)
    with engine.begin() as db:
        types = {"claim": NUMBERS["ExplanationOfBenefit"], "coverage": NUMBERS["Coverage"]}
        assert db.execute(text(PLANT), types).rowcount > 0
    engine.dispose()
    place, ledger = str(stores.place(library)), stores.ledger(folder / "ledger.db")
    with listening(replace(settings, library=place, ledger=ledger)) as origin:
        yield origin


@pytest.fixture
def scene(
    request: pytest.FixtureRequest, make_app: MakeApp, settings: Settings, session_name: str
) -> Iterator[Scene]:
    made: list[SmartApp] = []

    def planted() -> SmartApp:
        origin = request.getfixturevalue("planted_origin")
        made.append(SmartApp(f"{origin}/s/baseline~{session_name}"))
        return made[-1]

    yield Scene(make_app, planted, settings.ledger)
    for app in made:
        app.close()
