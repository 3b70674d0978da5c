"""Payers that earn everything, each in a way of its own."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from scored_card import examine
from scored_desk import CLIENT, CONSENT, LOGIN, NAME_FIRST, PASSWORD_THEN, signed_alike
from scored_http import Call
from scored_payer import Payer, key
from scored_people import LINES, Person, roster


def test_a_payer_that_does_everything_well() -> None:
    """39 of 39 eligible members get in and the ineligible one hears why: 39 of 40 is 97.5 %, 14 points. 11
    requests a member answer 200 (3 pages of $everything, 2 of claims, Patient, Coverage and four clinical
    types): 100 %, 10. The 4 providers of each member resolve: 5. Everything else is there: 100 of 100. The
    metrics for vendors are 6 + 2 + 2 + 14 + 10 + 4 + 10 + 5 + 5 + 3 + 2 = 63, with lines (3) and clinical
    (4) 70."""
    payer = Payer(roster())
    examined = examine(payer, probes=True)
    examined.earns(score=100)
    assert (examined.card.vendor_score, examined.card.vendor_score_stated) == (63, 70)
    assert examined.value("authorization-success") == 97.5
    assert examined.card.findings == ()
    assert not [text for text in examined.findings if text.startswith("critical") or "unreadable" in text]


def test_json_web_tokens_below_a_longer_path() -> None:
    """The base is /api/FHIR/R4 and access tokens are signed ones: no metric asks for either. 100."""
    payer = Payer(base="/api/FHIR/R4")
    payer.desk.mint = lambda kind, number, person, now: signed_alike(
        {
            "jti": number,
            "sub": person.patient,
            "iat": int(now.timestamp()),
            "exp": int(now.timestamp()) + 3600,
        }
    )
    examine(payer).earns(score=100)


def test_the_patient_is_told_by_the_id_token_alone() -> None:
    """No `patient` in the token response, `fhirUser` of the id_token names it: the second of three ways to
    know the patient, so every sign-in still ends with a token and a patient. 100."""
    payer = Payer(base="/fhir")
    payer.desk.patient_claim = lambda person: {
        "id_token": signed_alike({"sub": "x", "fhirUser": f"{payer.url}/Patient/{person.patient}"})
    }
    examine(payer).earns(score=100)


def test_a_confidential_client() -> None:
    """The payer lends a client with a secret and takes it by HTTP Basic only: nothing is lost. 100."""
    payer = Payer(base="/fhir/r4")
    payer.desk.secret, payer.desk.secret_by = "s3cret-of-the-client", ("client_secret_basic",)
    payer.smart = {"token_endpoint_auth_methods_supported": ["client_secret_basic"]}
    examine(payer).earns(score=100)


def test_a_consent_page_after_the_login() -> None:
    """A page asks whether to share, with a button that refuses before the one that shares. 100."""
    payer = Payer()
    payer.desk.pages = (LOGIN, CONSENT)
    examine(payer).earns(score=100)


def test_user_name_first_password_on_the_next_page() -> None:
    """Three pages instead of two: how many there are is no metric. 100."""
    payer = Payer()
    payer.desk.pages = (NAME_FIRST, PASSWORD_THEN, CONSENT)
    examine(payer).earns(score=100)


def test_refresh_tokens_that_stay_the_same() -> None:
    """The refresh token is never replaced and works on day 365: the longest day decides, 10 of 10. 100."""
    payer = Payer()
    payer.desk.rotates = False
    examine(payer).earns(score=100)


def test_a_payer_abroad_with_facts_from_a_file(tmp_path: Path) -> None:
    """Served over https on a public host, without a facts document of its own: the file lends the same
    accounts and claims, so every metric is seen as before. 100."""
    payer = Payer(host="https://payer.example")
    payer.before["facts"] = [lambda call: httpx.Response(404)]
    path = tmp_path / "facts.json"
    path.write_text(json.dumps(payer.facts()))
    examine(payer, facts=path).earns(score=100)


def test_more_members_than_are_counted() -> None:
    """100 eligible accounts are lent and all work: 39 are counted with the ineligible one, 97.5 %. 100."""
    payer = Payer(roster(100))
    examined = examine(payer)
    examined.earns(score=100)
    assert examined.value("authorization-success") == 97.5


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_any_page_size(size: int) -> None:
    """Pages of 1, of 7, of exactly all 30 resources, and of everything at once. `$everything` is paged when
    following next to its end yields all, whatever the size; each page is a request that answers 200.
    100."""
    payer = Payer()
    payer.page_size = lambda call: size
    examine(payer).earns(score=100)


def test_other_resources_beside_the_record_of_the_member() -> None:
    """`$everything` adds the Organizations, searches do not: it yields all that the searches yield, and
    more. Paged, 3. The Organizations are no entries of search bundles, so the 4 that claims name are read:
    5. 100."""
    payer = Payer()

    def with_organizations(call: Call) -> httpx.Response | None:
        grant = payer.desk.holder(call)
        if grant is None:
            return None
        held = payer.records[grant.person.username]
        named = [{"resourceType": "Organization", "id": f"org-{n:02}"} for n in range(20)]
        return payer.bundle(call, [*held, *named])

    payer.before["everything"] = [with_organizations]
    examined = examine(payer)
    examined.earns(score=100)
    assert examined.n("reference-resolution") == 20


def test_references_that_are_read_once_for_each_member() -> None:
    """Each claim names its provider twice (provider, and careTeam) and its coverage, which is an entry: 4
    distinct references are outside of the bundles, so 5 x 4 are read, 20 of 20 resolve: 5. 100."""
    payer = Payer()
    for claim in payer.every("ExplanationOfBenefit"):
        claim["careTeam"] = [{"sequence": 1, "provider": dict(claim["provider"])}]
        claim["contained"] = [{"resourceType": "Practitioner", "id": "p"}]
        claim["enterer"] = {"reference": "#p"}
        claim["facility"] = {"reference": "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"}
    examined = examine(payer)
    examined.earns(score=100)
    assert examined.n("reference-resolution") == 20


def test_a_payer_that_offers_two_lines_and_mandates_one() -> None:
    """Two lines offered, one of them mandated, members of both get in: all offered, 3. 100."""
    payer = Payer(roster(lines=("medicaid", "commercial")))
    payer.claims |= {"offered_lines": ["medicaid", "commercial"], "mandated_lines": ["medicaid"]}
    payer.claims["supported_lines"] = ["medicaid", "commercial"]
    examine(payer).earns(score=100)


def test_metadata_and_smart_configuration_answer_at_the_third_try() -> None:
    """Both answer 503 twice and then 200: a hiccup is no absence, three tries are made. 2 and 2. 100."""
    payer = Payer()

    def twice(name: str) -> None:
        def stumble(call: Call) -> httpx.Response | None:
            return httpx.Response(503) if payer.count(name) <= 2 else None

        payer.before[name] = [stumble]

    twice("metadata")
    twice("smart")
    examine(payer).earns(score=100)


def test_every_member_has_the_same_coverage_line_in_another_order() -> None:
    """All commercial members come last among the lent ones: five are synced with every line among them, and
    all of them work. 100, and each line is among the five."""
    people = [Person(f"member{n:02}", line=LINES[min(n // 10, 3)]) for n in range(39)]
    payer = Payer([*people, *roster(0)])
    examined = examine(payer)
    examined.earns(score=100)
    synced = {call.found[0] for name, call in payer.calls if name == "everything"}
    assert {person.line for person in people if person.patient in synced} == set(LINES)
    assert len(synced) == 5


def test_keys_are_what_records_are_told_apart_by() -> None:
    """Two claims of a member have the same content and two ids: both are entries, both are expected from
    `$everything`, which has both. 100."""
    payer = Payer()
    for held in payer.records.values():
        claim = next(r for r in held if r["resourceType"] == "ExplanationOfBenefit")
        held.append({**claim, "id": f"{claim['id']}-again"})
    assert len({key(r) for r in payer.records["member00"]}) == 31
    assert payer.facts()["instruments"]["client_id"] == CLIENT
    examine(payer).earns(score=100)
