"""The grader's commands as typed: score in every form, evidence and back, logs, compare, report."""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

import httpx
import pytest
import yaml
from support.command import command
from support.running import COMMAND, started

from sandbox.cli.report import describe

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_score_writes_every_form_and_grades_its_evidence_again(origin: str, tmp_path: Path) -> None:
    url = f"{origin}/s/portal-opt-in-required~{tmp_path.name}/fhir"
    names = (
        "card.html",
        "card.json",
        "card.md",
        "junit.xml",
        "card.sarif",
        "badge.svg",
        "card.txt",
        "evidence",
    )
    flags = [flag for name in names for flag in ("--out", str(tmp_path / name))]
    done = command("score", url, *flags, "--fail-on", "portal-opt-in:6")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "portal-opt-in has 0 points, fewer than 6"
    assert all((tmp_path / name).stat().st_size > 300 for name in names)
    replay = ("score", "--replay", str(tmp_path / "evidence"), "--format", "json")
    again = command(*replay)
    assert json.loads(again.stdout) == json.loads((tmp_path / "card.json").read_text())
    mine = tmp_path / "mine.yaml"
    mine.write_text('extends: "2025-05"\nid: ours\nweights: {portal-opt-in: 0}\n')
    ours = command("score", "--replay", str(tmp_path / "evidence"), "--edition", str(mine), "--json")
    assert (json.loads(ours.stdout)["max"], ours.returncode) == (94, 0)
    assert command(*replay, "--fail-under", "95").returncode == 1
    assert command(*replay, "--fail-under", "94").returncode == 0
    assert command(*replay, "--out", "/proc/none").returncode == 2
    for word in ("code_challenge=", r"-pass\b", "access_token"):
        assert not re.search(word, (tmp_path / "evidence").read_text())


def test_a_token_that_is_not_accepted_is_said(origin: str) -> None:
    done = command("score", f"{origin}/fhir", "--token", "wrong")
    assert done.returncode == 2
    assert "does not accept this token" in done.stderr


def test_a_sandboxs_own_journal_is_traffic(origin: str, session_name: str, tmp_path: Path) -> None:
    url = f"{origin}/s/baseline~{session_name}"
    command("score", f"{url}/fhir", "--no-probes", "--format", "json")
    log = tmp_path / "journal.json"
    log.write_bytes(httpx.get(f"{url}/_sandbox/journal?limit=10000").content)
    done = command("score", "--traffic", str(log), "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = {metric["id"]: metric for metric in json.loads(done.stdout)["metrics"]}
    for metric in ("authorization-success", "request-success", "eligibility-errors", "everything"):
        assert lines[metric]["source"] == "traffic"
        assert lines[metric]["points"] == lines[metric]["max"], lines[metric]
    empty = command("score", "--traffic", str(log), "--as-of", "2099-01-01", "--format", "json")
    assert json.loads(empty.stdout)["score"] == 2


def card(tmp_path: Path, name: str, **points: int) -> str:
    metrics = [
        {"id": k.replace("_", "-"), "points": v, "max": 10, "band": "b", "value": None, "n": 1,
         "source": "observed", "reason": "because", "fix": ""}
        for k, v in points.items()
    ]  # fmt: skip
    total = sum(points.values())
    path = tmp_path / name
    vendor = {"score": 0, "max": 63, "score_stated": 0, "max_stated": 70}
    body = {"edition": "2025-05", "target": name, "taken": "", "score": total, "max": 20}
    body |= {"range": [total, total], "metrics": metrics, "vendor": vendor, "findings": []}
    path.write_text(json.dumps(body))
    return str(path)


def test_compare_exits_by_what_it_finds(tmp_path: Path) -> None:
    a, b = card(tmp_path, "a.json", status=10, sandbox=6), card(tmp_path, "b.json", status=10, sandbox=4)
    assert command("compare", a, a).returncode == 0
    worse = command("compare", a, b)
    assert (worse.returncode, "sandbox" in worse.stdout) == (1, True)
    assert command("compare", b, a).returncode == 0
    assert command("compare", b, a, "--fail-under", "17").returncode == 1
    assert command("compare", b, a, "--fail-on", "sandbox:7").returncode == 1
    assert json.loads(command("compare", a, b, "--format", "json").stdout)["by"] == -2
    assert json.loads(command("compare", b, a, "--json").stdout)["by"] == 2
    assert command("compare", a, b, "--format", "markdown").stdout.startswith("# 16 → 14 of 20 (-2)")


def test_a_report_that_is_killed_goes_on_where_it_stopped(origin: str, tmp_path: Path) -> None:
    out, name = tmp_path / "out", tmp_path.name
    endpoints = [
        {"payer": f"P{n}", "vendor": f"V{n % 2}", "lives": 900, "url": f"{origin}/s/baseline~{name}-{n}/fhir"}
        for n in range(2)
    ]
    endpoints += [{"payer": "small", "url": f"{origin}/fhir", "lives": 499}]
    endpoints += [{"payer": "dead", "url": "http://127.0.0.1:9/fhir", "vendor": "V0"}]
    fleet = tmp_path / "fleet.yaml"
    fleet.write_text(yaml.safe_dump({"title": "Ours", "endpoints": endpoints}))
    words = ("report", str(fleet), "--out", str(out), "--jobs", "1")
    with started([*COMMAND, *words], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as first:
        while not list((out / "results").glob("p*.json")) and first.poll() is None:
            time.sleep(0.1)
        first.kill()
    had = {path: path.stat().st_mtime_ns for path in (out / "results").glob("*.json")}
    assert had
    assert not (out / "report.json").exists()
    done = command(*words, "--json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert (figures["payers"], figures["not_reached"], figures["jobs"]) == (2, 1, 1)
    assert figures["files"] == [str(out / f"report.{suffix}") for suffix in ("html", "md", "json")]
    assert "2 payers, " in describe(figures)
    assert all(path.stat().st_mtime_ns == when for path, when in had.items())
    report = json.loads((out / "report.json").read_text())
    assert {payer["payer"] for payer in report["payers"]} == {"P0", "P1"}
    assert (report["left_out_too_small"], [u[0] for u in report["unreached"]]) == (1, ["dead"])
    assert {path.name for path in out.glob("report.*")} == {"report.json", "report.md", "report.html"}


def test_the_action_and_the_example_fleet_use_what_there_is() -> None:
    from sandbox.cli.score import score
    from sandbox.score.fleet.roster import read

    action = (EXAMPLES / "github-action" / "action.yml").read_text()
    steps = yaml.safe_load(action)["runs"]["steps"]
    known = {option for param in score.params for option in param.opts}
    used = {word for step in steps for word in step["run"].split() if word.startswith("--")}
    assert {w.strip('"()') for w in used} - {"--quiet", "--format"} <= known
    yaml.safe_load((EXAMPLES / "github-action" / "workflow.yml").read_text())
    assert len(read(EXAMPLES / "fleet" / "fleet.yaml").counted) == 2
