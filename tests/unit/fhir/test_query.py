"""Searches, parsed: every kind of value, what is refused and by which name, the compartment rule."""

from __future__ import annotations

import contextlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.core.errors import BadRequest, Forbidden, NotFound
from sandbox.core.limits import VALUES_MAX
from sandbox.fhir import dates
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.include import Include
from sandbox.fhir.search.query import Query, parse
from sandbox.fhir.search.value import Canonical, Elsewhere, Moment, Target, TextValue, TokenValue, split

EOB = "ExplanationOfBenefit"


def values(kind: str, name: str, text: str) -> tuple[object, ...]:
    (clause,) = parse(kind, [(name, text)]).clauses
    return clause.values


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("a", TokenValue(None, "a")),
        ("s|a", TokenValue("s", "a")),
        ("|a", TokenValue("", "a")),
        ("s|", TokenValue("s", None)),
        ("http://h/s|E11.9", TokenValue("http://h/s", "E11.9")),
        (r"a\|b", TokenValue(None, "a|b")),
        (r"s|a\|b", TokenValue("s", "a|b")),
        ("s|a|b", TokenValue("s", "a|b")),
        (r"a\,b", TokenValue(None, "a,b")),
        (r"a\\|b", TokenValue("a\\", "b")),
        (r"a\$b\\", TokenValue(None, "a$b\\")),
    ],
)
def test_a_token_has_a_system_a_code_or_both(text: str, token: TokenValue) -> None:
    assert values(EOB, "type", text) == (token,)


def test_commas_mean_or_and_repetition_means_and() -> None:
    query = parse(EOB, [("type", "a,b"), ("type", "c")])
    assert [clause.values for clause in query.clauses] == [
        (TokenValue(None, "a"), TokenValue(None, "b")),
        (TokenValue(None, "c"),),
    ]


@pytest.mark.parametrize(
    ("text", "parts"),
    [("a,b", ["a", "b"]), (r"a\,b,c", [r"a\,b", "c"]), (r"a\\,b", [r"a\\", "b"]), ("", [""]), ("\\", ["\\"])],
)
def test_an_escaped_comma_does_not_separate(text: str, parts: list[str]) -> None:
    assert split(text) == parts


CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0")


@settings(deadline=None)
@given(st.lists(st.text(CHARACTERS, max_size=6), min_size=1, max_size=4))
def test_whatever_is_escaped_comes_back(codes: list[str]) -> None:
    escaped = ["".join(f"\\{c}" if c in ",|$\\" else c for c in code) for code in codes]
    wanted = tuple(TokenValue(None, code) for code in codes if code)
    found = parse(EOB, [("type", ",".join(escaped))]).clauses
    assert (found[0].values if found else ()) == wanted


@pytest.mark.parametrize("prefix", dates.PREFIXES)
def test_a_date_may_have_any_prefix(prefix: str) -> None:
    assert values(EOB, "service-date", prefix + "2024-03") == (Moment(prefix, *dates.parse("2024-03")),)


def test_a_date_without_prefix_is_equal_and_a_lost_plus_is_forgiven() -> None:
    assert values(EOB, "_lastUpdated", "2024-01-01T10:00:00 05:00") == (
        Moment("eq", *dates.parse("2024-01-01T10:00:00+05:00")),
    )


@pytest.mark.parametrize(
    ("name", "text", "target"),
    [
        ("patient", "p1", Target(None, "p1")),
        ("patient", "Patient/p1", Target("Patient", "p1")),
        ("patient", "Patient/p1/_history/1", Target("Patient", "p1")),
        ("patient:Patient", "p1", Target("Patient", "p1")),
    ],
)
def test_a_reference_is_an_id_relative_absolute_or_typed(name: str, text: str, target: Target) -> None:
    assert values(EOB, name, text) == (target,)


def test_a_string_is_a_folded_prefix_unless_it_must_be_exact() -> None:
    assert values("Patient", "name", "GARCÍA") == (TextValue("garcia", "prefix"),)
    assert values("Patient", "name:contains", "arcí") == (TextValue("arci", "contains"),)
    assert values("Patient", "name:exact", "García") == (TextValue("García", "exact"),)


