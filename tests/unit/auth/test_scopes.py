"""SMART scopes, old and new grammar: what they mean, what of them is granted, what they allow."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.auth.scopes import asks_for_system, narrow, parse, resource_scopes, split, subset

TYPES = ["Patient", "Coverage", "Observation"]
ALLOWED = [
    "".join(s) for n in range(1, 6) for s in itertools.combinations("cruds", n)
]  # every non-empty choice of letters in order


@pytest.mark.parametrize("letters", ALLOWED)
def test_letters_in_order_mean_themselves(letters: str) -> None:
    scope = parse(f"patient/Coverage.{letters}")
    assert scope is not None
    assert scope.actions == set(letters)


@pytest.mark.parametrize(
    ("text", "context", "kind", "actions"),
    [
        ("patient/*.read", "patient", "*", "rs"),
        ("user/Patient.read", "user", "Patient", "rs"),
        ("patient/Patient.write", "patient", "Patient", "cud"),
        ("system/*.*", "system", "*", "cruds"),
        ("patient/*.rs", "patient", "*", "rs"),
    ],
)
def test_a_resource_scope_is_read(text: str, context: str, kind: str, actions: str) -> None:
    scope = parse(text)
    assert scope is not None
    assert (scope.context, scope.type, scope.actions, scope.text) == (context, kind, set(actions), text)


@pytest.mark.parametrize(
    "text",
    [
        "patient/Patient.sr", "patient/Patient.sdurc", "patient/Patient.rr", "patient/Patient.",
        "patient/Patient", "patient/.rs", "patient/patient.rs", "patient/Patient.rs?",
        "patient/Observation.rs?", "patient/Observation.rs?category", "patient/Observation.rs?category=",
        "patient/Observation.rs?category=,", "patient/Observation.rs?date=2024", "patient/*.rs?category=lab",
        "patient/Observation.rs?colour=red", "patient/Observation.rs?category:not=lab",
        "patient/Observation.read?category=lab", "patient/Observation.rs?category=a&colour=red",
        "patient/Observation.rs?category=a&", "patient/Observation.rs?patient=p2",
        "patient/Banana.rs?category=lab", "patient/Observation.rs?category=" + "x" * 1000,
        "patient/Observation.rs?category=" + ",".join("abcdefghijklmnopqrstuvwxyz"),
        "practitioner/Patient.rs", "patient/Patient.read.rs", "patient/Patient.READ", "Patient/Patient.rs",
        "patient/**.rs", "patient/Pat-ient.rs", "openid", "launch/patient", "", "patient/Patient.rs\n",
    ],
)  # fmt: skip
def test_anything_else_is_no_resource_scope(text: str) -> None:
    assert parse(text) is None


@pytest.mark.parametrize(
    ("granted", "kind", "action", "allowed"),
    [
        ("patient/*.read", "Coverage", "r", True),
        ("patient/*.read", "Coverage", "s", True),
        ("patient/*.read", "Coverage", "u", False),
        ("patient/*.r", "Coverage", "s", False),
        ("patient/*.s", "Coverage", "r", False),
        ("user/Coverage.rs", "Coverage", "r", True),
        ("patient/Coverage.rs", "Patient", "r", False),
        ("patient/Coverage.cud", "Coverage", "r", False),
        ("openid fhirUser", "Patient", "r", False),
        ("patient/Coverage.r patient/Coverage.s", "Coverage", "s", True),
        ("patient/Observation.rs?category=laboratory", "Observation", "r", True),
        ("patient/Observation.rs?category=laboratory", "Condition", "r", False),
        ("patient/Observation.rs?colour=red", "Observation", "r", False),
        ("", "Patient", "r", False),
    ],
)
def test_a_token_allows_what_its_scopes_say(granted: str, kind: str, action: str, allowed: bool) -> None:
    assert any(scope.covers(kind, action) for scope in resource_scopes(split(granted))) is allowed


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("openid fhirUser launch/patient offline_access", "openid fhirUser launch/patient offline_access"),
        ("patient/*.read openid patient/Patient.rs", "patient/*.read openid patient/Patient.rs"),
        ("patient/Coverage.cruds patient/Coverage.write user/*.*", "patient/Coverage.rs user/*.read"),
        ("patient/Banana.rs patient/Coverage.rs", "patient/Coverage.rs"),
        ("patient/Coverage.sr patient/Coverage.s", "patient/Coverage.s"),
        ("system/*.rs openid", "openid"),
        ("patient/Observation.rs?category=lab", "patient/Observation.rs?category=lab"),
        ("patient/Observation.cruds?code=a|b&category=c", "patient/Observation.rs?code=a|b&category=c"),
        ("patient/Observation.cud?category=lab", ""),
        ("patient/Condition.rs?category=x patient/Observation.rs?colour=red", ""),
        ("user/*.rs  openid\topenid", "user/*.rs openid"),
        ("launch email OpenID", ""),
        ("", ""),
    ],
)
def test_what_may_be_granted_keeps_order_and_spelling(asked: str, granted: str) -> None:
    assert narrow(asked, TYPES) == granted.split()


def test_nothing_asked_is_nothing_granted() -> None:
    assert narrow(None, TYPES) == []
    assert not asks_for_system(None)


@pytest.mark.parametrize(
    ("asked", "system"),
    [("system/*.rs", True), ("openid system/x", True), ("patient/*.rs systematic", False)],
)
def test_system_scopes_are_noticed(asked: str, system: bool) -> None:
    assert asks_for_system(asked) is system


@pytest.mark.parametrize(
    ("asked", "granted", "less"),
    [
        ("openid", "openid patient/*.rs", True),
        ("patient/*.rs openid", "openid patient/*.rs", True),
        ("", "openid", True),
        ("openid offline_access", "openid", False),
        ("patient/*.cruds", "patient/*.rs", False),
        ("open", "openid", False),
    ],
)
def test_a_refresh_may_ask_for_less_never_for_more(asked: str, granted: str, less: bool) -> None:
    assert subset(asked, granted) is less


# against a reference model: a set of (context, type, action)

_CONTEXTS = st.sampled_from(["patient", "user", "system"])
_KINDS = st.sampled_from([*TYPES, "Banana", "*"])
_ACTIONS = st.sampled_from([*ALLOWED, "read", "write", "*", "sr", "dr"])
_SCOPES = st.builds("{}/{}.{}".format, _CONTEXTS, _KINDS, _ACTIONS)
_V1 = {"read": "rs", "write": "cud", "*": "cruds", "sr": "", "dr": ""}


def model(text: str) -> set[tuple[str, str]]:
    kind, letters = text.partition("/")[2].split(".")
    return {
        (k, a) for k in ([*TYPES, "Banana"] if kind == "*" else [kind]) for a in _V1.get(letters, letters)
    }


@settings(deadline=None)
@given(st.lists(_SCOPES, max_size=5))
def test_scopes_allow_the_union_of_what_each_means(texts: list[str]) -> None:
    meant = set().union(*map(model, texts)) if texts else set()
    scopes = resource_scopes(texts)
    for kind, action in itertools.product([*TYPES, "Banana"], "cruds"):
        assert any(scope.covers(kind, action) for scope in scopes) is ((kind, action) in meant)


@settings(deadline=None)
@given(st.lists(_SCOPES | st.sampled_from(["openid", "launch/patient", "nonsense"]), max_size=6))
def test_only_readable_scopes_of_members_are_granted(texts: list[str]) -> None:
    granted = narrow(" ".join(texts), TYPES)
    for text in texts:
        if text in ("openid", "launch/patient"):
            assert text in granted
    for text in granted:
        if text not in ("openid", "launch/patient"):
            assert not text.startswith("system/")
            assert {action for _, action in model(text)} <= set("rs")
            assert "Banana" not in text
    assert subset(" ".join(granted), " ".join(texts))
