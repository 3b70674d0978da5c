"""Payers that earn everything, each in a way of its own."""

from __future__ import annotations

import httpx
import pytest
from scored_card import examine
from scored_desk import CLIENT
from scored_http import Call
from scored_payer import Payer, key
from scored_people import roster


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


def test_refresh_tokens_that_stay_the_same() -> None:
    """The refresh token is never replaced and works on day 365: the longest day decides, 10 of 10. 100."""
    payer = Payer()
    payer.desk.rotates = False
    examine(payer).earns(score=100)


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