@pytest.mark.parametrize(
    ("kind", "name", "text"),
    [
        (EOB, "service-date", "2024-13"),
        (EOB, "service-date", "xx2024"),
        (EOB, "service-date", "EQ2024"),
        (EOB, "service-date", "0000"),
        (EOB, "patient", "p 1"),
        (EOB, "patient", "Organization/o1"),
        (EOB, "patient", "Patient/"),
        (EOB, "patient", "x" * 65),
        (EOB, "patient:Group", "p1"),
        (EOB, "patient:identifier", "|"),
        (EOB, "patient:Patient", "Organization/o1"),
        (EOB, "patient:Group.identifier", "a"),
        (EOB, "patient.birthdate", "soon"),
        (EOB, "patient.family:above", "x"),
        (EOB, "type", "|"),
        (EOB, "type:in", "http://h/vs"),
        (EOB, "type:text", "a"),
        (EOB, "type:", "a"),
        (EOB, "type", "a\0"),
        (EOB, "service-date:missing", "maybe"),
        (EOB, "service-date:not", "2024"),
        (EOB, "patient:not", "p1"),
        ("Patient", "name:above", "x"),
        ("Patient", "name:not", "x"),
        ("QuestionnaireResponse", "questionnaire:below", "http://h/q"),
        ("Patient", "name", "x" * 1001),
        (EOB, "type", ",".join("a" * (VALUES_MAX + 1))),
        (EOB, "_count", "-1"),
        (EOB, "_count", "ten"),
        (EOB, "_count", "٣"),
        (EOB, "_count", "1" * 10),
        (EOB, "_total", "exact"),
        (EOB, "_include", "ExplanationOfBenefit"),
        (EOB, "_include", "Banana:peel"),
        (EOB, "_include", "ExplanationOfBenefit:type"),
        (EOB, "_include", "ExplanationOfBenefit:coverage:Banana"),
        (EOB, "_include:iterate", "Coverage:nobody"),
        (EOB, "_include:recurse", "Coverage:payor"),
        (EOB, "_revinclude", "Provenance"),
        (EOB, "_revinclude", "*"),
        (EOB, "_revinclude", "Coverage:payor"),
        (EOB, "_revinclude", "Provenance:target:Banana"),
        (EOB, "_sort", "colour"),
        (EOB, "_sort", "type,-provider"),
        (EOB, "_sort", "--type"),
        (EOB, "_sort", "patient.identifier"),
        (EOB, "_sort", "type," * 8 + "type"),
        (EOB, "_elements", "item.sequence"),
        (EOB, "_total", "all"),
    ],
)
def test_a_bad_value_is_refused_naming_the_parameter(kind: str, name: str, text: str) -> None:
    with pytest.raises(BadRequest) as caught:
        parse(kind, [(name, text)])
    assert caught.value.expression in (name, name.removesuffix(":iterate"))


def test_an_unknown_type_is_not_found() -> None:
    with pytest.raises(NotFound) as caught:
        parse("Banana", [])
    assert caught.value.code == "not-supported"


@pytest.mark.parametrize(
    "name",
    ["_type", "_has:Provenance:target:agent", "patient.colour", "patient.patient", "patient.identifier.x",
     "provider", "care-team", "provider.name", "type.code", "colour", "_sort:x"],
)  # fmt: skip
def test_an_unknown_parameter_is_told_or_refused_when_strict(name: str) -> None:
    query = parse(EOB, [(name, "x"), ("type", "a")])
    assert (query.ignored, len(query.clauses)) == ((name,), 1)
    with pytest.raises(BadRequest) as caught:
        parse(EOB, [(name, "x")], strict=True)
    assert caught.value.expression == name


def test_a_parameter_without_a_value_asks_nothing() -> None:
    assert parse(EOB, [("type", ""), ("patient", ",")]).clauses == ()


@pytest.mark.parametrize(
    ("text", "count"), [("1", 1), ("007", 7), ("500", 500), ("501", 500), ("999999999", 500)]
)
def test_a_page_is_as_long_as_asked_up_to_the_most(text: str, count: int) -> None:
    query = parse(EOB, [("_count", text)])
    assert (query.count, query.summary_only) == (count, False)


