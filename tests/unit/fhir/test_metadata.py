"""What the payer says of itself is what it does: every advertised parameter works, none is hidden."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

import pytest
from support.stores import library_of
from unit.fhir.fhir_samples import member

from sandbox.apis.patient_access.api import PATIENT_ACCESS
from sandbox.auth import discovery, scopes
from sandbox.core.errors import BadRequest
from sandbox.core.payer import PayerProfile
from sandbox.fhir.capability import ServerDescription, capability_statement, served
from sandbox.fhir.dates import FOREVER
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.query import parse
from sandbox.store.library.read import SqlLibrary

BASE, AUTH = "https://h.example/s/x/fhir", "https://h.example/s/x/auth"
ADDRESSES = discovery.Addresses(AUTH, "https://h.example/s/x/portal", "https://h.example/s/x/branding.json")
LATER = FOREVER - 1
SAMPLE = {"token": "a|b", "date": "ge2020-01", "reference": "p1", "string": "g"}


def statement(withheld: tuple[str, ...] = ()) -> dict[str, Any]:
    return described(PayerProfile(withheld_types=withheld))


def described(payer: PayerProfile, **more: Any) -> dict[str, Any]:
    """The statement of a server that serves the guides' types."""
    kinds = served(payer)
    uris = discovery.oauth_uris(ADDRESSES, payer)
    server = ServerDescription(
        "Patient Access API", BASE, "2025-01-01", "1.2.3", payer, kinds, tuple(TYPES), oauth_uris=uris, **more
    )
    return capability_statement(server)


RESOURCES = {row["type"]: row for row in statement()["rest"][0]["resource"]}
ADVERTISED = [(kind, p["name"], p["type"]) for kind, row in RESOURCES.items() for p in row["searchParam"]]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> SqlLibrary:
    return library_of(tmp_path_factory.mktemp("library"), member())


@pytest.mark.parametrize(("kind", "name", "how"), ADVERTISED)
def test_an_advertised_parameter_is_understood_and_answered(
    library: SqlLibrary, kind: str, name: str, how: str
) -> None:
    query = parse(kind, [(name, SAMPLE[how])], strict=True)
    (clause,) = query.clauses
    assert clause.param.kind == how
    page = library.search(query, LATER)
    assert page.total == len(page.matches)


@pytest.mark.parametrize("kind", TYPES)
def test_nothing_that_is_understood_is_hidden(kind: str) -> None:
    told = {name for k, name, _ in ADVERTISED if k == kind}
    every = {param.name for row in TYPES.values() for param in row.params}
    understood = {name for name in every if not parse(kind, [(name, "2024")]).ignored}
    assert understood == told


@pytest.mark.parametrize("kind", TYPES)
def test_every_advertised_include_is_understood(library: SqlLibrary, kind: str) -> None:
    told = RESOURCES[kind].get("searchInclude", [])
    for text in told:
        query = parse(kind, [("_include", text)], strict=True)
        library.include(library.search(query, LATER).matches, query.includes, LATER)
    references = {f"{kind}:{p.name}" for p in TYPES[kind].params if p.kind == "reference"}
    assert set(told) == references | ({f"{kind}:*"} if references else set())


@pytest.mark.parametrize("kind", TYPES)
def test_every_advertised_revinclude_is_understood_and_no_other(library: SqlLibrary, kind: str) -> None:
    told = set(RESOURCES[kind].get("searchRevInclude", []))
    found = library.search(parse(kind, []), LATER).matches
    every = {f"{row.name}:{p.name}" for row in TYPES.values() for p in row.params if p.kind == "reference"}
    understood = set()
    for text in every:
        with suppress(BadRequest):
            query = parse(kind, [("_revinclude", text)], strict=True)
            library.include(found, query.includes, LATER)
            understood.add(text)
    assert understood == told


@pytest.mark.parametrize("kind", TYPES)
def test_every_advertised_modifier_and_chain_is_understood_and_no_other(kind: str) -> None:
    params = [p.name for p in TYPES[kind].params if p.searchable]
    inner = {p.name for row in TYPES.values() for p in row.params}
    told: set[str] = set()
    for param in RESOURCES[kind]["searchParam"]:
        modifiers, _, chained = param["documentation"].partition(" Chained: ")
        told |= {param["name"] + each for each in re.findall(r":[\w-]+", modifiers.partition(":")[2])}
        told |= set(chained.rstrip(".").split(", ")) - {""}
    asked = [f"{name}:{each}" for name in params for each in _MODIFIERS]
    asked += [f"{name}.{each}" for name in params for each in inner]
    assert {name for name in asked if _is_understood(kind, name)} == told


_MODIFIERS = {"missing", "not", "exact", "contains", "identifier", "text", "in", "above", "of-type"}
_MODIFIERS |= {target for row in TYPES.values() for p in row.params for target in p.targets}


def _is_understood(kind: str, name: str) -> bool:
    for value in ("true", "2024"):
        with suppress(BadRequest):
            if parse(kind, [(name, value)], strict=True).clauses:
                return True
    return False


@pytest.mark.parametrize(("kind", "name", "how"), ADVERTISED)
def test_every_advertised_parameter_sorts(library: SqlLibrary, kind: str, name: str, how: str) -> None:
    up, down = (library.search(parse(kind, [("_sort", key)]), LATER) for key in (name, f"-{name}"))
    assert {s.key for s in up.matches} == {s.key for s in down.matches}


