"""The data of another member, by every way that leads into a compartment."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from attacks.breach import Scene, held, undefended
from support.smart_app import SmartApp, hidden

from sandbox.apis.smart import pending_request
from sandbox.auth.household import Choice
from sandbox.fhir import reader
from sandbox.fhir.search.query import Query
from sandbox.store.library import read
from sandbox.store.library.include import follow
from sandbox.store.library.read import SqlLibrary
from sandbox.web.request import current

OTHER = "mbr-0002"

_EVERYBODYS = undefended(reader, is_visible=lambda stored, patient: True)
_BEYOND = undefended(Query, within=lambda self, patient, refuse=True: self)


def owner(resource: dict[str, Any]) -> str | None:
    """Whose compartment a resource is in; None for what belongs to nobody."""
    if resource["resourceType"] == "Patient":
        return str(resource["id"])
    for name in ("patient", "subject", "beneficiary"):
        reference = resource.get(name, {}).get("reference", "")
        if "Patient/" in reference:
            return str(reference.rpartition("Patient/")[2])
    return None


def keeps_to(app: SmartApp, answer: httpx.Response) -> bool:
    """Whether an answer shows nothing of another member."""
    assert answer.status_code < 500, answer.text
    bundle = answer.json()
    resources = [entry["resource"] for entry in bundle.get("entry", [])] or [bundle]
    return {owner(resource) for resource in resources} <= {None, app.patient}


@_EVERYBODYS
def test_reading_by_id(scene: Scene) -> None:
    """One resource of every type, with an id that the attacker knows."""
    maria, other = scene.make().connect("maria"), scene.make()
    found = others_resources(other)
    assert len(found) > 10
    for kind, id in found.items():
        answer = maria.get(f"{kind}/{id}")
        held(answer.status_code == 404, f"another member's {kind}")
        nobody = maria.get(f"{kind}/nobody").json()
        held(answer.json()["issue"][0]["details"] == nobody["issue"][0]["details"], "that it exists")


def others_resources(app: SmartApp) -> dict[str, str]:
    """Type → id of a resource of the other member."""
    app.connect("walter")
    assert app.patient == OTHER
    bundle = app.get(f"Patient/{OTHER}/$everything?_count=500").json()
    found = [entry["resource"] for entry in bundle["entry"]]
    return {r["resourceType"]: r["id"] for r in found if owner(r) == OTHER}


@_EVERYBODYS
def test_asking_for_everything(scene: Scene) -> None:
    maria = scene.make().connect("maria")
    for query in ("", "?_type=Coverage", "?_count=0", "?_since=2000-01-01"):
        answer = maria.get(f"Patient/{OTHER}/$everything{query}")
        held(answer.status_code == 404, "another member's $everything")


@pytest.mark.parametrize(
    "query",
    [
        "Coverage?patient={id}",
        "ExplanationOfBenefit?patient={id}&_count=5",
        "Patient?_id={id}",
        "Patient?_id={me},{id}",
        "Patient?name=a&_count=500",
        "Patient?gender=male&_count=500",
        "Condition?_count=500",
        # other names of the compartment
        "Coverage?patient=Patient/{id}",
        "Coverage?patient={base}/Patient/{id}",
        "Coverage?patient:Patient={id}",
        "Coverage?patient={me},{id}",
        "Coverage?patient={me}&patient={id}&_count=500",
        "Coverage?beneficiary=Patient/{id}&_count=500",
        "Observation?subject=Patient/{id}&_count=500",
        "Condition?patient.identifier={number}&_count=500",
        "Patient?_has:Coverage:patient:_id=x&_count=500",
        "Condition?_filter=subject eq Patient/{id}",
    ],
)
@_BEYOND
def test_searching(scene: Scene, query: str) -> None:
    maria = scene.make().connect("maria")
    if query.count("{id}") and "&patient=" in query:  # both must hold: nobody's, unless one is dropped
        query = query.replace("patient={me}&", "")
    number = number_of_other(scene) if "{number}" in query else ""
    path = query.format(id=OTHER, me=maria.patient, base=f"{maria.base}/fhir", number=number)
    held(keeps_to(maria, maria.get(path)), f"another member's data by {query}")


def number_of_other(scene: Scene) -> str:
    """The member id on the other member's card."""
    return str(scene.make().connect("walter").get(f"Patient/{OTHER}").json()["identifier"][0]["value"])


@pytest.mark.parametrize(
    "address",
    [
        pytest.param("", id="in the body"),
        pytest.param("?patient={id}", id="in body and address"),
    ],
)
@_BEYOND
def test_searching_by_post(scene: Scene, address: str) -> None:
    maria = scene.make().connect("maria")
    url = f"{maria.base}/fhir/Coverage/_search{address.format(id=OTHER)}"
    answer = maria.http.post(url, data={"patient": OTHER}, headers=maria.bearer)
    held(keeps_to(maria, answer), "another member's coverage by _search")


def _anywhere(fetch: Any, found: Any, includes: Any, now: int, patient: str | None) -> Any:
    return follow(fetch, found, includes, now, None)


def _anew(library: Any, patient: str, now: int, asked: Any, find: Any) -> Any:
    """A library that looks again: what it remembers was found while the defence stood."""
    return list(find())


_FOLLOWED = undefended(
    reader, SqlLibrary, read, is_visible=lambda stored, patient: True, _kept=_anew, follow=_anywhere
)


@pytest.mark.parametrize(
    ("include", "again"),
    [
        pytest.param("ExplanationOfBenefit:coverage", "", id="by name"),
        pytest.param("*", "", id="all"),
        pytest.param("*", "&_include:iterate=Coverage:*", id="again"),
    ],
)
@_FOLLOWED
def test_including(scene: Scene, include: str, again: str) -> None:
    """Where the data refer to another member by mistake, following them leads out of the compartment."""
    maria = scene.planted().connect("maria")
    answer = maria.get(f"ExplanationOfBenefit?_count=3&_include={include}{again}")
    assert answer.json()["entry"], answer.text
    held(keeps_to(maria, answer), "another member's coverage by _include")


@undefended(
    read,
    SqlLibrary,
    SHARED=("Coverage", "Organization"),
    _everything=read._everything.__wrapped__,
    _kept=_anew,
)
def test_following_references_of_everything(scene: Scene) -> None:
    """$everything takes along what the member's data refer to, if it is nobody's."""
    maria = scene.planted().connect("maria")
    for page in maria.pages(f"Patient/{maria.patient}/$everything?_count=500"):
        owners = {owner(entry["resource"]) for entry in page.get("entry", [])}
        held(owners <= {None, maria.patient}, "another member's coverage by $everything")


def _anybody(account: Any, patient: str | None) -> Choice:
    member = current().services.members[str(patient)]
    return Choice(member, account.user)


@undefended(pending_request, choice=_anybody)
def test_picking_a_stranger(scene: Scene) -> None:
    app = scene.make()
    page = app.follow(app.log_in("family"))
    assert page.url.path.endswith("/auth/pick")
    picked = app.browser.post(f"{app.base}/auth/pick", data=hidden(page) | {"patient": OTHER})
    if picked.status_code == 400:
        return
    app.tokens = app.redeem(app.decide(app.follow(picked), {"decision": "allow"})["code"]).json()
    held(app.patient != OTHER and app.get("Coverage").status_code != 200, "a stranger's data")