def test_a_page_has_the_payers_size_and_a_count_of_zero_asks_for_the_total_only() -> None:
    assert parse(EOB, [], page_size=20).count == 20
    assert parse(EOB, [("_count", "0")]).summary_only


def test_includes_are_resolved_in_the_table() -> None:
    query = parse(
        EOB,
        [
            ("_include", "ExplanationOfBenefit:coverage"),
            ("_include", "ExplanationOfBenefit:provider:Organization"),
            ("_include:iterate", "Coverage:payor"),
            ("_include", "ExplanationOfBenefit:coverage"),
        ],
    )
    assert query.includes == (
        Include(EOB, "coverage"),
        Include(EOB, "provider", "Organization"),
        Include("Coverage", "payor", iterate=True),
    )


@pytest.mark.parametrize("text", ["*", "ExplanationOfBenefit:*"])
def test_a_star_includes_every_reference(text: str) -> None:
    names = {include.param for include in parse(EOB, [("_include", text)]).includes}
    assert names == {p.name for p in TYPES[EOB].params if p.kind == "reference"}


def test_links_repeat_what_was_understood_but_not_the_page() -> None:
    args = [("type", "a|b,c"), ("_count", "5"), ("_page", "xyz"), ("colour", "é&")]
    assert parse(EOB, args).link_query == "type=a%7Cb%2Cc&_count=5"


def test_an_absolute_reference_is_one_of_ours() -> None:
    ours = parse(EOB, [("patient", "https://h/fhir/Patient/p1")], base="https://h/fhir")
    assert ours.clauses[0].values == (Target("Patient", "p1"),)
    foreign = ["https://h/fhir/Patient/p1", "http://other/fhir/Patient/p1", "urn:uuid:7a0b"]
    for text in foreign:
        found = parse(EOB, [("patient", text)], base="https://other/fhir").within("p1")
        assert found.clauses[0].values == (Elsewhere(),)


def test_a_summary_counts_and_a_total_may_be_left_untold() -> None:
    assert parse(EOB, [("_summary", "count")]).summary_only
    assert parse(EOB, [("_total", "none")]).untold
    with pytest.raises(BadRequest):
        parse(EOB, [("_summary", "text")])


@pytest.mark.parametrize("text", ["true", "false"])
@pytest.mark.parametrize("name", ["type", "service-date", "patient", "_id"])
def test_any_parameter_may_be_asked_to_be_missing(name: str, text: str) -> None:
    (clause,) = parse(EOB, [(f"{name}:missing", text)]).clauses
    assert (clause.missing, clause.values) == (text == "true", ())
    assert parse(EOB, [(f"{name}:missing", "")]).clauses == ()


def test_a_token_may_be_asked_not_to_be() -> None:
    (clause,) = parse(EOB, [("type:not", "a,s|b")]).clauses
    assert (clause.negated, clause.values) == (True, (TokenValue(None, "a"), TokenValue("s", "b")))


GENDER = "http://hl7.org/fhir/administrative-gender"


@pytest.mark.parametrize(
    ("text", "token"),
    [
        ("female", TokenValue(None, "female")),
        (f"{GENDER}|female", TokenValue(None, "female")),
        ("|female", TokenValue(None, "female")),
        (f"{GENDER}|", TokenValue(None, None)),
        ("http://h/other|female", TokenValue("http://h/other", "female")),
    ],
)
def test_a_plain_code_has_the_system_its_binding_implies(text: str, token: TokenValue) -> None:
    assert values("Patient", "gender", text) == (token,)


def test_a_reference_may_be_found_by_its_identifier() -> None:
    (clause,) = parse("Condition", [("encounter:identifier", "s|v1")]).clauses
    assert (clause.param.name, clause.param.kind) == ("encounter:identifier", "token")
    assert clause.values == (TokenValue("s", "v1"),)