def test_withheld_types_are_not_told() -> None:
    kinds = {row["type"] for row in statement(("Condition", "Observation"))["rest"][0]["resource"]}
    assert kinds == set(TYPES) - {"Condition", "Observation"}


def test_operations_are_listed_with_their_type_and_only_if_the_payer_has_them() -> None:
    def offered(payer: PayerProfile) -> dict[str, str]:
        return {row.resource: row.name for row in PATIENT_ACCESS.offered_operations(payer)}

    assert offered(PayerProfile()) == {"Patient": "everything", "DocumentReference": "docref"}
    assert "Patient" not in offered(PayerProfile(everything="none"))
    listed = described(PayerProfile(), operations={"Patient": [("everything", "http://x")]})
    rows = {row["type"]: row for row in listed["rest"][0]["resource"]}
    assert rows["Patient"]["operation"] == [{"name": "everything", "definition": "http://x"}]
    assert "operation" not in rows["Coverage"]


def test_the_editions_of_the_guides_are_told() -> None:
    guide = "http://hl7.org/fhir/us/core/ImplementationGuide/hl7.fhir.us.core|6.1.0"
    told = described(PayerProfile(), guides=[guide])
    assert told["implementationGuide"] == [guide]
    assert "implementationGuide" not in statement()


def test_the_old_oauth_uris_equal_the_smart_configuration() -> None:
    smart = discovery.smart_configuration(ADDRESSES)
    security = statement()["rest"][0]["security"]
    told = {e["url"]: e["valueUri"] for e in security["extension"][0]["extension"]}
    assert told == {
        "authorize": smart["authorization_endpoint"],
        "token": smart["token_endpoint"],
        "revoke": smart["revocation_endpoint"],
        "introspect": smart["introspection_endpoint"],
        "register": smart["registration_endpoint"],
        "manage": smart["management_endpoint"],
    }
    assert security["service"][0]["coding"][0]["code"] == "SMART-on-FHIR"


def test_only_s256_and_the_grants_that_exist_are_offered() -> None:
    smart = discovery.smart_configuration(ADDRESSES)
    assert smart["code_challenge_methods_supported"] == ["S256"]
    assert set(smart["grant_types_supported"]) == {
        "authorization_code",
        "refresh_token",
        "client_credentials",
    }
    assert smart["token_endpoint_auth_methods_supported"] == [
        "client_secret_basic",
        "private_key_jwt",
        "none",
    ]
    assert smart["issuer"] == AUTH


def test_every_advertised_scope_can_be_granted_by_a_member_or_given_to_a_service() -> None:
    told = discovery.smart_configuration(ADDRESSES)["scopes_supported"]
    system = [scope for scope in told if scope.startswith("system/")]
    asked = " ".join(told)
    assert scopes.narrow(asked, TYPES) == [scope for scope in told if scope not in system]
    assert scopes.narrow_system(asked, "system/*.rs", TYPES) == system
    assert "patient/Observation.rs" in told
    assert len(told) == len(set(told))


@pytest.mark.parametrize(
    ("policies", "field", "expected"),
    [
        ({"client_secret_post": True}, "token_endpoint_auth_methods_supported", "client_secret_post"),
        ({"par": "required"}, "require_pushed_authorization_requests", True),
        ({"par": "off"}, "pushed_authorization_request_endpoint", None),
        ({"registration": "closed"}, "registration_endpoint", None),
        ({"response_mode": "fragment"}, "response_modes_supported", "fragment"),
        ({"callback_iss": False}, "authorization_response_iss_parameter_supported", False),
    ],
)
def test_the_documents_follow_the_payers_character(
    policies: dict[str, Any], field: str, expected: Any
) -> None:
    usual = discovery.smart_configuration(ADDRESSES)
    changed = discovery.smart_configuration(ADDRESSES, PayerProfile(**policies))
    assert changed.get(field) != usual.get(field)
    told = changed.get(field)
    assert expected in told if isinstance(told, list) else told == expected
    for document in (discovery.server_metadata, discovery.openid_configuration):
        assert document(ADDRESSES, PayerProfile(**policies)).get(field) == told


def test_the_old_oauth_uris_name_no_endpoint_that_is_closed() -> None:
    payer = PayerProfile(registration="closed", cors=False)
    security = described(payer)["rest"][0]["security"]
    assert "register" not in {each["url"] for each in security["extension"][0]["extension"]}
    assert security["cors"] is False


def test_openid_configuration_says_which_parameters_are_not_supported() -> None:
    openid = discovery.openid_configuration(ADDRESSES)
    for name in ("claims_parameter", "request_parameter", "request_uri_parameter"):
        assert openid[f"{name}_supported"] is False
    assert "auth_time" in openid["claims_supported"]


def test_openid_configuration_has_the_same_addresses_and_what_openid_adds() -> None:
    openid, smart = discovery.openid_configuration(ADDRESSES), discovery.smart_configuration(ADDRESSES)
    assert all(smart[name] == value for name, value in openid.items() if name in smart)
    oauth = discovery.server_metadata(ADDRESSES)
    assert oauth.items() <= openid.items()
    assert not {"capabilities", "user_access_brand_bundle"} & set(oauth)
    assert openid["id_token_signing_alg_values_supported"] == ["RS256"]
    assert openid["subject_types_supported"] == ["public"]
