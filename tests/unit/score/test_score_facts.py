"""A facts document with mistakes: each is named, and the rest is used."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import transcripts
from click.testing import CliRunner
from conftest import Grade, line_of
from fake_payer import FakePayer

from sandbox.cli.main import cli
from sandbox.core import files
from sandbox.core.errors import FileProblem
from sandbox.score.fhir import lenient_json
from sandbox.score.instruments import facts, facts_reference
from sandbox.score.instruments.facts import Claims, Instruments, Member, PayerFacts

TOP = Path(__file__).parents[3]


def parse(claims: Any = None, instruments: Any = None, **more: Any) -> PayerFacts:
    return facts.parse({"claims": claims or {}, "instruments": instruments or {}, **more}, "it")


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"status": "alive"}, "claims.status: 'alive' is not known: live, "),
        ({"status": 1}, "claims.status: should be text"),
        ({"statuss": "live"}, "claims.statuss: unknown key (did you mean status?)"),
        ({"sandbox": "yes"}, "claims.sandbox: should be true or false"),
        ({"refresh_max_days": "365"}, "claims.refresh_max_days: should be a whole number"),
        ({"refresh_max_days": True}, "claims.refresh_max_days: should be a whole number"),
        ({"offered_lines": "qhp"}, "claims.offered_lines: should be a list"),
        ({"offered_lines": ["qhp", 7]}, "claims.offered_lines: 1: should be text"),
        ({"offered_lines": ["medicad"]}, "claims.offered_lines: 'medicad' is not a known line"),
        ({"portal_opt_in": 0}, "claims.portal_opt_in: should be true or false"),
    ],
)
def test_a_wrong_claim_is_named_and_the_others_are_used(claims: dict[str, Any], problem: str) -> None:
    found = parse({"developer_email": "api@payer.example", **claims})
    transcripts.note(*found.problems, found.claimed())
    assert len(found.problems) == 1
    assert found.problems[0].startswith(problem)
    assert found.claimed()["developer_email"] == "api@payer.example"


@pytest.mark.parametrize(
    ("entry", "problem", "used"),
    [
        ({"username": "a", "password": "b", "role": "elligible"}, "0.role: must be eligible", 0),
        ({"username": 1, "password": "b"}, "0.username: should be text", 0),
        ({"username": "a"}, "0: lacks password", 0),
        ("a:b", "0: is not an object", 0),
        ({"username": "a", "password": "b", "nick": 1}, "0.nick: unknown key", 1),
        (
            {"username": "a", "password": "b", "coverage_end": "soon"},
            "0.coverage_end: 'soon' is not a date",
            1,
        ),
        ({"username": "a", "password": "b", "line": 3}, "0.line: should be text", 1),
    ],
)
def test_a_wrong_account_is_named_and_the_others_are_used(entry: Any, problem: str, used: int) -> None:
    found = parse(instruments={"members": [entry, {"username": "c", "password": "d"}], "clock": 5})
    transcripts.note(*found.problems, *found.instruments.members)
    assert found.problems[0].startswith(f"instruments.members.{problem}")
    assert found.problems[1] == "instruments.clock: should be text"
    assert len(found.instruments.members) == used + 1


def test_a_status_may_be_spelled_as_people_do() -> None:
    for spelled in ("Live", "LIVE ", "not_available", "Not Available", "ready_to_configure"):
        assert parse({"status": spelled}).problems == ()


def test_hundreds_of_mistakes_are_not_all_told() -> None:
    found = parse({f"key{number}": 1 for number in range(500)})
    assert len(found.problems) == facts.MOST_PROBLEMS + 1
    assert found.problems[-1] == "and 450 more"


@pytest.mark.parametrize("data", [[], "x", None, {}, {"hello": 1}])
def test_what_is_no_facts_document_is_refused(data: Any) -> None:
    with pytest.raises(FileProblem, match="it: "):
        facts.parse(data, "it")


@pytest.mark.parametrize("part", [{"claims": []}, {"claims": {}, "instruments": "none"}])
def test_a_part_that_is_no_object_is_named(part: dict[str, Any]) -> None:
    assert "is not an object" in facts.parse(part, "it").problems[0]


def test_mistakes_of_a_served_document_are_findings_and_cost_only_their_own_metric(grade_fake: Grade) -> None:
    card, evidence = grade_fake(FakePayer(claims={"sandbox": "yes", "colour": "blue"}))
    assert {found.text for found in card.lint if found.rule == "facts-document"} == {
        "claims.colour: unknown key",
        "claims.sandbox: should be true or false",
    }
    assert card.score == 100 - 6
    assert evidence["facts"].value["instruments"]["accounts"]["eligible"] == 40


def test_an_unknown_status_is_no_zero(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(claims={"status": "alive"}, instruments={"members": []}))
    status = line_of(card, "status")
    assert status.source == "unseen"
    assert "--facts" in status.next


def test_mistakes_of_a_file_are_told_on_standard_error(tmp_path: Path) -> None:
    file, log = tmp_path / "facts.json", tmp_path / "log.ndjson"
    file.write_text(json.dumps({"claims": {"status": "alive\x1b[31m", "sandbox": True}}))
    log.write_text('{"ts": "2026-01-01T00:00:00Z", "kind": "sync_event"}\n')
    out = tmp_path / "card.json"
    done = CliRunner().invoke(
        cli, ["score", "--traffic", str(log), "--facts", str(file), "--out", str(out)], standalone_mode=False
    )
    told = [line for line in done.stderr.splitlines() if line.startswith("facts: ")]
    assert len(told) == 1
    assert told[0].startswith("facts: claims.status: 'alive")
    assert "\x1b" not in done.stderr
    card = json.loads(out.read_text())
    assert [found["rule"] for found in card["lint"]] == ["facts-document"]
    assert next(m for m in card["metrics"] if m["id"] == "sandbox")["points"] == 6


def test_the_published_schema_and_reference_are_the_code_s() -> None:
    assert (TOP / "docs" / "facts.schema.json").read_bytes() == facts_reference.build_schema()
    page = (TOP / "docs" / "facts.md").read_text()
    assert facts_reference.build_tables() in page
    for model in (Claims, Instruments, Member):
        for name, field in model.model_fields.items():
            assert field.description, name
            assert f"| `{name}` |" in page
    for word in (*facts.STATUSES, *facts.LINES):
        assert f"`{word}`" in page


def test_the_document_of_the_tests_own_payer_has_no_mistake() -> None:
    assert facts.parse(FakePayer().facts_document(), "it").problems == ()


ODD = (
    "1" * 400,
    "-" + "9" * 5000,
    "1e400",
    "NaN",
    "-Infinity",
    "[" * 3000 + "]" * 3000,
    '{"a":' * 3000 + "1" + "}" * 3000,
    "[[1, [2]]]",
    '"half a pair: \\ud800"',
)


@pytest.mark.parametrize("value", ODD, ids=[f"odd{number}" for number in range(len(ODD))])
@pytest.mark.parametrize("way", ["served", "file"])
@pytest.mark.parametrize("place", ["claim", "member", "unknown"])
def test_an_odd_value_spoils_nothing_beside_it(value: str, way: str, place: str, tmp_path: Path) -> None:
    whole = json.dumps(
        {
            "claims": {"status": "live", "refresh_max_days": "ODD" if place == "claim" else 365},
            "instruments": {
                "client_id": "app",
                "members": [
                    {"username": "a", "password": "b", "coverage_end": "ODD" if place == "member" else None},
                    {"username": "c", "password": "d \u00e9 \\ [{"},
                ],
            },
            **({"more": "ODD"} if place == "unknown" else {}),
        }
    ).replace('"ODD"', value)
    path = tmp_path / "facts.json"
    path.write_text(whole)
    body = lenient_json.read_object(whole.encode())
    found = facts.read(path) if way == "file" else facts.parse(body, "it")
    named = {"claim": "claims.refresh_max_days", "member": "instruments.members.0.", "unknown": "more"}
    assert [text.startswith(named[place]) for text in found.problems] == [True]
    assert found.claims.status == "live"
    assert [member.username for member in found.instruments.members] == ["a", "c"]
    assert found.instruments.members[1].password == "d \u00e9 \\ [{"
    files.json_bytes(found.claimed())


def test_of_a_list_the_right_entries_are_used() -> None:
    found = parse({"offered_lines": ["qhp", 7, "medicaid", ["chip"]]})
    assert found.claims.offered_lines == ["qhp", "medicaid"]
    assert found.problems == (
        "claims.offered_lines: 1: should be text",
        "claims.offered_lines: 3: should be text",
    )
    assert "supported_lines" not in parse({"supported_lines": [7, None]}).claimed()


def test_a_number_of_days_may_have_a_point_and_an_end() -> None:
    assert parse({"refresh_max_days": 365.0}).claims.refresh_max_days == 365
    assert parse({"refresh_max_days": 365.5}).problems
    found = parse({"inactive_access_days": 10**400})
    assert found.problems == ("claims.inactive_access_days: is not a plausible number of days",)
    assert found.claimed() == {}


@pytest.mark.parametrize("text", ["", "{", "[}", "hello", '{"claims": ', "[" * 5000, "<h1>Facts</h1>"])
def test_what_is_no_json_stays_no_json(text: str) -> None:
    assert lenient_json.read_object(text.encode()) == {}