@pytest.mark.parametrize("name", ["patient.identifier", "patient:Patient.identifier"])
def test_a_chain_asks_about_what_a_reference_points_to(name: str) -> None:
    (clause,) = parse(EOB, [(name, "s|M-1")]).clauses
    assert clause.chain is not None
    kind, inner = clause.chain
    assert (kind, inner.param.name, inner.values) == ("Patient", "identifier", (TokenValue("s", "M-1"),))
    assert parse(EOB, [(name, "")]).clauses == ()


def test_r4_names_of_the_patient_work_too() -> None:
    for kind, name in (("Condition", "subject:Patient.identifier"), ("Coverage", "beneficiary.identifier")):
        assert parse(kind, [(name, "x")], strict=True).clauses[0].chain
    assert within("p1", "Condition", ("subject", "Patient/p1")).patient == "p1"
    with pytest.raises(Forbidden) as refused:
        within("p1", "Condition", ("subject", "Patient/p2"))
    assert refused.value.expression == "subject"


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("http://h/q/1", Canonical("http://h/q/1")),
        ("http://h/q/1|2", Canonical("http://h/q/1", "2")),
        (r"http://h/q\|1\,2|3", Canonical("http://h/q|1,2", "3")),
    ],
)
def test_a_definition_is_named_by_url_with_or_without_its_version(text: str, value: Canonical) -> None:
    assert values("QuestionnaireResponse", "questionnaire", text) == (value,)


def test_results_are_sorted_by_several_keys_in_either_direction() -> None:
    (first, second) = parse(EOB, [("_sort", "-service-date,_id")]).sorts
    assert (first.param.name, first.descending) == ("service-date", True)
    assert (second.param.name, second.descending) == ("_id", False)
    assert parse(EOB, [("_sort", "")]).sorts == ()


def test_elements_are_named_without_their_choice() -> None:
    query = parse("Condition", [("_elements", "code,onset[x]")])
    assert query.elements == ("code", "onset")
    assert parse("Condition", [("_elements", "")]).elements == ()


def test_what_refers_to_a_result_may_be_included() -> None:
    asked = [("_revinclude", "Provenance:target"), ("_revinclude:iterate", "Provenance:target:Coverage")]
    assert parse(EOB, asked).includes == (
        Include("Provenance", "target", reverse=True),
        Include("Provenance", "target", "Coverage", iterate=True, reverse=True),
    )


def test_parameters_without_a_value_are_left_out() -> None:
    names = ("_include", "_revinclude", "_sort", "_elements", "_total", "_summary", "type", "type:not")
    empty = parse(EOB, [(name, "") for name in names], strict=True)
    assert replace(empty, args=()) == Query(EOB)


# the compartment rule


def within(patient: str | None, kind: str = EOB, *args: tuple[str, str]) -> Query:
    return parse(kind, args).within(patient)


def test_a_members_search_is_narrowed_to_the_member() -> None:
    assert within("p1").patient == "p1"
    assert within("p1", EOB, ("patient", "Patient/p1")).patient == "p1"
    assert within("p1", EOB, ("patient", "p2,p1")).patient == "p1"
    assert within("p1", "Patient", ("_id", "p2")).patient == "p1"


def test_shared_types_and_searches_of_nobody_are_not_narrowed() -> None:
    assert within("p1", "Organization").patient is None
    assert within(None, EOB, ("patient", "p2")).patient is None


@pytest.mark.parametrize(
    "args",
    [
        [("patient", "p2")],
        [("patient", "Patient/p2")],
        [("patient:Patient", "p2")],
        [("patient", "p1"), ("patient", "p2")],
        [("patient", "P1")],
    ],
)
def test_asking_for_another_patient_is_forbidden(args: list[tuple[str, str]]) -> None:
    with pytest.raises(Forbidden):
        within("p1", EOB, *args)


_KNOWN = st.sampled_from(["patient", "type", "service-date", "_include", "_count", "_id", "identifier:not"])


@settings(deadline=None)
@given(st.lists(st.tuples(_KNOWN | st.text(max_size=8), st.text(max_size=15)), max_size=4), st.booleans())
def test_any_search_is_parsed_or_refused(args: list[tuple[str, str]], strict: bool) -> None:
    with contextlib.suppress(BadRequest, Forbidden):
        assert parse(EOB, args, strict=strict).within("p1").patient == "p1"
