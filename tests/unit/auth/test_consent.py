"""What a member may drop, and what scopes are left then."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.auth.consent import DATA, narrowed, offered, shares_nothing
from sandbox.auth.scopes import resource_scopes, subset
from sandbox.fhir.schema.types import TYPES

ALL = tuple(DATA)
KINDS = list(TYPES)


def without(*names: str) -> list[str]:
    return [name for name in ALL if name not in names]


def test_every_type_is_in_exactly_one_class() -> None:
    listed = [kind for _, kinds in DATA.values() for kind in kinds]
    assert sorted(listed) == sorted(TYPES)


def test_only_what_was_asked_for_is_offered() -> None:
    assert offered(["openid", "patient/Coverage.rs", "patient/Patient.r"], KINDS) == [
        "demographics",
        "coverage",
    ]
    assert offered(["patient/*.rs"], KINDS) == list(ALL)
    assert offered(["patient/*.read"], ["Coverage"]) == ["coverage"]
    assert offered(["openid", "launch/patient"], KINDS) == []


def test_everything_kept_is_everything_asked_in_the_same_words() -> None:
    asked = ("openid", "launch/patient", "offline_access", "patient/*.rs", "user/Coverage.read")
    assert narrowed(asked, ALL, KINDS) == asked


@pytest.mark.parametrize("form", ["rs", "r", "read"])
def test_a_wildcard_that_lost_a_class_becomes_the_types_that_remain(form: str) -> None:
    left = narrowed((f"patient/*.{form}", "launch/patient"), without("claims", "demographics"), KINDS)
    gone = ("ExplanationOfBenefit", "Patient", "RelatedPerson")
    assert left == (*(f"patient/{kind}.{form}" for kind in KINDS if kind not in gone), "launch/patient")


def test_a_granular_scope_goes_with_its_class() -> None:
    lab = "patient/Observation.rs?category=http://terminology.hl7.org/CodeSystem/observation-category|laboratory"
    assert narrowed((lab, "patient/Coverage.rs"), without("results"), KINDS) == ("patient/Coverage.rs",)
    assert narrowed((lab, "patient/Coverage.rs"), without("coverage"), KINDS) == (lab,)


def test_lasting_access_may_be_dropped_alone() -> None:
    asked = ("openid", "offline_access", "online_access", "patient/*.rs")
    assert narrowed(asked, ALL, KINDS, offline=False) == ("openid", "patient/*.rs")


def test_none_of_the_data_is_a_no_but_identity_alone_may_be_asked() -> None:
    assert shares_nothing(["openid", "patient/*.rs"], narrowed(("openid", "patient/*.rs"), [], KINDS))
    assert not shares_nothing(["openid", "fhirUser"], ["openid", "fhirUser"])


def allows(scopes: Iterable[str], kind: str, action: str) -> bool:
    return any(scope.covers(kind, action) for scope in resource_scopes(scopes))


_ASKED = st.lists(
    st.sampled_from(
        ["openid", "launch/patient", "offline_access", "patient/*.rs", "patient/*.read", "user/*.r",
         "patient/Coverage.rs", "patient/ExplanationOfBenefit.read", "user/Patient.s",
         "patient/Observation.rs"]
    ),
    unique=True,
)  # fmt: skip


@given(_ASKED, st.lists(st.sampled_from(ALL), unique=True))
def test_narrowing_never_gives_more_and_takes_exactly_the_dropped(asked: list[str], kept: list[str]) -> None:
    left = narrowed(asked, kept, KINDS)
    assert subset(" ".join(left), " ".join(asked))
    for name, (_, kinds) in DATA.items():
        for kind in kinds:
            for action in "rs":
                assert allows(left, kind, action) == (name in kept and allows(asked, kind, action))
    assert [s for s in asked if not resource_scopes([s])] == [s for s in left if not resource_scopes([s])]
