"""The commands of the grader: score, compare, report. Each imports what it needs when it runs."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.cli.options import json_format_option, json_option, print_json, with_options
from sandbox.cli.progress import Steps, count_endpoints
from sandbox.core.errors import UsageError
from sandbox.core.text import escape, quantity, say

if TYPE_CHECKING:
    from datetime import datetime

    from sandbox.score.card import Card
    from sandbox.score.evidence import Evidence
    from sandbox.score.run import SignInOptions

FORMS = ("text", "json", "html", "markdown", "junit", "sarif", "badge", "evidence")
FILE = click.Path(path_type=Path, dir_okay=False)


rubric_options = with_options(
    click.option("--edition", default="2025-05", show_default=True, help="Edition of the rubric, or a file."),
    click.option(
        "--reading",
        "readings",
        multiple=True,
        metavar="NAME=VALUE",
        help="Choose a reading of an ambiguous rule. Can be repeated.",
    ),
)
threshold_options = with_options(
    click.option("--fail-under", type=click.FloatRange(0, 1000), help="Exit with code 1 below this score."),
    click.option(
        "--fail-on",
        multiple=True,
        metavar="METRIC:POINTS|LEVEL",
        help="Exit with code 1 when a metric has fewer points, or for findings of this level or worse.",
    ),
)
sign_in_options = with_options(
    click.option("--client-id", envvar="PAYER_SANDBOX_CLIENT_ID", help="Client id of the app that signs in."),
    click.option("--client-secret", envvar="PAYER_SANDBOX_CLIENT_SECRET", help="Client secret of the app."),
    click.option("--redirect-uri", envvar="PAYER_SANDBOX_REDIRECT_URI", help="Redirect URI of the app."),
    click.option(
        "--auth-method", metavar="METHOD", help="Client authentication method.  [default: from the payer]"
    ),
    click.option("--scope", metavar="SCOPES", help="Scopes to request.  [default: from the payer]"),
    click.option("--browser", is_flag=True, help="Sign in by hand, in your own browser."),
    click.option("--browser-driver", is_flag=True, help="Sign in with Chromium (needs Playwright)."),
    click.option("--sign-in-script", "script", type=FILE, help="Sign in with a Playwright script."),
    click.option("--register", is_flag=True, help="Register a client dynamically (RFC 7591)."),
)


@click.command()
@click.argument("url", required=False)
@rubric_options
@click.option(
    "--facts", type=click.Path(path_type=Path), help="Facts file, for a payer that does not serve one."
)
@click.option("--traffic", type=FILE, help="Log of real use: NDJSON, HAR, or a sandbox journal.")
@click.option("--base", metavar="URL", help="FHIR base in a HAR log.  [default: detected]")
@click.option(
    "--as-of", metavar="INSTANT", help="End of the six months of the log.  [default: its last entry]"
)
@click.option("--replay", type=FILE, help="Grade saved evidence again, without network access.")
@click.option("--token", envvar="PAYER_SANDBOX_TOKEN", help="Grade with this access token.")
@click.option("--patient", help="Patient of --token, when it can read several.")
@sign_in_options
@click.option("--format", "shape", type=click.Choice(FORMS), help="Format of the card.  [default: text]")
@json_format_option
@click.option(
    "--out", multiple=True, type=FILE, help="Write the card to a file. The extension sets the format."
)
@click.option("--evidence", type=FILE, help="Save what was observed, for --replay.")
@click.option("--keep-bodies", is_flag=True, help="Save response bodies, too. They may contain PHI.")
@click.option("--intrusive", is_flag=True, help="Use accounts and clocks that a remote payer publishes.")
@click.option("--user-agent", default="", metavar="TEXT", help="User-Agent header of requests.")
@click.option("--no-probes", is_flag=True, help="Skip repeated requests and security checks.")
@click.option(
    "--sample-seed",
    type=click.IntRange(0, 2**32 - 1),
    help="Seed for drawing members.  [default: 1; remote: the date]",
)
@click.option(
    "--timeout", type=click.FloatRange(0.1, 600), default=30, show_default=True, help="Seconds per request."
)
@click.option(
    "--pace", type=click.FloatRange(0, 60), help="Seconds between requests.  [default: 0.5 for remote payers]"
)
@click.option("--dry-run", is_flag=True, help="Sign in one member and print each step, without grading.")
@threshold_options
def score(url: str | None, **options: Any) -> int:
    """Grade a payer's Patient Access API from outside.

    URL is the FHIR base. Instead of a URL, --traffic grades a log of real use, and --replay grades saved
    evidence.
    """
    if options.pop("as_json"):
        options["shape"] = "json"
    _check(url, options)
    if options["dry_run"]:
        return _dry_run(str(url), options)
    from sandbox.score.report.card_comparison import parse_gate
    from sandbox.score.rubric import load

    most = {metric.id: metric.points for metric in load(options["edition"]).metrics}
    required = parse_gate(options["fail_under"], options["fail_on"], most)
    card, evidence = _graded(url, options)
    if options["evidence"]:
        _write(options["evidence"], evidence.to_json())
    _tell_of_facts(evidence)
    _tell_of_log(evidence)
    _tell(card, evidence, options["shape"], options["out"])
    points = {line.id: line.points for line in card.lines}
    short = required.failures(card.score, points, [finding.level for finding in card.lint])
    for line in short:
        say(escape(line), err=True)
    return 1 if short else 0


def _tell_of_facts(evidence: Evidence) -> None:
    """Print which parts of a facts file could not be used. For a served document, the card says so."""
    facts = evidence["facts"]
    if facts.seen and facts.value["from"] == "file":
        for problem in facts.value.get("problems", ()):
            say(f"facts: {escape(problem)}", err=True)


def _tell_of_log(evidence: Evidence) -> None:
    """Print which records of a log could not be read or had to be derived."""
    log = evidence.traffic.get("log")
    summary = log.value if log and log.value else {}
    if summary.get("unread"):
        first = escape(summary["problems"][0])
        records = quantity(summary["unread"], "record")
        say(f"log: {records} cannot be read and are left out; {first}", err=True)
    if summary.get("derived"):
        records = quantity(summary["derived"], "record")
        say(f"log: extract_step of {records} was derived from the URL", err=True)
    if summary.get("late"):
        say(f"log: {quantity(summary['late'], 'record')} after {summary['until']} left out", err=True)


def _check(url: str | None, options: Mapping[str, Any]) -> None:
    if options["token"] == "":
        raise click.UsageError("--token must not be empty")
    if options["patient"] and options["token"] is None:
        raise click.UsageError("--patient needs --token")
    if math.isnan(options["fail_under"] or 0):
        raise click.UsageError("--fail-under must be a number")
    if options["as_of"] and not options["traffic"]:
        raise click.UsageError("--as-of needs --traffic")
    if not options["shape"]:
        from sandbox.score import report

        for path in options["out"]:
            report.find_form(path.name)  # raises before minutes are spent
    if options["base"] and not options["traffic"]:
        raise click.UsageError("--base needs --traffic")
    if url and options["replay"]:
        raise click.UsageError("--replay and a URL cannot be combined")
    if not (url or options["replay"] or options["traffic"]):
        raise click.UsageError("give the URL of a FHIR base, or use --traffic or --replay")
    ways = {"--browser": "browser", "--sign-in-script": "script", "--browser-driver": "browser_driver"}
    if len(chosen := [option for option, name in ways.items() if options[name]]) > 1:
        raise click.UsageError(f"{chosen[0]} and {chosen[1]} cannot be combined")
    if options["dry_run"] and (not url or options["token"] or options["traffic"]):
        raise click.UsageError("--dry-run needs the URL of a FHIR base, without --token and --traffic")


def _graded(url: str | None, options: Mapping[str, Any]) -> tuple[Card, Evidence]:
    from sandbox.score import run
    from sandbox.score.editions import readings
    from sandbox.score.evidence import Evidence

    rules = {"edition": options["edition"], "readings": readings.parse(options["readings"])}
    log = None
    if options["traffic"]:
        log = run.Log(options["traffic"], _instant(options["as_of"]), options["base"] or "")
    if options["replay"]:
        kept = Evidence.from_json(_read(options["replay"]))
        return run.regrade(kept, log=log, **rules), kept
    if url is None and log is not None:
        return run.grade_log(log, facts=options["facts"], **rules)
    passed = (
        "facts", "token", "patient", "keep_bodies", "intrusive", "timeout", "pace", "sample_seed",
        "user_agent",
    )  # fmt: skip
    with Steps() as steps:
        return run.grade(
            str(url),
            log=log,
            entry=_entry(options),
            progress=steps,
            tell=lambda text: steps.say(text, err=True),
            **rules,
            probes=not options["no_probes"],
            **{name: options[name] for name in passed},
        )


def _entry(options: Mapping[str, Any]) -> SignInOptions:
    """How to get in."""
    from sandbox.score.run import SignInOptions

    words = ("client_id", "client_secret", "redirect_uri", "auth_method", "scope")
    others = ("browser", "script", "register", "browser_driver")
    chosen: dict[str, Any] = {name: options[name] or "" for name in words}
    return SignInOptions(**chosen, **{name: options[name] for name in others})


def _dry_run(url: str, options: Mapping[str, Any]) -> int:
    """Sign in one member, and print each step. Returns exit code 1 when the sign-in failed."""
    from sandbox.score.dry_run import dry_run

    passed = ("facts", "intrusive", "timeout", "user_agent")
    with Steps() as steps:
        signed_in = dry_run(
            url,
            say=lambda line: steps.say(escape(line)),
            entry=_entry(options),
            progress=steps,
            tell=lambda text: steps.say(text, err=True),
            **{name: options[name] for name in passed},
        )
    return 0 if signed_in else 1


def _tell(card: Card, evidence: Evidence, shape: str | None, out: Iterable[Path]) -> None:
    """Write the card to the files, or to standard output when there are none."""
    from sandbox.score import report

    def render(form: str) -> bytes:
        return evidence.to_json() if form == "evidence" else report.render(card, form)

    for path in out:
        _write(path, render(shape or report.find_form(path.name)))
        say(f"{card.score}/{card.max}  {path}")
    if out:
        return
    if shape in (None, "text"):
        from rich.console import Console

        from sandbox.score.report import text

        Console(width=None if sys.stdout.isatty() else 80).print(text.shown(card))
    else:
        say(render(str(shape)).decode(), nl=False)


@click.command()
@click.argument("before", type=FILE, metavar="A.json")
@click.argument("after", type=FILE, metavar="B.json")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
@json_format_option
@click.option("--out", type=FILE, help="Write the comparison to a file.")
@threshold_options
def compare(before: Path, after: Path, shape: str, as_json: bool, out: Path | None, **gate_at: Any) -> int:
    """Compare two score cards, metric by metric.

    Exits with code 1 when B has fewer points, or is below a threshold.
    """
    from sandbox.score.report import card_file, comparison
    from sandbox.score.report.card_comparison import compare as compared
    from sandbox.score.report.card_comparison import parse_gate

    new = card_file.read(after)
    most = {entry.id: entry.max for entry in new.metrics}
    required = parse_gate(gate_at["fail_under"], gate_at["fail_on"], most)
    difference = compared(card_file.read(before), new)
    rendered = comparison.render(difference, "json" if as_json else shape)
    if out is not None:
        _write(out, rendered.encode())
    else:
        say(rendered, nl=False)
    short = required.failures(new.score, new.points(), [entry.level for entry in new.lint])
    for line in short:
        say(escape(line), err=True)
    return 1 if short or difference.fell else 0


@click.command()
@click.argument("fleet", type=FILE, required=False)
@rubric_options
@click.option("--demo", is_flag=True, help="Grade sandbox payers: 352 payers of 30 vendors.")
@click.option("--sandbox", help="For --demo: URL of a running sandbox, without /fhir.")
@click.option(
    "--payers",
    type=click.IntRange(1, 5000),
    default=352,
    show_default=True,
    help="For --demo: number of payers.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="For --demo: seed of the mix of scenarios."
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fleet-report"),
    show_default=True,
    help="Folder for results and report. Run again to resume.",
)
@click.option(
    "--jobs", type=click.IntRange(1, 64), help="Endpoints graded in parallel.  [default: two per core]"
)
@click.option("--previous", type=FILE, help="report.json of the last report, to show changes.")
@click.option("--fresh", is_flag=True, help="Grade everything again instead of resuming.")
@json_option
def report(fleet: Path | None, as_json: bool, **options: Any) -> int:
    """Grade many endpoints and write a report.

    The report is written as HTML, Markdown and JSON.
    """
    if bool(fleet) == options["demo"]:
        raise click.UsageError("give a fleet file or use --demo")
    from sandbox.cli.report import describe, run

    with count_endpoints() as show:
        figures = run(fleet, options | {"readings": list(options["readings"])}, show)
    if as_json:
        print_json(figures)
    else:
        say(describe(figures))
    return 0


def _instant(text: str | None) -> datetime | None:
    from datetime import UTC, datetime

    if text is None:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        form = "an instant such as 2026-06-30T00:00:00Z"
        raise click.UsageError(f"--as-of must be {form}, not {text!r}") from None
    return instant if instant.tzinfo else instant.replace(tzinfo=UTC)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror or problem}") from None


def _write(path: Path, content: bytes) -> None:
    from sandbox.core.files import write_whole  # imports YAML, which `--help` does not need

    write_whole(path, content)
