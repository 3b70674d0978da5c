"""The catalogue: which scenarios are in force, how they combine, and complaints that teach."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from unit.faults.fault_samples import FHIR, GOOD, complaints, scenario, world

from sandbox.core.errors import FileProblem, NotFound
from sandbox.core.gates import OPEN, Stage
from sandbox.core.payer import BASELINE
from sandbox.faults.catalog import Catalog, load, read
from sandbox.faults.scenario import Scenario
from sandbox.settings import root

SCENARIOS = root() / "scenarios"
SHIPPED = load(SCENARIOS)
CATALOG = Catalog(
    [
        scenario("slow-search", payer={"page_size": 10}, rules=[{"then": {"do": "maintenance"}}]),
        scenario("short-refresh", payer={"refresh_max_days": 30, "page_size": 20}),
        scenario("baseline"),
    ]
)


@pytest.mark.parametrize(
    ("path", "header", "chosen"),
    [
        ("short-refresh", "slow-search", "short-refresh"),
        (None, "slow-search", "slow-search"),
        (None, None, "baseline"),
        ("", "", "baseline"),
        ("slow-search.short-refresh", None, "slow-search.short-refresh"),
    ],
)
def test_the_path_wins_over_the_header_and_that_over_the_default(
    path: str | None, header: str | None, chosen: str
) -> None:
    assert CATALOG.choose(path, header, "baseline").name == chosen


def test_a_session_is_what_follows_the_tilde() -> None:
    found = CATALOG.parse("slow-search.short-refresh~t_7-X")
    assert ([s.id for s in found.scenarios], found.session) == (["slow-search", "short-refresh"], "t_7-X")
    assert CATALOG.parse("baseline").session == ""


@pytest.mark.parametrize("session", ["", "a b", "a~b", "a/b", "é", "x" * 65, "a\n"])
def test_a_bad_session_is_not_found(session: str) -> None:
    with pytest.raises(NotFound, match="session"):
        CATALOG.parse(f"baseline~{session}")


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("slow-serch", "slow-search"),
        ("short-refresh.slow", "slow-search"),
        ("zzzzzz", "baseline"),
        ("", "baseline"),
        ("baseline.", "baseline"),
        ("x" * 5000, "baseline"),
    ],
)
def test_an_unknown_scenario_is_not_found_and_the_nearest_are_named(name: str, nearest: str) -> None:
    with pytest.raises(NotFound) as caught:
        CATALOG.parse(name)
    assert nearest in caught.value.text.partition("Nearest: ")[2]
    assert len(caught.value.text) < 300


def test_characters_combine_in_the_order_they_are_named() -> None:
    both = CATALOG.parse("slow-search.short-refresh").payer(BASELINE)
    assert (both.page_size, both.refresh_max_days) == (20, 30)
    assert CATALOG.parse("short-refresh.slow-search").payer(BASELINE).page_size == 10
    assert CATALOG.parse("baseline").payer(BASELINE) == BASELINE


def test_scenarios_without_rules_bind_the_open_gates() -> None:
    assert CATALOG.parse("baseline.short-refresh").bind(world()) is OPEN
    bound = CATALOG.parse("short-refresh.slow-search").bind(world())
    assert bound.run(Stage.REQUEST, None, FHIR) is not None
    assert bound.fired() == ("slow-search:maintenance",)


def test_accidents_of_several_scenarios_happen_in_the_order_they_are_named() -> None:
    def labels(id: str, label: str) -> Scenario:
        return scenario(id, rules=[{"then": {"do": "set_element", "path": "label", "value": label}}])

    catalog = Catalog([labels("one", "1"), labels("two", "2")])
    bound = catalog.parse("two.one").bind(world())
    shown: dict[str, Any] = bound.run(Stage.RESOURCE, {"id": "x"}, FHIR)
    assert shown == {"id": "x", "label": "1"}
    assert bound.fired() == ("two:set_element", "one:set_element")


@pytest.mark.parametrize("path", sorted(SCENARIOS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_scenario_that_comes_with_the_sandbox_is_well(path: Path) -> None:
    found = read(path)
    assert isinstance(found, Scenario), found
    assert SHIPPED.parse(path.stem).scenarios == (found,)


# complaints


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (
            "rules: [{then: {do: dely, seconds: 1}}]",
            r"rules\.0\.then\.do: no verb 'dely' \(did you mean delay\?\)",
        ),
        ("rules: [{then: {do: xyz}}]", r"no verb 'xyz'; verbs are add_callback_param, "),
        ("rules: [{then: {seconds: 1}}]", r"rules\.0\.then\.do: a verb is missing; verbs are "),
        ("rules: [{then: {do: delay, second: 1}}]", r"rules\.0\.then\.second: not a key"),
        ("rules: [{then: {do: delay, seconds: soon}}]", r"rules\.0\.then\.seconds: .*number"),
        ("rules: [{when: {pth: /x}, then: {do: drop_state}}]", r"rules\.0\.when\.pth: not a key"),
        ("rules: [{then: {do: drop_state}}, {when: {}}]", r"rules\.1\.then: Field required"),
        ("ruels: []", r"ruels: not a key of this part \(did you mean rules\?\); a file takes id, title, "),
        (
            "rules: [{when: {pth: /x}, then: {do: drop_state}}]",
            r"pth: .*\(did you mean path\?\); when takes path, method, ",
        ),
        (
            "rules: [{when: {window: {aftr: P1D}}, then: {do: drop_state}}]",
            r"rules\.0\.when\.window\.aftr: .*did you mean after",
        ),
        (
            "rules: [{wen: {}, then: {do: drop_state}}]",
            r"rules\.0\.wen: .*mean when\?\); rules takes when, then",
        ),
        ("payer: {portal_optin: true}", r"payer: no policy 'portal_optin' .*did you mean portal_opt_in\?"),
        ("payer: {refresh_days: 3}", r"payer: no policy 'refresh_days'.*refresh_max_days"),
        ("payer: {refresh_max_days: soon}", r"payer: refresh_max_days: .*integer"),
        ("payer: {refresh_max_days: '30'}", r"payer: refresh_max_days: .*integer"),
        ("payer: {portal_opt_in: no}", r"payer: portal_opt_in: .*boolean"),
        ("payer: {everything: pagd}", r"payer: everything: .*'paged'"),
        ("payer: {supported_lines: qhp}", r"payer: supported_lines: "),
        ("cites: rfc6749", r"cites: .*list"),
        ("keywords: [4.5]", r"keywords\.0: .*string"),
        ("keywords: [true]", r"keywords\.0: .*string"),
        ("keywords: ['']", r"keywords\.0: "),
        ("keywords: [' revoked']", r"keywords\.0: "),
        ("keywords: ['revoked, expired']", r"keywords\.0: "),
        (f"keywords: [{'x' * 41}]", r"keywords\.0: .*40 characters"),
        (f"keywords: [{', '.join('abcdefghijklmnopq')}]", r"keywords: .*16 items"),
    ],
)
def test_a_complaint_says_where_what_and_what_would_do(tmp_path: Path, more: str, says: str) -> None:
    told = complaints(tmp_path, f"{GOOD}{more}\n")
    assert all(complaint.startswith("some.yaml: ") and "\n" not in complaint for complaint in told)
    assert any(re.search(says, complaint) for complaint in told), told


@pytest.mark.parametrize(
    ("show", "says"),
    [
        ("{gett: Patient}", r"shows\.0\.gett: .*did you mean get\?"),
        ("{get: Patient, method: POST}", r"method goes with fetch"),
        ("{get: Patient, answers: 1}", r"answers goes with sign_in"),
        (
            "{get: Patient, then: {statuss: 3}}",
            r"shows\.0\.then\.statuss: .*mean status\?.*then takes status",
        ),
    ],
)
def test_a_step_that_is_misspelt_is_told(tmp_path: Path, show: str, says: str) -> None:
    without = "".join(line for line in GOOD.splitlines(keepends=True) if not line.startswith("shows"))
    told = complaints(tmp_path, f"{without}shows: [{show}]\n")
    assert any(re.search(says, complaint) for complaint in told), told


def test_keywords_are_text_and_numbers_of_yaml_are_too(tmp_path: Path) -> None:
    words = ["revoked", "invalid_grant", "401", "clock skew", "_lastUpdated", "$everything", "don't know"]
    (tmp_path / "some.yaml").write_text(f"{GOOD}keywords: [{', '.join(words)}]\n")
    scenario = read(tmp_path / "some.yaml")
    assert isinstance(scenario, Scenario), scenario
    assert scenario.keywords == words


def test_all_complaints_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    assert len(complaints(tmp_path, "id: UPPER\ntitle: " + "x" * 81)) >= 5


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("- a list", "some.yaml: the file: "),
        ("", "some.yaml: the file: "),
        ("id: a\nid: b\n", "line 2: the key 'id' is there twice"),
        (GOOD.replace("id: some", "id: other"), "id is 'other', the file's name says 'some'"),
        (GOOD.replace("{sign_in: maria}", "{sign_in: maria, get: x}"), "exactly one of get, sign_in"),
        (GOOD.replace("{sign_in: maria}", "{}"), "exactly one of get, sign_in"),
    ],
)
def test_a_file_that_is_no_scenario_is_told(tmp_path: Path, text: str, says: str) -> None:
    assert says in complaints(tmp_path, text)[0]


def test_a_folder_is_loaded_or_its_first_complaint_raised(tmp_path: Path) -> None:
    (tmp_path / "some.yaml").write_text(GOOD)
    assert list(load(tmp_path).by_id) == ["some"]
    (tmp_path / "bad.yaml").write_text("id: bad\n")
    with pytest.raises(FileProblem, match=r"^bad\.yaml: "):
        load(tmp_path)
    with pytest.raises(FileProblem, match="no such folder"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("id", ["Upper", "a_b", "a--b", "-a", "a.b", "a~b", ""])
def test_an_id_that_could_not_stand_in_a_path_is_refused(id: str) -> None:
    with pytest.raises(ValidationError):
        scenario(id)
