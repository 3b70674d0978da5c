"""Every form of the card: whole, well-formed, safe with strangers' words, and none needs the network."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as Xml

import pytest
import transcripts

from sandbox.core.errors import FileProblem, UsageError
from sandbox.score import report
from sandbox.score.card import Card, number, to_data
from sandbox.score.evidence import Evidence, Exchange, seen
from sandbox.score.findings import Finding
from sandbox.score.report import card_file, comparison
from sandbox.score.report.card_comparison import compare, parse_gate
from sandbox.score.report.card_file import CardFile
from sandbox.score.run import regrade

NASTY = '<script>alert("x")</script> | `rm` & \x07\x1b[31m ]]>'
WORDS = NASTY.replace("\x07\x1b", "")
LINT = Finding("pkce-plain", "error", WORDS, 3, "smart-configuration", "req-9", "SMART", "Take it out.")


def card(lint: tuple[Finding, ...] = (LINT,), **present: bool) -> Card:
    """A card with a lost metric, an unseen one, a nasty reason and a finding."""
    exchange = Exchange("GET", "http://p/fhir/Patient?x=<b>", 404, 12.5, "individual", request_id="req-1")
    attempt = {
        "who": "e 1",
        "line": None,
        "outcome": "ERROR_PAGE",
        "reason": NASTY,
        "error": "",
        "description": "",
    }
    found = {
        "sign-ins": seen([attempt], [exchange]),
        "capability-statement": seen({"present": present.get("metadata", True), "why": "answered 404"}),
    }
    return regrade(Evidence("http://p/fhir", "2026-01-01T00:00:00+00:00", found, lint=tuple(lint)))


@pytest.mark.parametrize("form", list(report.FORMS))
def test_every_form_tells_the_score(form: str) -> None:
    told = report.render(card(), form).decode()
    transcripts.note(told)
    assert "4" in told
    assert "http://p/fhir" in told or form == "badge"
    assert "\x07" not in told


def test_the_html_needs_nothing_from_anywhere_and_escapes_strangers_words() -> None:
    told = report.render(card(), "html").decode()
    assert "<script" not in told
    assert "&lt;script&gt;" in told
    assert not re.findall(r'(?:src|href)="(?!#)', told)
    assert "@import" not in told
    assert "url(" not in told
    for needed in (
        "req-1",
        "req-9",
        "between 2 and",
        "End every sign-in at the redirect URI",
        "RFC 6749 4.1",
    ):
        assert needed in told


def test_the_markdown_keeps_strangers_words_inside_their_cells() -> None:
    told = report.render(card(), "markdown").decode()
    assert "<script" not in told
    rows = [line for line in told.splitlines() if line.startswith("| authorization-success")]
    assert len(re.findall(r"(?<!\\)\|", rows[0])) == 7


def test_the_junit_has_a_test_a_metric_and_skips_the_unseen() -> None:
    top = Xml.fromstring(report.render(card(), "junit"))
    suites = {suite.get("name"): suite for suite in top}
    cases = {case.get("name"): case for suite in top for case in suite}
    assert len(cases) == 17 + 1
    assert cases["authorization-success"].find("failure") is not None
    assert cases["request-success"].find("skipped") is not None
    assert cases["capability-statement"].find("failure") is None
    for suite in suites.values():
        assert int(suite.get("tests", "")) == len(suite)
        assert int(suite.get("failures", "")) == sum(c.find("failure") is not None for c in suite)
        assert int(suite.get("skipped", "")) == sum(c.find("skipped") is not None for c in suite)


def test_the_sarif_has_the_shape_of_2_1_0() -> None:
    log = json.loads(report.render(card(), "sarif"))
    assert (log["version"], len(log["runs"])) == ("2.1.0", 1)
    driver = log["runs"][0]["tool"]["driver"]
    rules = [rule["id"] for rule in driver["rules"]]
    assert len(set(rules)) == len(rules)
    assert driver["name"]
    for rule in driver["rules"]:
        assert rule["shortDescription"]["text"]
        assert rule["defaultConfiguration"]["level"] in ("none", "note", "warning", "error")
    results = log["runs"][0]["results"]
    assert {result["ruleId"] for result in results} >= {"metric/authorization-success", "lint/pkce-plain"}
    assert "metric/capability-statement" not in {result["ruleId"] for result in results}
    prints = set()
    for result in results:
        assert rules[result["ruleIndex"]] == result["ruleId"]
        assert result["message"]["text"]
        assert result["level"] in ("note", "warning", "error")
        assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == "http://p/fhir"
        assert result["locations"][0]["physicalLocation"]["region"]["startLine"] == 1  # code scanning insists
        prints.add(result["partialFingerprints"]["targetAndRule/v1"])
    assert len(prints) == len(results)


def test_the_badge_is_an_svg_with_the_range() -> None:
    found = card()
    top = Xml.fromstring(report.render(found, "badge"))
    assert top.tag.endswith("svg")
    assert f"{found.range[0]}–{found.range[1]}/100" in (top.get("aria-label") or "")


def test_the_json_follows_its_published_schema() -> None:
    path = Path(card_file.__file__).with_name("card.schema.json")
    assert path.read_bytes() == card_file.schema()
    data = json.loads(report.render(card(), "json"))
    read = CardFile.model_validate_json(json.dumps(data), strict=True)
    assert json.loads(read.model_dump_json()) == data  # nothing is written that the schema does not have
    assert data["gains"][0]["metric"] == "authorization-success"
    assert [gain["seen"] for gain in data["gains"]] == sorted(
        (g["seen"] for g in data["gains"]), reverse=True
    )
    assert data["details"]["authorization-success"]["evidence"][0]["request_id"] == "req-1"


@pytest.mark.parametrize(
    ("name", "form"),
    [("a.html", "html"), ("a.json", "json"), ("a.md", "markdown"), ("a.xml", "junit"), ("a.sarif", "sarif"),
     ("a.sarif.json", "sarif"), ("a.svg", "badge"), ("a.txt", "text"), ("a", "text"),
     ("evidence", "evidence"), ("evidence.json", "evidence"), ("x.evidence.json", "evidence")],
)  # fmt: skip
def test_a_files_name_tells_the_form(name: str, form: str) -> None:
    assert report.find_form(name) == form


@pytest.mark.parametrize("name", ["card.pdf", "card.docx", "a.tar.gz"])
def test_a_file_that_no_form_is_for_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match=r"\.json"):
        report.find_form(name)


def read(found: Card) -> CardFile:
    return CardFile.model_validate(to_data(found))


def test_a_comparison_tells_what_rose_fell_and_is_only_not_seen() -> None:
    before, after = card(), card((replace(LINT, rule="no-store"),), metadata=False)
    found = compare(read(before), read(after))
    assert (found.by, [change.metric for change in found.fell]) == (-2, ["capability-statement"])
    assert (found.new_lint, found.gone_lint) == (("no-store",), ("pkce-plain",))
    assert compare(read(after), read(before)).fell == ()
    unseen = regrade(Evidence("http://p/fhir"))
    hidden = compare(read(before), read(unseen))
    assert hidden.by < 0
    assert hidden.fell == ()
    for form in comparison.FORMS:
        told = comparison.render(found, form)
        transcripts.note(told)
        assert "capability-statement" in told
    assert "not seen this time" in comparison.render(hidden, "text")
    with pytest.raises(UsageError, match="different editions"):
        compare(read(before), read(after).model_copy(update={"edition": "ours"}))


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"edition": 1}'])
def test_a_file_that_is_no_card(tmp_path: Path, text: str) -> None:
    path = tmp_path / "card.json"
    path.write_text(text)
    with pytest.raises(FileProblem, match=r"card\.json"):
        card_file.read(path)


def test_thresholds() -> None:
    most = {"refresh-token": 10, "status": 10}
    asked = parse_gate(90, ["refresh-token:6"], most)
    assert asked.points == {"refresh-token": 6}
    assert asked.failures(90, {"refresh-token": 6}, ["critical"]) == []
    assert len(asked.failures(89, {"refresh-token": 5}, [])) == 2
    assert parse_gate(None, [], most).failures(0, {}, ["critical"]) == []
    for word in ("refresh-token", "refresh-token:", "refresh-token:0", "refresh-token:11", "speed:1", ":1"):
        with pytest.raises(UsageError, match="--fail-on"):
            parse_gate(None, [word], most)


@pytest.mark.parametrize(
    ("words", "failures"),
    [
        (["critical"], ["1 critical finding"]),
        (["error"], ["1 critical finding", "2 error findings"]),
        (["critical", "error"], ["1 critical finding", "2 error findings"]),
        (["error", "critical"], ["1 critical finding", "2 error findings"]),
        (["note"], ["1 critical finding", "2 error findings", "1 note finding"]),
    ],
)
def test_findings_of_a_level_and_graver_ones_fail_a_gate(words: list[str], failures: list[str]) -> None:
    levels = ["error", "note", "critical", "error"]
    assert parse_gate(None, words, {}).failures(100, {}, levels) == failures


def test_the_text_shows_findings_and_gains(tmp_path: Path) -> None:
    told: Any = report.render(card(), "text").decode()
    assert "pkce-plain" in told
    assert "Findings that do not affect the score" in told
    assert max(map(len, told.splitlines())) <= 80


def test_what_nobody_could_see_for_one_reason_is_told_once() -> None:
    told = report.render(card(), "text").decode()
    assert told.count("this was not checked") == 1
    after = told.split("Not seen, ")[1].split("this was not checked")[0]
    assert "points in all" in after
    for metric in ("sync-speed", "inactive-members", "refresh-token"):
        assert metric in after
    assert "authorization-success (-14)" in told


def test_a_card_that_holds_the_score_and_no_more_can_be_compared(tmp_path: Path) -> None:
    """Cards of other graders, and of older versions, lack what was added since."""
    said = json.loads(report.render(card(), "json"))
    kept = ("edition", "target", "score", "max", "range", "metrics", "vendor")
    path = tmp_path / "card.json"
    path.write_text(json.dumps({name: said[name] for name in kept}))
    assert card_file.read(path).points() == {entry["id"]: entry["points"] for entry in said["metrics"]}


@pytest.mark.parametrize(
    ("value", "unit", "shown"),
    [(1, "days", "1 day"), (2, "days", "2 days"), (0, "days", "0 days"),
     (Fraction(195, 2), "percent", "97.5 %"), (0.5, "seconds", "0.50 s"), (1.0, "seconds", "1.00 s"),
     (7, "", "7"), ("not_available", "days", ""), (("Coverage",), "types", "")],
)  # fmt: skip
def test_a_value_is_shown_with_its_unit(value: Any, unit: str, shown: str) -> None:
    assert number(value, unit) == shown
