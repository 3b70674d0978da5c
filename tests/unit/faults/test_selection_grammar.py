"""The grammar of selections, and the dials that scenarios declare."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from unit.faults.fault_samples import FHIR, GOOD, complaints, scenario, world

from sandbox.core.clock import duration
from sandbox.core.errors import NotFound
from sandbox.core.gates import Stage
from sandbox.core.payer import BASELINE
from sandbox.faults.catalog import Catalog
from sandbox.faults.parameters import Parameter, format_duration

DIALS: dict[str, Any] = {
    "seconds": {"kind": "number", "default": 5, "min": 0.1, "max": 60, "help": "how long"},
    "times": {"kind": "integer", "default": 1, "min": 1, "help": "how often"},
    "life": {"kind": "duration", "default": "PT1M", "min": "PT1S", "max": "P1D", "help": "how long it lives"},
    "how": {"kind": "choice", "default": "html", "choices": ["html", "xml", "empty"], "help": "its dress"},
    "host": {"kind": "text", "default": "192.0.2.5:8080", "help": "which host"},
}
SLOW = scenario(
    "slow",
    parameters=DIALS,
    payer={"access_token_seconds": "$life"},
    rules=[
        {"when": {"first": "$times"}, "then": {"do": "delay", "seconds": "$seconds"}},
        {"then": {"do": "refuse", "dress": "$how", "text": "$host", "code": "$$times"}},
    ],
)
CATALOG = Catalog([SLOW, scenario("baseline"), scenario("other-one", parameters={"share": {
    "kind": "number", "default": 1, "min": 0, "max": 1, "help": "how many"}})])  # fmt: skip


def test_defaults_fill_the_rules_with_their_types() -> None:
    wait, refuse = SLOW.rules
    assert (wait.when.first, wait.then.seconds) == (1, 5)
    assert (refuse.then.dress, refuse.then.text, refuse.then.code) == ("html", "192.0.2.5:8080", "$times")
    assert SLOW.payer == {"access_token_seconds": 60}


def test_a_selection_turns_the_dials() -> None:
    found = CATALOG.parse("slow,seconds=0.30,life=PT5M,how=xml,times=03.other-one,share=0.3~t_7")
    wait, refuse = found.scenarios[0].rules
    assert (wait.then.seconds, wait.when.first, refuse.then.dress) == (0.3, 3, "xml")
    assert found.payer(BASELINE).access_token_seconds == 300
    assert found.name == "slow,seconds=0.3,times=3,life=PT5M,how=xml.other-one,share=0.3"
    assert found.key == f"{found.name}~t_7"
    reply: Any = found.bind(world()).run(Stage.REQUEST, None, FHIR)
    assert reply.header("Content-Type") == "application/xml"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("slow,times=2,seconds=1", "slow,seconds=1.0,times=02"),
        ("slow,seconds=5", "slow"),
        ("slow,life=PT60S", "slow"),
        ("slow,life=PT300S", "slow,life=PT5M"),
        ("slow,life=PT24H", "slow,life=P1D"),
        ("slow.stealth~a", "slow~a"),
    ],
)
def test_equal_selections_are_one_tenant(one: str, other: str) -> None:
    assert CATALOG.parse(one).key == CATALOG.parse(other).key


def test_the_order_of_scenarios_matters_and_is_kept() -> None:
    assert CATALOG.parse("slow.other-one").key != CATALOG.parse("other-one.slow").key


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slow,secs=1", "slow has no parameter 'secs': its parameters are seconds .a number from 0.1 to 60"),
        ("baseline,secs=1", "baseline has no parameter 'secs': it has no parameters"),
        ("slow,seconds=61", "seconds of slow is a number from 0.1 to 60, not 61"),
        ("slow,seconds=0", "from 0.1 to 60"),
        ("slow,seconds=soon", "seconds of slow is a number"),
        ("slow,seconds=1e3", "seconds of slow is a number"),
        ("slow,seconds=-1", "from 0.1"),
        ("slow,times=1.5", "times of slow is a whole number, at least 1"),
        ("slow,life=P1Y", "life of slow is a duration from PT1S to P1D"),
        ("slow,life=P2D", "life of slow is a duration from PT1S to P1D"),
        ("slow,how=pdf", "how of slow is one of html, xml, empty"),
        ("slow,seconds", "written name=value"),
        ("slow,seconds=", "written name=value"),
        ("slow,=5", "written name=value"),
        ("slow,", "written name=value"),
        ("slow,host=a/b", "written name=value"),
        ("slow,seconds=1,seconds=2", "there twice"),
        ("slow.slow,seconds=2", "named twice"),
        ("slow,how=xml.html", "no scenario 'html'"),
    ],
)
def test_a_wrong_parameter_is_told_in_one_line_that_would_do(text: str, says: str) -> None:
    with pytest.raises(NotFound, match=says) as caught:
        CATALOG.parse(text)
    assert "\n" not in caught.value.text
    assert len(caught.value.text) < 500


def test_a_range_that_the_verb_does_not_take_is_told_when_it_is_asked_for() -> None:
    catalog = Catalog([scenario("wide", parameters={"s": {"kind": "number", "default": 1, "help": "x"}},
                                rules=[{"then": {"do": "delay", "seconds": "$s"}}])])  # fmt: skip
    with pytest.raises(NotFound, match=r"wide cannot be set so: rules\.0\.then\.seconds: .*120"):
        catalog.parse("wide,s=500")


def test_a_path_may_name_only_a_session_or_stealth() -> None:
    chosen = CATALOG.choose("~t7", "slow,seconds=1", "baseline")
    assert (chosen.name, chosen.session) == ("slow,seconds=1", "t7")
    assert CATALOG.choose("~t7", None, "baseline", "slow").key == "slow~t7"
    assert CATALOG.choose("~t7", None, "baseline").key == "baseline~t7"
    quiet = CATALOG.choose("stealth~t7", None, "baseline")
    assert (quiet.stealth, quiet.name, quiet.written) == (True, "baseline", "baseline.stealth")
    assert CATALOG.choose("slow", "other-one", "baseline", "baseline").name == "slow"


_NUMBERS = st.decimals(min_value="0.1", max_value=60, places=3)
_SPANS = st.integers(1, 86_400).map(lambda s: timedelta(seconds=s))
_TEXTS = st.from_regex(r"[A-Za-z0-9:_+-]{1,20}(\.[0-9]{1,3}){0,2}", fullmatch=True)


@settings(deadline=None)
@given(_NUMBERS, st.integers(1, 10**6), _SPANS, st.sampled_from(["html", "xml", "empty"]), _TEXTS, st.data())
def test_what_is_written_is_read_and_written_again(
    seconds: Any, times: int, life: timedelta, how: str, host: str, data: st.DataObject
) -> None:
    written = [
        f"seconds={seconds}",
        f"times={times}",
        f"life={format_duration(life)}",
        f"how={how}",
        f"host={host}",
    ]
    shuffled = data.draw(st.permutations(written))
    first = CATALOG.parse(f"slow,{','.join(shuffled)}.other-one~s")
    again = CATALOG.parse(first.key)
    assert again.key == first.key
    assert again.scenarios[0].rules == first.scenarios[0].rules
    assert first.scenarios[0].rules[0].then.seconds == float(seconds)
    assert first.payer(BASELINE).access_token_seconds == life.total_seconds()
    assert first.scenarios[0].rules[1].then.text == host


@given(st.timedeltas(timedelta(days=-400), timedelta(days=40_000)))
def test_a_duration_survives_its_spelling(span: timedelta) -> None:
    assert duration(format_duration(span)) == span


@settings(deadline=None)
@given(st.text(max_size=60))
def test_no_text_does_more_than_not_being_found(text: str) -> None:
    with suppress(NotFound):
        selection = CATALOG.parse(text)
        assert selection.scenarios or selection.session


@pytest.mark.parametrize(
    "dial",
    [
        {"kind": "number", "default": "x", "help": "h"},
        {"kind": "number", "default": 5, "max": 4, "help": "h"},
        {"kind": "integer", "default": 1.5, "help": "h"},
        {"kind": "duration", "default": "soon", "help": "h"},
        {"kind": "choice", "default": "a", "help": "h"},
        {"kind": "choice", "default": "c", "choices": ["a", "b"], "help": "h"},
        {"kind": "text", "default": "a", "choices": ["a"], "help": "h"},
        {"kind": "text", "default": "a b", "help": "h"},
        {"kind": "text", "default": "a", "min": 1, "help": "h"},
        {"kind": "number", "default": 5},
        {"kind": "number", "help": "h"},
        {"kind": "colour", "default": "red", "help": "h"},
        {"kind": "number", "default": 5, "help": "h", "unit": "s"},
    ],
)
def test_a_dial_that_makes_no_sense_is_refused(dial: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Parameter.model_validate(dial)


DIAL = "parameters: {secs: {kind: number, default: 1, min: 0.5, max: 9, help: h}}\n"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (DIAL + "rules: [{then: {do: delay, seconds: $sec}}]",
         r"rules\.0\.then\.seconds: \$sec is no parameter of this scenario; parameters are secs"),
        ("rules: [{then: {do: delay, seconds: $sec}}]", "it declares no parameters"),
        (DIAL + "rules: [{then: {do: rate_limit, limit: $secs}}]",
         r"parameters\.secs: at 0\.5: some cannot be set so: rules\.0\.then\.limit"),
        ("parameters: {Secs: {kind: number, default: 1, help: h}}", r"parameters\.Secs"),
        ("parameters: {secs: {kind: number, default: 1, help: h, minn: 2}}",
         r"parameters\.secs\.minn: not a key"),
        (DIAL + "expect: [{with: {sec: 1}, points: {}}]", r"some has no parameter 'sec': .*secs"),
        (DIAL + "expect: [{with: {secs: 99}, points: {}}]", r"secs of some is a number from 0\.5 to 9"),
        (DIAL + "expect: [{wiht: {secs: 9}, points: {}}]", r"expect\.0\.wiht: not a key"),
        (DIAL + "expect: {sync-speed: much}", r"expect\.sync-speed: .*number"),
        ("payer: {page_size: 0}", r"payer: page_size is 1 to 10000, not 0"),
        ("payer: {refresh_max_days: -1}", r"payer: refresh_max_days is 0 to 36525"),
        ("rules: [{then: {do: delay, secnds: 1}}]",
         r"then\.secnds: not a key of this part \(did you mean seconds\?\); delay takes seconds"),
        ("rules: [{when: {status: 200}, then: {do: delay, seconds: 1}}]",
         r"rules\.0: when\.status goes with response verbs; delay is none"),
        ("rules: [{when: {share: 0.5}, then: {do: drop_state}}]",
         r"when\.share goes with resource"),
        ("rules: [{when: {window: {daily: 2-3}}, then: {do: drop_state}}]",
         r"rules\.0\.when\.window\.daily"),
        ("rules: [{when: {window: {after: 2027-01-01}}, then: {do: drop_state}}]",
         r"window\.after: .*an instant with a time zone"),
        ("rules: [{when: {window: {}}, then: {do: drop_state}}]", r"window: a window has after"),
    ],
)  # fmt: skip
def test_complaints_about_dials_teach(tmp_path: Path, more: str, says: str) -> None:
    good = GOOD.replace("expect: {}\n", "") if "expect:" in more else GOOD
    told = complaints(tmp_path, good + more + "\n")
    assert any(re.search(says, complaint) for complaint in told), told
    assert all("\n" not in complaint for complaint in told)


def test_stealth_is_no_name_for_a_scenario(tmp_path: Path) -> None:
    told = complaints(tmp_path, GOOD.replace("id: some", "id: stealth"), "stealth.yaml")
    assert "word of the grammar" in told[0]
