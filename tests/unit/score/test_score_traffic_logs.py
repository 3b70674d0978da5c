"""The corpus of logs is read as it was counted by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from traffic_logs import LOGS

from sandbox.score.run import Log, grade_log


@pytest.mark.parametrize("name", LOGS)
def test_a_log_is_read_as_it_was_counted_by_hand(name: str, tmp_path: Path) -> None:
    log = LOGS[name]
    path = tmp_path / "some.log"
    path.write_bytes(log.body())
    card, evidence = grade_log(Log(path, base=log.given))
    lines: dict[str, Any] = {line.id: line for line in card.lines}
    about, found = evidence.traffic["log"].value, evidence.traffic
    told = {name: about[name] for name in ("base", "unread", "derived", "late")}
    assert told == {"base": log.base, "unread": log.left_out, "derived": log.derived, "late": log.late}
    success = lines["request-success"]
    assert (success.n or 0) == log.requests
    good = round(success.value * success.n / 100) if success.n else 0
    assert good == log.good, log.shows
    read = found["references"].value
    assert (read["resolved"], read["read"]) == (log.resolved, log.references)
    assert sum(walk["pages"] for walk in found["everything"].value) == log.pages
    ended = (*found["sign-ins"].value, *found["ineligible-sign-in"].value)
    assert sorted(each["outcome"] for each in ended) == sorted(log.ended)
    assert len(about["problems"]) == min(log.left_out, 20)
    assert "secret-" not in evidence.to_json().decode()


def test_the_corpus_holds_every_tool() -> None:
    assert len(LOGS) >= 30
    tools = {log.tool.partition(" ")[0] for log in LOGS.values()}
    assert tools >= {"Chrome", "Firefox", "WebKit", "Charles", "mitmproxy", "Fiddler", "Insomnia"}


def test_what_was_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    path = tmp_path / "some.har"
    path.write_bytes(LOGS["chrome-blocked"].body())
    problems = grade_log(Log(path))[1].traffic["log"].value["problems"]
    assert problems[0] == (
        "entry 2: not a request to the payer: the browser canceled the request (net::ERR_BLOCKED_BY_CLIENT)"
    )
