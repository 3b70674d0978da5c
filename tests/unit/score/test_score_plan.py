"""The plan of a sync, and how bundles and references are read."""

from __future__ import annotations

import pytest

from sandbox.score.collect import discovery, plan
from sandbox.score.fhir import bundles

ALL = plan.Offer(frozenset(plan.SEARCHES))


def asked(scope: str, offer: plan.Offer = ALL) -> list[str]:
    return [search.path.removesuffix("&_count=50") for search in plan.searches("p 1", scope, offer)]


def test_companions_the_guides_require() -> None:
    paths = asked("patient/*.rs")
    for path in (
        "Patient?_id=p+1",
        "Observation?patient=p+1&category=laboratory",
        "Observation?patient=p+1&category=vital-signs",
        "Condition?patient=p+1&category=problem-list-item",
        "DiagnosticReport?patient=p+1&category=LAB",
        "DocumentReference?patient=p+1&category=clinical-note",
        "CarePlan?patient=p+1&category=assess-plan",
        "MedicationRequest?patient=p+1&intent=order",
        "CareTeam?patient=p+1&status=active",
        "ExplanationOfBenefit?patient=p+1",
    ):
        assert path in paths


def test_every_search_asks_for_pages_of_fifty() -> None:
    paths = [search.path for search in plan.searches("p", "patient/*.rs", ALL)]
    assert all(path.endswith("&_count=50") for path in paths)


@pytest.mark.parametrize(
    ("scope", "types"),
    [
        ("patient/Coverage.rs openid", {"Coverage"}),
        ("patient/Coverage.read patient/Goal.write", {"Coverage"}),
        ("patient/Coverage.r patient/Goal.s", {"Goal"}),
        ("user/Patient.cruds", {"Patient"}),
        ("system/*.rs launch/patient", set()),
        ("patient/Observation.rs?category=http://x|laboratory", {"Observation"}),
    ],
)
def test_only_what_the_scopes_open(scope: str, types: set[str]) -> None:
    assert {path.partition("?")[0] for path in asked(scope)} == types


def test_a_narrowed_scope_opens_its_category_only() -> None:
    paths = asked("patient/Observation.rs?category=http://x|laboratory")
    assert paths == ["Observation?patient=p+1&category=laboratory"]


def test_only_what_metadata_offers_and_all_of_it() -> None:
    offer = plan.Offer(frozenset({"Coverage", "Claim", "Account"}))
    assert asked("patient/*.rs", offer) == [
        "Patient?_id=p+1",
        "Coverage?patient=p+1",
        "Account?patient=p+1",
        "Claim?patient=p+1",
    ]


@pytest.mark.parametrize(
    ("how", "scope", "path"),
    [("search", "patient/*.rs", ["Patient?_id=p+1"]), ("read", "patient/*.rs", ["Patient/p%201"]),
     ("read", "patient/Patient.r", ["Patient/p%201"]), ("search", "patient/Patient.r", []),
     ("read", "patient/Patient.s", []), ("", "patient/*.rs", ["Patient?_id=p+1"])],
)  # fmt: skip
def test_the_patient_is_asked_for_in_the_way_that_metadata_offers(
    how: str, scope: str, path: list[str]
) -> None:
    assert asked(scope, plan.Offer(frozenset(), patient=how)) == path


def test_without_metadata_the_fixed_list() -> None:
    found = {path.partition("?")[0] for path in asked("patient/*.rs", plan.NOT_STATED)}
    assert found == {*plan.WITHOUT_METADATA, "Patient"}


def row(kind: str, *params: str, codes: tuple[str, ...] = (), **more: object) -> dict[str, object]:
    found: dict[str, object] = {"type": kind, **more}
    if codes:
        found["interaction"] = [{"code": code} for code in codes]
    if params:
        found["searchParam"] = [{"name": name} for name in params]
    return found


EVERYTHING = {"operation": [{"name": "everything"}]}


@pytest.mark.parametrize(
    ("rows", "searched", "patient", "everything"),
    [
        ([row("Goal", "patient"), row("Device", "type")], {"Goal"}, "", False),
        ([row("Goal", "patient", codes=("read",)), row("Patient")], set(), "search", False),
        ([row("Claim", "patient"), row("Patient", codes=("read",))], {"Claim"}, "read", False),
        ([row("Goal"), row("Organization")], {"Goal"}, "", False),
        ([row("Patient", "_id", **EVERYTHING)], set(), "search", True),
        ([row("Patient", operation=[{"name": "match"}])], set(), "search", False),
        ([row("g0al; drop", "patient")], set(), "", False),
    ],
)
def test_what_metadata_offers(
    rows: list[dict[str, object]], searched: set[str], patient: str, everything: bool
) -> None:
    found = discovered({"rest": [{"mode": "server", "resource": rows}]}).offer()
    assert (found.searched, found.patient, found.everything) == (searched, patient, everything)


def test_what_the_payer_is_as_a_client_is_no_offer() -> None:
    client, server = ({"mode": mode, "resource": [row(kind)]} for mode, kind in
                      (("client", "Goal"), ("server", "Coverage")))  # fmt: skip
    assert discovered({"rest": [client, server]}).offer() == discovered({"rest": [server]}).offer()
    assert discovered({"rest": [client]}).offer() == plan.NOT_STATED


