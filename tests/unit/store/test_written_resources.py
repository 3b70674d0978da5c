"""Written resources: versions by the payer's clock, one winner, limits, and a revision that always moves."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event
from support.reach import reader
from support.stores import BEGIN, library_of
from unit.fhir.fhir_samples import condition, coverage, encounter, member

from sandbox.core.clock import FrozenClock
from sandbox.core.errors import Conflict, Forbidden, Gone, NotFound, TooLarge
from sandbox.core.files import json_value
from sandbox.fhir.library import Everything, Library
from sandbox.fhir.search.query import parse
from sandbox.store.layered import library as layered
from sandbox.store.layered.library import LayeredLibrary, TenantLibraries
from sandbox.store.ledger.database import Ledger, TenantLedger
from sandbox.store.ledger.repositories import written as repository
from sandbox.store.ledger.repositories.written import WRITTEN, WrittenChange
from sandbox.store.ledger.retention import DAY, RULES, Sweeper
from sandbox.store.library.layer import FIRST_KEY
from sandbox.store.library.read import SqlLibrary

NOW = int(BEGIN.timestamp() * 1000)
THREADS = 8
EOB = "ExplanationOfBenefit"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    points_to_nothing_yet = condition("b1", "p1", encounter={"reference": "Encounter/v1"})
    mine = [*member("p1"), points_to_nothing_yet]
    return library_of(tmp_path_factory.mktemp("built"), mine, member("p2"))


@pytest.fixture
def tenant(ledger: Ledger) -> TenantLedger:
    return ledger.tenant("a~one")


@pytest.fixture
def libraries(built: SqlLibrary) -> TenantLibraries:
    return TenantLibraries(built)


def seen(libraries: TenantLibraries, tenant: TenantLedger) -> Library:
    return libraries.of_tenant(tenant.written, tenant.tenant_state().revision)


def consent(id: str, patient: str = "p1", **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Consent",
        "id": id,
        "status": "active",
        "patient": {"reference": f"Patient/{patient}"},
        **more,
    }


def test_a_tenant_without_any_pays_nothing(
    ledger: Ledger, tenant: TenantLedger, libraries: TenantLibraries, built: SqlLibrary
) -> None:
    statements: list[str] = []
    event.listen(ledger._engine, "before_cursor_execute", lambda *args: statements.append(args[2]))
    state = tenant.tenant_state()
    assert state == (0, False, None, None)
    assert libraries.of_tenant(tenant.written, state.revision) is built
    assert tenant.written.write([], NOW) == []
    assert tenant.written.revision() is None
    assert statements == []  # beside the one that the driver runs for every request


def test_what_is_put_is_stamped_read_replaced_and_deleted(
    tenant: TenantLedger, libraries: TenantLibraries
) -> None:
    first = tenant.written.put(consent("c1", meta={"profile": ["urn:x"]}), NOW)
    assert (first.version, first.patient, first.updated) == (1, "p1", NOW)
    body = json_value(first.body or b"")
    assert body["meta"] == {"profile": ["urn:x"], "versionId": "1", "lastUpdated": "2027-03-01T00:00:00Z"}
    current = seen(libraries, tenant).read("Consent", "c1", NOW)
    assert current is not None
    assert (current.body, current.version, current.key) == (first.body, "1", FIRST_KEY + first.number)
    second = tenant.written.put(consent("c1", status="inactive"), NOW + 1, current=current)
    library = seen(libraries, tenant)
    assert library.read("Consent", "c1", NOW).body == first.body  # type: ignore[union-attr]
    assert library.read("Consent", "c1", NOW + 1).body == second.body  # type: ignore[union-attr]
    assert [s.version for s in library.versions("Consent", "c1", NOW + 1)] == ["2", "1"]
    tenant.written.delete(library.read("Consent", "c1", NOW + 1), NOW + 2)  # type: ignore[arg-type]
    library = seen(libraries, tenant)
    assert library.read("Consent", "c1", NOW + 2) is None
    assert [s.version for s in library.versions("Consent", "c1", NOW + 2)] == ["2", "1"]
    with pytest.raises(Gone):
        reader(library, "p1", NOW + 2).read("Consent", "c1")
    assert tenant.written.put(consent("c1"), NOW + 3).version == 4


def test_a_library_resource_is_replaced_and_deleted_for_this_tenant_only(
    ledger: Ledger, tenant: TenantLedger, libraries: TenantLibraries, built: SqlLibrary
) -> None:
    before = built.read("Coverage", "c1", NOW)
    put = tenant.written.put(coverage("c1", "p1", status="cancelled"), NOW, current=before)
    assert put.version == 2
    library = seen(libraries, tenant)
    assert b"cancelled" in library.read("Coverage", "c1", NOW).body  # type: ignore[union-attr]
    assert library.read("Coverage", "c1", NOW - 1) == before
    assert [s.version for s in reader(library, "p1", NOW).history("Coverage", "c1")] == ["2", "1"]
    page = library.search(parse("Coverage", []).within("p1"), NOW)
    assert ([s.version for s in page.matches], page.total) == (["2"], 1)
    tenant.written.delete(library.read("Coverage", "c1", NOW), NOW + 1)  # type: ignore[arg-type]
    library = seen(libraries, tenant)
    assert library.search(parse("Coverage", []).within("p1"), NOW + 1).total == 0
    included = library.include(
        library.search(parse(EOB, []).within("p1"), NOW + 1).matches,
        parse(EOB, [("_include", f"{EOB}:coverage")]).includes,
        NOW + 1,
        "p1",
    )
    assert included == ()
    other = ledger.tenant("a~two")
    assert seen(libraries, other) is built


def test_a_clock_that_is_turned_back_hides_what_came_later(
    tenant: TenantLedger, libraries: TenantLibraries
) -> None:
    tenant.written.put(consent("c1", status="late"), NOW)
    library = seen(libraries, tenant)
    assert library.read("Consent", "c1", NOW - DAY) is None
    assert library.versions("Consent", "c1", NOW - DAY) == ()
    early = tenant.written.put(consent("c1", status="early"), NOW - DAY)
    library = seen(libraries, tenant)
    assert early.version == 2
    assert b"early" in library.read("Consent", "c1", NOW - 1).body  # type: ignore[union-attr]
    assert b"late" in library.read("Consent", "c1", NOW).body  # type: ignore[union-attr]
    for now, status in ((NOW - DAY - 1, []), (NOW - 1, [b"early"]), (NOW, [b"late"])):
        page = library.search(parse("Consent", []).within("p1"), now)
        assert [word in s.body for s, word in zip(page.matches, status, strict=True)] == [True] * len(status)


def test_what_is_written_stays_in_its_compartment(tenant: TenantLedger, libraries: TenantLibraries) -> None:
    tenant.written.put(consent("c1"), NOW)
    tenant.written.put({"resourceType": "Group", "id": "g1", "actual": True}, NOW, patient="p2")
    library = seen(libraries, tenant)
    assert reader(library, "p1", NOW).read("Consent", "c1")
    assert reader(library, "p2", NOW).read("Group", "g1")
    for patient, kind, id in (("p2", "Consent", "c1"), ("p1", "Group", "g1")):
        with pytest.raises(NotFound):
            reader(library, patient, NOW).read(kind, id)
        assert reader(library, patient, NOW).search(parse(kind, [])).matches == ()
        everything = reader(library, patient, NOW).everything(Everything(patient))
        assert (kind, id) not in {(s.type, s.id) for s in everything.matches}
    assert {s.type for s in library.everything(Everything("p1"), NOW).matches} >= {"Consent", "Patient"}


def test_granular_scopes_reach_a_part_of_both_layers(
    tenant: TenantLedger, libraries: TenantLibraries
) -> None:
    tenant.written.put(encounter("v1", status="finished"), NOW)
    tenant.written.put(encounter("v2", status="planned"), NOW)
    for number in (1, 2):
        visit = {"reference": f"Encounter/v{number}"}
        tenant.written.put(condition(f"w{number}", "p1", encounter=visit), NOW)
    part = (parse("Condition", [("encounter.status", "finished")]).clauses,)
    here = reader(seen(libraries, tenant), "p1", NOW, parts={"Condition": part})
    assert [s.id for s in here.search(parse("Condition", [])).matches] == ["b1", "w1"]
    everything = here.everything(here.parse_everything("p1", [("_count", "500")]))
    assert [s.id for s in everything.matches if s.type == "Condition"] == ["b1", "w1"]
    assert [here.read("Condition", id).id for id in ("b1", "w1")] == ["b1", "w1"]
    with pytest.raises(Forbidden):
        here.read("Condition", "w2")


def test_of_several_writers_exactly_one_wins(ledger: Ledger) -> None:
    start = Barrier(THREADS)

    def write(number: int) -> bool:
        start.wait()
        try:
            ledger.tenant("a").written.put(consent("c1", note=number), NOW)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        assert list(pool.map(write, range(THREADS))).count(True) == 1
    assert len(ledger.tenant("a").written.after(0)[1]) == 1


def test_writers_of_different_resources_all_win_and_the_revision_counts_them(ledger: Ledger) -> None:
    ledger.tenant("a").written.put(consent("first"), NOW)
    before = ledger.tenant("a").written.revision()
    assert before is not None
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda n: ledger.tenant("a").written.put(consent(f"c{n}"), NOW), range(40)))
    revision, versions = ledger.tenant("a").written.after(0)
    assert (revision, len(versions)) == (before + 40, 41)


def test_a_writer_that_saw_another_version_is_refused(
    tenant: TenantLedger, libraries: TenantLibraries
) -> None:
    tenant.written.put(consent("c1"), NOW)
    stale = seen(libraries, tenant).read("Consent", "c1", NOW)
    assert stale is not None
    tenant.written.put(consent("c1"), NOW + 1, current=stale)
    for attempt in (
        lambda: tenant.written.put(consent("c1"), NOW + 2),
        lambda: tenant.written.put(consent("c1"), NOW + 2, current=stale),
        lambda: tenant.written.delete(stale, NOW + 2),
    ):
        revision = tenant.written.revision()
        with pytest.raises(Conflict):
            attempt()
        assert tenant.written.revision() == revision


def test_all_changes_are_made_or_none(tenant: TenantLedger) -> None:
    tenant.written.put(consent("there"), NOW)
    changes = [WrittenChange("Consent", id, consent(id), "p1") for id in ("new", "there")]
    with pytest.raises(Conflict):
        tenant.written.write(changes, NOW)
    assert [v.id for v in tenant.written.after(0)[1]] == ["there"]


def test_a_tenant_writes_no_more_than_its_limits(
    tenant: TenantLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(TooLarge):
        tenant.written.put(consent("c1", text="x" * 66_000), NOW)
    monkeypatch.setattr(repository, "VERSIONS_MAX", 2)
    tenant.written.put(consent("c1"), NOW)
    tenant.written.put(consent("c2"), NOW)
    with pytest.raises(TooLarge):
        tenant.written.put(consent("c3"), NOW)
    monkeypatch.setattr(repository, "VERSIONS_MAX", 9)
    monkeypatch.setattr(repository, "BYTES_MAX", 400)
    with pytest.raises(TooLarge):
        tenant.written.put(consent("c3", text="x" * 200), NOW)
    assert len(tenant.written.after(0)[1]) == 2


def test_reset_removes_what_was_written(
    tenant: TenantLedger, libraries: TenantLibraries, built: SqlLibrary
) -> None:
    tenant.written.put(consent("c1"), NOW)
    revision = tenant.written.revision()
    assert seen(libraries, tenant) is not built
    tenant.reset()
    assert seen(libraries, tenant) is built
    tenant.written.put(consent("c2"), NOW)
    assert tenant.written.revision() != revision
    assert seen(libraries, tenant).read("Consent", "c1", NOW) is None


def test_what_was_swept_is_gone_from_the_index_too(
    ledger: Ledger, tenant: TenantLedger, libraries: TenantLibraries, built: SqlLibrary, clock: FrozenClock
) -> None:
    (rule,) = (each for each in RULES if each.table is WRITTEN)
    sweeper = Sweeper(ledger._driver, (rule,), ledger.upkeep.now, ledger.upkeep.now)
    tenant.written.put(consent("old"), NOW)
    clock.advance(timedelta(days=60))
    tenant.written.put(consent("new"), NOW)
    library = seen(libraries, tenant)
    assert library.search(parse("Consent", []), NOW).total == 2
    clock.advance(timedelta(days=30))
    ledger.visit(tenant.name)
    assert sweeper.sweep() == 1
    library = seen(libraries, tenant)
    assert [s.id for s in library.search(parse("Consent", []), NOW).matches] == ["new"]
    clock.advance(timedelta(days=60))
    ledger.visit(tenant.name)
    sweeper.sweep()
    assert seen(libraries, tenant) is built


def test_the_index_grows_by_what_is_new(
    tenant: TenantLedger, libraries: TenantLibraries, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = []
    original = layered.WrittenIndex

    def counted(*args: Any) -> Any:
        made.append(args)
        return original(*args)

    monkeypatch.setattr(layered, "WrittenIndex", counted)
    for number in range(5):
        tenant.written.put(consent(f"c{number}"), NOW + number)
        library = seen(libraries, tenant)
        assert isinstance(library, LayeredLibrary)
        assert library.search(parse("Consent", []), NOW + 9).total == number + 1
    assert len(made) == 1


def test_an_index_without_room_is_made_anew_and_answers_alike(
    tenant: TenantLedger, built: SqlLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(layered, "INDEXES", 0)
    monkeypatch.setattr(layered, "BODIES", 0)
    libraries = TenantLibraries(built)
    for number in range(3):
        tenant.written.put(consent(f"c{number}"), NOW)
        assert seen(libraries, tenant).search(parse("Consent", []), NOW).total == number + 1
    assert len(libraries._indexes) == 0
