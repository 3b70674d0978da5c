"""The line that `serve` prints for each request."""

from __future__ import annotations

import io
import os
import re
from dataclasses import replace
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from sandbox.server.app import create_app
from sandbox.server.request_log import RequestLog, format_line, open_request_log
from sandbox.settings import Settings

ENTRY = {"method": "GET", "path": "/fhir/Patient", "status": 200, "ms": 4.21}
LIMITED = {"effects": ["rate-limited:rate_limit"], "member": "maria", "client": "sandbox-app"}


@pytest.mark.parametrize(
    ("environ", "more", "line"),
    [
        ({}, {}, "200 GET       4.2 ms  /fhir/Patient"),
        ({"QUERY_STRING": "_count=2"}, {"ms": 1234.5}, "200 GET      1234 ms  /fhir/Patient?_count=2"),
        ({}, {"member": "maria", "client": "sandbox-app"}, "200 GET       4.2 ms  /fhir/Patient  maria"),
        ({}, {"client": "sandbox-app"}, "200 GET       4.2 ms  /fhir/Patient  sandbox-app"),
        (
            {"sandbox.scenario": "rate-limited~t7"},
            {"status": 429, **LIMITED, "cause": "scenario-effect"},
            "429 GET       4.2 ms  /s/rate-limited~t7/fhir/Patient  maria  rate-limited:rate_limit",
        ),
        ({}, {"status": 401, "cause": "x"}, "401 GET       4.2 ms  /fhir/Patient  x"),
        (
            {},
            {"status": 401, "effects": [], "because": ["x:y"], "cause": "token-expired"},
            "401 GET       4.2 ms  /fhir/Patient  earlier x:y",
        ),
        (
            {"QUERY_STRING": "code=abc&access_token=def"},
            {},
            "200 GET       4.2 ms  /fhir/Patient?code=[masked ba7816bf]&access_token=[masked cb8379ac]",
        ),
    ],
)  # fmt: skip
def test_a_line_has_what_the_journal_has(environ: dict[str, str], more: dict[str, Any], line: str) -> None:
    assert format_line(environ, ENTRY | more) == line


@pytest.mark.parametrize("width", [80, 120])
def test_a_line_is_as_wide_as_the_terminal_at_most(width: int) -> None:
    environ = {"sandbox.scenario": "rate-limited,limit=100~a-session", "QUERY_STRING": "patient=p&" * 20}
    line = format_line(environ, ENTRY | LIMITED, width)
    assert len(line) == width
    assert line.endswith("…  maria  rate-limited:rate_limit")
    assert "/fhir/Patient" in line
    assert re.sub(r"\x1b\[\d+m", "", format_line(environ, ENTRY | LIMITED, width, True)) == line


def test_a_line_that_strangers_filled_is_one_harmless_write() -> None:
    hostile = "\x1b]0;x\x07\n::error::x\u202e\x9b2J" * 500
    entry = {**ENTRY, "method": hostile, "path": hostile, "client": hostile, "cause": hostile, "effects": []}
    written: list[bytes] = []
    log = RequestLog(written.append, encoding="ascii")
    log({"sandbox.scenario": hostile, "QUERY_STRING": hostile}, entry)
    (line,) = written
    assert len(line) <= 4096
    assert re.fullmatch(rb"[ -~]+\n", line)
    assert b"::error::" not in line


def test_a_log_that_cannot_be_written_stops_no_request() -> None:
    def write(line: bytes) -> None:
        raise BrokenPipeError

    RequestLog(write)({}, ENTRY)


@pytest.mark.parametrize(("mode", "is_open"), [("auto", False), ("never", False), ("always", True)])
def test_a_pipe_gets_lines_only_where_they_are_asked_for(mode: str, is_open: bool, tmp_path: Path) -> None:
    with (tmp_path / "log").open("w") as stream:
        log = open_request_log(mode, stream)
        assert (log is not None) is is_open
        if log is not None:
            log({}, ENTRY)
    assert (tmp_path / "log").read_text() == (format_line({}, ENTRY) + "\n" if is_open else "")


@pytest.mark.parametrize("no_color", [False, True])
def test_a_terminal_gets_colors_unless_it_refuses_them(
    no_color: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as stream:
        assert open_request_log("never", stream) is None
        log = open_request_log("auto", stream)
        assert log is not None
        log({}, ENTRY)
        printed = os.read(ours, 4096).decode()
    os.close(ours)
    assert printed == format_line({}, ENTRY, is_colored=not no_color) + "\r\n"
    assert ("\x1b[32m200" in printed) is not no_color


def test_lines_of_threads_stay_whole(tmp_path: Path) -> None:
    with (tmp_path / "log").open("a") as stream:
        log = open_request_log("always", stream)
        assert log is not None
        threads = [Thread(target=lambda: [log({}, ENTRY) for _ in range(200)]) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set((tmp_path / "log").read_text().splitlines()) == {format_line({}, ENTRY)}


def test_every_answered_request_has_a_line_but_the_operators_reads(
    settings: Settings, tmp_path: Path
) -> None:
    lines = io.BytesIO()
    here = replace(settings, ledger=str(tmp_path / "ledger.db"))
    client = create_app(here, request_log=RequestLog(lines.write)).test_client()
    client.get("/fhir/metadata")
    client.get("/fhir/Patient?access_token=secret", headers={"Authorization": "Bearer secret"})
    client.get("/s/rate-limited~t7/fhir/metadata")
    client.get("/s/unknown/fhir/metadata")
    client.get("/_sandbox/clock")
    client.post("/_sandbox/clock", json={"advance": "P1D"})
    printed = [
        re.sub(r" +[\d.]+ ms", "", line).split(maxsplit=3) for line in lines.getvalue().decode().splitlines()
    ]
    assert [(words[0], words[1], words[2]) for words in printed] == [
        ("200", "GET", "/fhir/metadata"),
        ("400", "GET", "/fhir/Patient?access_token=[masked"),
        ("200", "GET", "/s/rate-limited~t7/fhir/metadata"),
        ("404", "GET", "/s/unknown/fhir/metadata"),
        ("200", "POST", "/_sandbox/clock"),
    ]
    assert b"secret" not in lines.getvalue()