@pytest.mark.parametrize("rest", [[], [{"mode": "client"}], [{"mode": "server", "resource": []}]])
def test_metadata_that_lists_no_type_says_nothing_of_types(rest: list[dict[str, object]]) -> None:
    assert discovered({"rest": rest}).offer() == plan.NOT_STATED


def test_everything_may_be_named_for_the_whole_server_or_by_its_definition() -> None:
    definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
    rest = {"mode": "server", "resource": [row("Patient")], "operation": [{"definition": definition}]}
    assert discovered({"rest": [rest]}).offer().everything


def test_metadata_that_lists_types_without_end_does_end() -> None:
    rows = [row("Made" + "".join(chr(97 + int(digit)) for digit in str(n)), "patient") for n in range(9999)]
    assert len(discovered({"rest": [{"resource": rows}]}).offer().searched) == discovery.MOST_TYPES


def discovered(body: dict[str, object]) -> discovery.Discovery:
    return discovery.Discovery(
        "http://p", discovery.DiscoveryDocument(body), discovery.DiscoveryDocument(missing="answered 404")
    )


def test_references_are_found_at_any_depth() -> None:
    deep: object = {"reference": "Organization/deep"}
    for _ in range(900):
        deep = {"extension": [deep]}
    resource = {
        "subject": {"reference": "Patient/1"},
        "insurer": {"reference": "#c"},
        "provider": {"reference": "urn:uuid:1"},
        "related": [{"reference": {"value": "an identifier"}}],
        "contained": [{"managingOrganization": {"reference": "Organization/2"}}],
        "x": deep,
    }
    said = bundles.references_in(resource)
    assert set(said) == {"Patient/1", "#c", "urn:uuid:1", "Organization/2", "Organization/deep"}
    assert bundles.literal(said) == {"Patient/1", "Organization/2", "Organization/deep"}


@pytest.mark.parametrize(
    ("reference", "normal", "kind"),
    [
        ("Organization/1", "Organization/1", "Organization"),
        ("Organization/1/_history/2", "Organization/1/_history/2", "Organization"),
        ("https://p/fhir/Organization/1/_history/2", "Organization/1/_history/2", "Organization"),
        ("https://p/fhir/Organization/1", "Organization/1", "Organization"),
        ("HTTPS://P:443/fhir/Organization/1/", "Organization/1", "Organization"),
        ("https://p./fhir/Organization/1?_format=json", "Organization/1", "Organization"),
        ("https://alias:8443/r4/Organization/1#x", "Organization/1", "Organization"),
        ("Organization/1/?_summary=true", "Organization/1", "Organization"),
        ("https://p/other/Organization/1", "https://p/other/Organization/1", "Organization"),
        ("https://p:8443/fhir/Organization/1", "https://p:8443/fhir/Organization/1", "Organization"),
        ("https://else/fhir/Organization/1", "https://else/fhir/Organization/1", "Organization"),
        ("Practitioner?identifier=x|123", "Practitioner?identifier=x|123", "Practitioner"),
        ("Ann Smith", "Ann Smith", "other"),
    ],
)
def test_references_made_comparable(reference: str, normal: str, kind: str) -> None:
    assert bundles.normal(reference, "https://p/fhir", "https://alias:8443/r4") == normal
    assert bundles.type_of(reference) == kind


def test_a_version_is_read_as_it_is_named_and_is_there_when_its_resource_is() -> None:
    assert bundles.target("Organization/1/_history/2") == "Organization/1"
    assert bundles.target("Organization/1") == "Organization/1"
    assert bundles.target("https://else/fhir/Organization/1/_history/2").startswith("https://else")


@pytest.mark.parametrize(
    "spelled",
    ["Coverage/1", "https://p/fhir/Coverage/1", "https://P:443/fhir/Coverage/1/", "Coverage/1/_history/7",
     "https://p/fhir/Coverage/1/_history/7?_format=json"],
)  # fmt: skip
def test_an_entry_is_the_same_place_in_any_spelling_and_version(spelled: str) -> None:
    assert bundles.place(spelled, "https://p/fhir") == bundles.place(
        "https://p/fhir/Coverage/1", "https://p/fhir"
    )
    assert bundles.place(spelled, "https://p/fhir") != bundles.place("Coverage/11", "https://p/fhir")


def test_resources_about_somebody_else() -> None:
    mine = {"beneficiary": {"reference": "Patient/1"}, "subscriber": {"reference": "Patient/2"}}
    assert not bundles.is_about_another(mine, "1")
    assert bundles.is_about_another({"subject": {"reference": "https://p/fhir/Patient/2"}}, "1")
    assert not bundles.is_about_another({"subject": {"reference": "Group/2"}}, "1")


@pytest.mark.parametrize("end", ["", "/", "/_history/3", "?_format=json", "/_history/3?a=b"])
@pytest.mark.parametrize("base", ["", "https://p.example/fhir/"])
def test_a_patient_is_the_same_in_any_version_and_spelling(base: str, end: str) -> None:
    assert not bundles.is_about_another({"subject": {"reference": f"{base}Patient/1{end}"}}, "1")
    assert bundles.is_about_another({"subject": {"reference": f"{base}Patient/11{end}"}}, "1")
