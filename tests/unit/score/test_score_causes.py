"""Each lost point has its cause: the advice for it, and the exchange that shows it."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from conftest import Grade, line_of
from fake_payer import FakePayer, answer

from sandbox.score import causes, report
from sandbox.score.causes.find import FINDERS
from sandbox.score.causes.http import find_last_tries, name_cause
from sandbox.score.evidence import Exchange
from sandbox.score.guidance import links, pages
from sandbox.score.guidance.entries import read_guidance, read_shared
from sandbox.score.lint.rules import RULES
from sandbox.score.rubric import load

EDITION = load("2025-05")
METRICS = [metric.id for metric in EDITION.metrics]
TOP = Path(__file__).parents[3]


def waits_once() -> Callable[[httpx.Request, int], httpx.Response | None]:
    """The first search of Coverage is 429, a retry works; every search of Goal is 404."""
    had: list[str] = []

    def before(request: httpx.Request, number: int) -> httpx.Response | None:
        if request.url.path.endswith("/Goal"):
            return httpx.Response(404, headers={"x-request-id": f"goal-{number}"})
        if request.url.path.endswith("/Organization/o-3"):
            had.append("o")
            if len(had) == 1:
                return httpx.Response(429, headers={"retry-after": "1", "x-request-id": "mended"})
        if request.url.path.endswith("/Organization/o-4"):
            return httpx.Response(404, headers={"x-request-id": "lost"})
        return None

    return before


def test_where_every_search_fails_nobody_is_told_to_point_at_providers(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(before_fhir=answer(502, path="/fhir/", has_id=True)))
    assert [cause.id for cause in line_of(card, "sync-speed").causes] == ["bad-gateway"]
    references = line_of(card, "reference-resolution")
    assert "no reference to resolve" in references.reason
    assert "providers" not in references.fix
    assert {exchange.status for exchange in references.evidence} == {502}


def test_evidence_is_the_last_try_and_not_what_a_retry_resolved(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(before_fhir=waits_once()))
    references = line_of(card, "reference-resolution")
    assert [exchange.request_id for exchange in references.evidence] == ["lost"] * 5
    requests = line_of(card, "request-success")
    assert requests.causes[0].id == "not-found"
    assert all(exchange.request_id.startswith("goal-") for exchange in requests.evidence)


def test_causes_are_told_most_frequent_first_and_show_one_exchange_each(grade_fake: Grade) -> None:
    def before(request: httpx.Request, number: int) -> httpx.Response | None:
        if request.url.path.endswith(("/Goal", "/Coverage")):
            return httpx.Response(404)
        return httpx.Response(502) if request.url.path.endswith("/CareTeam") else None

    line = line_of(grade_fake(FakePayer(before_fhir=before))[0], "request-success")
    assert [(cause.id, cause.count) for cause in line.causes] == [("not-found", 10), ("bad-gateway", 5)]
    assert line.causes[0].about == ("Coverage", "Goal")
    assert [exchange.status for exchange in line.evidence[:2]] == [404, 502]
    assert "(Coverage, Goal)" in line.fix
    assert "gateway" in line.fix


def test_what_was_not_seen_is_for_the_person_who_grades(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(facts=False))
    for line in card.lines:
        if line.unseen:
            assert line.payer_fix == ""
            assert re.search(r"--(facts|token|browser|traffic|client-id|register)", line.next), line.id
            assert line.fix == line.next
    token, _ = grade_fake(FakePayer(), token="nobody's", patient="p-m0")
    assert "Leave out --token" in line_of(token, "authorization-success").next


def test_every_form_links_the_page_and_keeps_the_two_kinds_of_advice_apart(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer(facts=False, metadata=False, before_fhir=answer(404, "Goal", has_id=True)))
    for form in (form for form in report.FORMS if form != "badge"):
        text = " ".join(report.render(card, form).decode().split())
        for words in ("docs/checks/capability-statement.md", "Serve the CapabilityStatement at", "--facts"):
            assert words in text
        assert "what you can do" in text.lower() or form in ("json", "sarif", "junit")


def test_nobody_is_told_to_mend_what_lost_nothing_and_sarif_links_pages(grade_fake: Grade) -> None:
    card, _ = grade_fake(FakePayer())
    assert card.score == 100
    for line in card.lines:
        assert (line.fix, line.next, line.causes) == ("", "", ())
        assert line.evidence
        assert line.help == f"docs/checks/{line.id}.md"
    for rule in json.loads(report.render(card, "sarif"))["runs"][0]["tool"]["driver"]["rules"]:
        uri = urlsplit(rule["helpUri"])
        assert uri.scheme == "file"
        page = Path(unquote(uri.path)).read_text()
        assert not uri.fragment or re.search(rf"^#+ {uri.fragment}$", page, re.M)


def test_the_published_documentation_is_linked_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "_published", lambda: "https://docs.example/")
    assert links.link_metric("status", "not-live") == "https://docs.example/docs/checks/status.md#not-live"
    assert links.locate(links.link_finding("no-store")).startswith("https://docs.example/")


def test_the_pages_are_made_of_the_guidance() -> None:
    built = pages.build_pages()
    folder = TOP / "docs" / "checks"
    assert {path.name: path.read_text() for path in folder.iterdir()} == built


def test_no_metric_says_something_else_of_what_nobody_looked_at() -> None:
    """A cause of the person who grades never becomes one of the payer by having its name."""
    shared = read_shared()
    for metric in METRICS:
        guidance = read_guidance(metric)
        assert guidance
        for group in ("way-in", "unseen", "claims", "log"):
            assert not [name for name in shared[group].keys() & guidance.causes if guidance.causes[name].fix]


@pytest.mark.parametrize("by_token", [False, True])
def test_all_that_was_not_seen_is_addressed_to_the_person_who_grades(
    grade_fake: Grade, by_token: bool
) -> None:
    payer = FakePayer(facts=False)
    payer.access["given"] = "m1"
    card, _ = grade_fake(payer, **({"token": "given"} if by_token else {}))
    unseen = [line for line in card.lines if line.source == "unseen"]
    assert len(unseen) > 5
    for line in unseen:
        assert line.next, line.id
        assert line.fix == line.next, line.id
        assert line.evidence, line.id


def test_each_metric_has_a_page_with_an_anchor_for_every_cause() -> None:
    assert set(FINDERS) == set(METRICS)
    for metric in METRICS:
        page = (TOP / "docs" / "checks" / f"{metric}.md").read_text()
        guidance = read_guidance(metric)
        assert guidance
        anchors = re.findall(r"^### (.+)$", page, re.M)
        assert sorted(anchors) == sorted(guidance.all_causes)
        assert guidance.links
        for heading in ("How it is counted", "Points", "Sources"):
            assert f"## {heading}" in page
    findings = (TOP / "docs" / "checks" / "findings.md").read_text()
    assert re.findall(r"^## (.+)$", findings, re.M) == list(RULES)


def test_every_cause_that_the_code_names_has_its_guidance() -> None:
    known = {name for metric in METRICS for name in read_guidance(metric).all_causes}  # type: ignore[union-attr]
    named = set(named_causes())
    assert {"not-found", "incomplete", "declined", "no-accounts", "not-tried"} <= named
    assert named - known - {""} == set()
    assert known - named <= {"sign-in-not-walked"}
    http_causes = {name_cause(Exchange("GET", "u", status, 0.0, "individual")) for status in range(1000)}
    assert http_causes - {""} <= set(read_shared()["http"])


def named_causes() -> Iterator[str]:
    """Causes in the source: of `Cause`, `Reason` and `unseen`, and what functions that name one return."""
    folder = Path(causes.__path__[0])
    for path in [*folder.glob("*.py"), *folder.parent.rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(func=ast.Name("LossCause"), args=[first, *_]):
                    yield from values(first)
                case ast.Call(func=ast.Name("Reason"), args=[_, cause]):
                    yield from values(cause)
                case ast.Call(func=ast.Name("unseen"), args=[_, _, cause]):
                    yield from values(cause)
                case ast.Call(func=ast.Name("unseen"), keywords=[*_, ast.keyword("cause", cause)]):
                    yield from values(cause)
            if path.parent != folder:
                continue
            match node:
                case ast.Call(func=ast.Name("replace"), keywords=[ast.keyword("id", cause)]):
                    yield from values(cause)
            match node:
                case ast.Assign(targets=[ast.Name("name")], value=value):
                    yield from values(value)
                case ast.Return(value=ast.expr() as value):
                    yield from values(value)
                case ast.Dict(values=entries) if entries and isinstance(entries[0], ast.Constant):
                    yield from (entry.value for entry in entries if isinstance(entry, ast.Constant))  # type: ignore[misc]
                case ast.Tuple(elts=[ast.Constant(str()), ast.Constant(str(cause_of_note))]) if (
                    cause_of_note.islower()
                ):
                    yield cause_of_note


def values(node: ast.expr) -> Iterator[str]:
    """The words that an expression may be, not those that it compares or looks up by."""
    match node:
        case ast.Constant(str(word)):
            yield word
        case ast.IfExp(body=one, orelse=other):
            yield from (*values(one), *values(other))
        case ast.BoolOp(values=parts):
            for part in parts:
                yield from values(part)
        case ast.Call(args=[_, default]):
            yield from values(default)


@pytest.mark.parametrize(
    ("note", "cause"),
    [
        ("no connection: [Errno 111] Connection refused", "no-connection"),
        ("no connection: x.example does not resolve", "unknown-host"),
        ("no complete response in time", "timeout"),
        ("no connection in time", "timeout"),
        ("the response broke off or was not HTTP", "broken-answer"),
        ("not asked: leads to another origin than the target: http://x:80", "another-origin"),
        ("not asked: the examination's time is up", "out-of-time"),
    ],
)
def test_an_answer_that_never_came_has_its_cause(note: str, cause: str) -> None:
    assert name_cause(Exchange("GET", "u", 0, 0.0, "individual", note=note)) == cause


def test_a_retry_supersedes_only_the_same_request() -> None:
    first, again = Exchange("GET", "a", 429, 0, "x"), Exchange("GET", "a", 200, 0, "x", retry=True)
    other = Exchange("GET", "b", 404, 0, "x")
    assert find_last_tries([first, again, other]) == [again, other]
    assert find_last_tries([first, other]) == [first, other]
