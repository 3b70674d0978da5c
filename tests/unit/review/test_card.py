"""The card: whose it is, where its journal comes from, and the forms it is told in."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest
from journals import Journal

from sandbox.core.errors import FileProblem, UsageError
from sandbox.review import forms
from sandbox.review.card import ReviewCard, ReviewRecord, review
from sandbox.review.journal import exchanges, read
from sandbox.review.table import ROWS


def made(journal: Journal, client: str | None = None) -> ReviewCard:
    return review([ReviewRecord(exchanges(journal.entries))], client, "here")


def two_apps() -> Journal:
    journal = Journal().discover().sign_in().get()
    journal.sign_in(2)
    for entry in journal.entries[4:]:
        entry["client"] = "other"
    return journal.dead(token="a2")


def test_the_app_has_to_be_named_where_there_are_two() -> None:
    with pytest.raises(UsageError, match=r"--client app \| other"):
        made(two_apps())
    with pytest.raises(UsageError, match="no requests of 'third'"):
        made(two_apps(), "third")


TOOL = {"agent": "payer-sandbox-score/0.1.0", "client": "sandbox-app"}
PERSON = {
    "agent": "Mozilla/5.0", "client": None, "member": None, "token": "", "accept": "text/html,*/*;q=0.8",
}  # fmt: skip


def test_what_our_own_tools_and_people_do_is_nobodys_failure() -> None:
    journal = Journal()
    journal.authorize(client=None, params=[], sent={}, state_length=0)
    journal.authorize(client=None, params=["client_id"], sent={"client_id": "none-such"})
    journal.get(status=401, **PERSON).call("GET /fhir/metadata", **PERSON)
    journal.authorize(scope="patient/*.rs", **TOOL).get(**TOOL, accept="*/*")
    for number in range(300):
        journal.get(f"Location/{number}", **TOOL, wait=0, ms=3)
    card = made(journal)
    assert (card.client, card.exchanges) == ("", 0)
    assert {line.finding.result for line in card.lines} == {"not exercised"}
    assert sorted(card.left_out.values()) == [2, 2, 302]
    for shape in ("text", "markdown"):
        assert "302 exchanges of payer" in forms.render(card, shape)
    assert json.loads(forms.render(card, "json"))["left_out"] == card.left_out


def test_an_app_is_judged_by_its_own_requests_beside_those_of_others() -> None:
    journal = Journal().authorize(**TOOL, scope="patient/*.rs").discover().sign_in().get()
    journal.get(**TOOL, accept="*/*").dead("Coverage", agent="curl/8")
    assert made(journal).client == "app"
    assert made(journal)["accept"].result == "pass"
    assert made(journal)["refresh-once"].result == "fail", "a refusal is told by its token"
    with pytest.raises(UsageError, match="this journal has no requests of 'sandbox-app', only of app"):
        made(journal, "sandbox-app")


def test_an_app_that_only_registered_is_no_second_one() -> None:
    journal = (
        Journal().call("POST /auth/register", 201, client="new").call("GET /developer/apps/new", client="new")
    )
    assert made(journal.sign_in()).client == "app"


def test_a_refusal_belongs_to_the_app_whose_token_was_refused() -> None:
    assert made(two_apps(), "other")["refresh-once"].result == "fail"
    assert made(two_apps(), "app")["refresh-once"].result == "not exercised"
    assert made(two_apps(), "other")["discovery"].result == "pass"  # nobody's: a document for all


def test_each_payer_has_its_own_story_and_the_worst_counts() -> None:
    one, other = Journal(), Journal()
    for _ in range(6):
        one.get()
        other.get()
    other.get("Coverage", accept="*/*")
    records = [
        ReviewRecord(exchanges(j.entries), source=name) for j, name in ((one, "first"), (other, "second"))
    ]
    card = review(records)
    assert card.exchanges == 13
    assert card["pace"].result == "pass"
    assert card["accept"].result == "fail"
    assert card["accept"].reason.endswith("(second)")
    assert card["retry-after"].result == "not exercised"


def test_a_row_that_is_not_there_is_told() -> None:
    with pytest.raises(KeyError, match="no row 'manners'"):
        made(Journal())["manners"]


@pytest.mark.parametrize("form", ["ndjson", "list", "answer", "one"])
def test_a_saved_journal_is_read(tmp_path: Path, form: str) -> None:
    entries = Journal().get(error=None).get(extra="of a later version").entries
    text = {
        "ndjson": "\n".join(map(json.dumps, entries)) + "\n\n",
        "list": json.dumps(entries),
        "answer": json.dumps({"entries": entries, "last": 2}),
        "one": json.dumps(entries[0]),
    }[form]
    (tmp_path / "journal").write_text(text)
    assert [e.number for e in read(tmp_path / "journal")] == ([1] if form == "one" else [1, 2])


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nothing", "line 1: not JSON"),
        ('{"number": 1}\n{"numb', "line 2: not JSON"),
        ('{"entries": [1]}', "entry 1: not an entry"),
        ('[{"at": "yesterday", "method": "GET", "path": "/", "status": 1}]', "entry 1: not an entry"),
        ("3", "not a journal"),
    ],
)
def test_what_is_no_journal_is_refused_in_one_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "j.json").write_text(text)
    with pytest.raises(FileProblem, match=told) as caught:
        read(tmp_path / "j.json")
    assert "\n" not in str(caught.value)


def failing() -> ReviewCard:
    journal = Journal().authorize(scope="patient/*.rs")
    journal.get("Practitioner/<b>|\x07", 404, accept="*/*").get("Practitioner/<b>|\x07", 404)
    return made(journal)


def test_the_text_fits_80_columns_and_says_what_to_mend() -> None:
    text = forms.render(failing(), "text")
    assert max(map(len, text.splitlines())) <= 80
    assert "pass  pkce" in text
    assert "#2 12:00:00.220 404 GET /fhir/Practitioner/<b>|" in text
    assert "Send Accept: application/fhir+json" in text
    assert "RFC 9110 §12.5.1" in text


def test_the_json_has_every_row_with_its_evidence() -> None:
    told = json.loads(forms.render(failing(), "json"))
    assert [row["id"] for row in told["rows"]] == [row.id for row in ROWS]
    assert told["failed"] == sum(row["result"] == "fail" for row in told["rows"]) == 4
    accept = next(row for row in told["rows"] if row["id"] == "accept")
    assert accept["evidence"] == [
        {"number": 2, "request": "r2", "at": "2027-01-04T12:00:00.220+00:00", "method": "GET",
         "path": "/fhir/Practitioner/<b>|\x07", "status": 404}
    ]  # fmt: skip
    assert accept["fix"]
    assert accept["cites"]
    assert all("fix" not in row for row in told["rows"] if row["result"] == "pass")


def test_junit_has_a_test_for_each_row() -> None:
    suite = Xml.fromstring(forms.render(failing(), "junit"))[0]
    assert suite.attrib | {"name": ""} == {
        "name": "", "tests": str(len(ROWS)), "failures": "4", "errors": "0",
        "skipped": str(len(failing().select("not exercised"))),
    }  # fmt: skip
    failure = suite.find("testcase[@name='accept']/failure")
    assert failure is not None
    assert "Accept: application/fhir+json" in (failure.text or "")


def test_markdown_cannot_be_broken_by_an_address() -> None:
    text = forms.render(failing(), "markdown")
    row = next(line for line in text.splitlines() if line.startswith("| `references`"))
    assert row.count("|") - row.count(r"\|") == 4
    assert "<b>" not in row.replace(r"\<b\>", "")
