"""What strangers wrote is shown, and never obeyed: by a terminal, a log, a CI system or an XML parser."""

from __future__ import annotations

import json
import re
import unicodedata
from xml.etree import ElementTree as Xml

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.text import escape, escape_lines, quantity, say

ANY = st.text(st.characters(exclude_categories=()))


def is_command(line: str) -> bool:
    """Whether GitHub's or Azure's runner takes a line of a log for a command."""
    line = line.lstrip()
    return (
        (line.startswith("::") and "::" in line[2:] and line[2:3].isalpha())
        or "##[" in line
        or "##vso[" in line
    )


@given(ANY)
def test_nothing_that_is_escaped_can_act(stranger: str) -> None:
    shown = escape(stranger)
    assert shown.splitlines() in ([], [shown])
    assert not [sign for sign in shown if unicodedata.category(sign) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert not is_command(shown)
    assert escape(shown) == shown
    Xml.fromstring(Xml.tostring(Xml.Element("a", b=shown)))
    shown.encode()


@given(st.lists(ANY))
def test_lines_stay_lines(strangers: list[str]) -> None:
    shown = escape_lines("\n".join(map(escape, strangers)))
    assert shown.split("\n") == [escape(stranger) for stranger in strangers] or not strangers
    assert not any(map(is_command, shown.split("\n")))


@given(st.dictionaries(ANY, ANY))
def test_json_stays_the_same_json(value: dict[str, str]) -> None:
    line = json.dumps(value, ensure_ascii=False)
    assert json.loads(escape_lines(line)) == value


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters=":#")))
def test_ordinary_text_stays_as_it_is(ordinary: str) -> None:
    assert escape(ordinary) == ordinary


@pytest.mark.parametrize(
    ("stranger", "shown"),
    [
        ("\x1b]0;x\x07\x1b[2J", r"\u001b]0;x\u0007\u001b[2J"),
        ("a\n::error::b", r"a\u000a\u003a:error::b"),
        ("::error file=x,line=1::b", r"\u003a:error file=x,line=1::b"),
        ("##[error]x ##vso[task.x]", r"\u0023#[error]x \u0023#vso[task.x]"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("http://[::1]:80/ and fe80::1 std::vector", "http://[::1]:80/ and fe80::1 std::vector"),
        ("\U000e0041", r"\udb40\udc41"),
        (None, "None"),
    ],
)
def test_some_that_are_known(stranger: object, shown: str) -> None:
    assert escape(stranger) == shown


def test_say_prints_lines_and_obeys_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\nb\x1b[2J\n::error::c", nl=False)
    say("d", err=True)
    printed = capsys.readouterr()
    assert printed.out == "a\nb\\u001b[2J\n\\u003a:error::c"
    assert printed.err == "d\n"


def test_counts_agree_with_their_nouns() -> None:
    assert [quantity(n, "scenario") for n in (0, 1, 2, 1000)] == [
        "0 scenarios", "1 scenario", "2 scenarios", "1000 scenarios",
    ]  # fmt: skip
    assert quantity(2, "entry", "entries") == "2 entries"
    assert re.fullmatch(r"1 entry", quantity(1, "entry", "entries"))
