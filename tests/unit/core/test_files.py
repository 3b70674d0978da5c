"""Files: strict YAML, JSON that keeps digits, files written whole."""

from __future__ import annotations

import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.core import files
from sandbox.core.errors import FileProblem


@pytest.mark.parametrize("word", ["on", "off", "yes", "no", "Yes", "NO", "True", "FALSE", "y", "n"])
def test_words_that_yaml_11_calls_booleans_stay_words(word: str) -> None:
    assert files.parse_yaml(f"{word}: {word}") == {word: word}


@pytest.mark.parametrize(
    "text", ["2024-01-02", "2024-01-02T03:04:05Z", "0123", "0x1F", "1_000", "12:30", "0o17"]
)
def test_dates_and_odd_numbers_stay_as_they_are_written(text: str) -> None:
    assert files.parse_yaml(f"value: {text}") == {"value": text}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("false", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.5", 1.5),
        ("null", None),
        ("~", None),
    ],
)
def test_plain_values_are_read_as_such(text: str, value: object) -> None:
    read = files.parse_yaml(f"value: {text}")["value"]
    assert read == value
    assert type(read) is type(value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: 2\na: 3\n", 3),
        ("a:\n  b: 1\n  b: 2\n", 3),
        ("? [a]\n: 1\n", 1),
        ("a: [1,\nb: }\n", 2),
        ("a: 1\n\tb: 2\n", 2),
    ],
    ids=["duplicate key", "nested duplicate key", "list as a key", "unbalanced", "tab"],
)
def test_bad_yaml_is_told_with_file_and_line(text: str, line: int) -> None:
    with pytest.raises(FileProblem, match=rf"^some\.yaml, line {line}: "):
        files.parse_yaml(text, "some.yaml")


def test_yaml_never_builds_python_objects() -> None:
    with pytest.raises(FileProblem):
        files.parse_yaml("!!python/object/apply:os.getcwd []")


@pytest.mark.parametrize("read", [files.read_yaml, files.read_json])
def test_a_missing_file_and_one_in_another_encoding_are_named(read: Any, tmp_path: Path) -> None:
    missing, latin = tmp_path / "missing", tmp_path / "latin"
    latin.write_bytes(b'"\xe9\xff"')
    for path in (missing, latin):
        with pytest.raises(FileProblem, match=path.name):
            read(path)


def test_bad_json_is_told_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.json"
    path.write_text('{"a": 1,\n "b": }\n')
    with pytest.raises(FileProblem, match=r"bad\.json, line 2: not JSON"):
        files.read_json(path)


@pytest.mark.parametrize("digits", ["200.00", "0.10", "-1.500", "0", "12345678901234567890.12"])
def test_decimals_keep_their_digits(digits: str) -> None:
    assert files.json_bytes({"value": Decimal(digits)}) == b'{"value":' + digits.encode() + b"}"


def test_exact_json_is_written_back_as_it_was_read() -> None:
    body = b'{"a":[200.00,1,"x",null,true],"b":{"c":0.10}}'
    assert files.json_bytes(files.json_exact(body)) == body


@pytest.mark.parametrize("value", [Decimal("NaN"), Decimal("Infinity"), {1, 2}, object()])
def test_what_json_cannot_say_is_refused(value: object) -> None:
    with pytest.raises(TypeError):
        files.json_bytes(value)


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=2))
def test_money_survives_a_round_trip(amount: Decimal) -> None:
    assert str(files.json_exact(files.json_bytes([amount]))[0]) in {str(amount), str(abs(amount))}


def test_pretty_json_ends_with_a_newline() -> None:
    assert files.json_pretty({"a": Decimal("1.0")}) == b'{\n  "a": 1.0\n}\n'


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "some.json"
    files.write_whole(path, b"before")
    monkeypatch.setattr(Path, "replace", lambda part, target: os.close(-1))  # an OSError
    with pytest.raises(FileProblem, match=r"some\.json"):
        files.write_whole(path, b"after")
    assert [p.name for p in tmp_path.iterdir()] == ["some.json"]
    assert path.read_bytes() == b"before"


def test_a_device_is_written_to_and_a_missing_folder_is_named(tmp_path: Path) -> None:
    files.write_whole(Path(os.devnull), b"away")
    with pytest.raises(FileProblem, match="nowhere"):
        files.write_whole(tmp_path / "nowhere" / "some.json", b"")
