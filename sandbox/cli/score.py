"""The grader's commands: score, compare, report. Each imports what it needs when it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sandbox.core.errors import UsageError
from sandbox.core.files import write_whole
from sandbox.core.text import escape, overwrite, quantity, say

if TYPE_CHECKING:
    from sandbox.score.card import Card
    from sandbox.score.evidence import Evidence
    from sandbox.score.run import SignInOptions

FORMS = ("text", "json", "html", "markdown", "junit", "sarif", "badge", "evidence")
FILE = click.Path(path_type=Path, dir_okay=False)


def _with(options: list[Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


rules = [
    click.option("--edition", default="2025-05", show_default=True, help="The rubric's edition, or a file."),
    click.option("--reading", "readings", multiple=True, metavar="NAME=VALUE", help="Take a reading so."),
]
gates = [
    click.option("--fail-under", type=click.FloatRange(0, 1000), help="Exit 1 when the score is below this."),
    click.option(
        "--fail-on",
        multiple=True,
        metavar="METRIC:POINTS|LEVEL",
        help="Exit 1 when a metric has fewer points, or on a finding of this level or a graver one.",
    ),
]
entry = [
    click.option("--client-id", envvar="PAYER_SANDBOX_CLIENT_ID", help="The app to sign in as."),
    click.option("--client-secret", envvar="PAYER_SANDBOX_CLIENT_SECRET", help="Its secret, if it has one."),
    click.option("--redirect-uri", envvar="PAYER_SANDBOX_REDIRECT_URI", help="Its redirect URI."),
    click.option("--auth-method", metavar="METHOD", help="How the app authenticates.  [default: as listed]"),
    click.option("--scope", metavar="SCOPES", help="What to ask for.  [default: what is listed]"),
    click.option("--browser", is_flag=True, help="Sign in by hand, in your own browser."),
    click.option("--browser-driver", is_flag=True, help="Let a Chromium sign in (needs Playwright)."),
    click.option("--sign-in-script", "script", type=FILE, help="Sign in by a Playwright script."),
    click.option("--register", is_flag=True, help="Make a client by dynamic registration."),
]


@click.command()
@click.argument("url", required=False)
@_with(rules)
@click.option("--facts", type=click.Path(path_type=Path), help="Facts file of a payer that serves none.")
@click.option("--traffic", type=FILE, help="A log of real use: NDJSON, HAR, or a sandbox's journal.")
@click.option("--base", metavar="URL", help="The FHIR base in a HAR log.  [default: found out]")
@click.option("--as-of", metavar="INSTANT", help="When the log's six months end.  [default: its last entry]")
@click.option("--replay", type=FILE, help="Grade kept evidence again, without a network.")
@click.option("--token", envvar="PAYER_SANDBOX_TOKEN", help="Grade with this access token.")
@click.option("--patient", help="Whose token it is, when it opens more than one record.")
@_with(entry)
@click.option("--format", "shape", type=click.Choice(FORMS), help="Form of the card.  [default: text]")
@click.option("--out", multiple=True, type=FILE, help="Write the card to a file; its name tells the form.")
@click.option("--evidence", type=FILE, help="Keep what was seen, to grade it again with --replay.")
@click.option("--keep-bodies", is_flag=True, help="Keep bodies in the evidence: they may hold PHI.")
@click.option("--intrusive", is_flag=True, help="Abroad too, use accounts and clocks that the payer lends.")
@click.option("--user-agent", default="", metavar="TEXT", help="The name that requests give.")
@click.option("--no-probes", is_flag=True, help="No second look, no attempts on locks.")
@click.option(
    "--sample-seed", type=click.IntRange(0, 2**32 - 1), help="Draws members.  [default: 1; abroad by day]"
)
@click.option("--timeout", type=click.FloatRange(0.1, 600), default=30, show_default=True, help="Seconds.")
@click.option("--pace", type=click.FloatRange(0, 60), help="Seconds between requests.  [default: 0.5 abroad]")
@click.option("--dry-run", is_flag=True, help="Sign one member in and tell each step; grade nothing.")
@_with(gates)
def score(url: str | None, **given: Any) -> int:
    """Grade a payer's Patient Access API from outside.

    Or from a log of its use (--traffic), or from kept evidence (--replay).
    """
    _check(url, given)
    if given["dry_run"]:
        return _dry_run(str(url), given)
    from sandbox.score.report.card_comparison import parse_gate
    from sandbox.score.rubric import load

    asked = parse_gate(given["fail_under"], given["fail_on"], _most(load(given["edition"]).metrics))
    card, evidence = _graded(url, given)
    if given["evidence"]:
        write_whole(given["evidence"], evidence.to_json())
    _tell_of_facts(evidence)
    _tell_of_log(evidence)
    _tell(card, evidence, given["shape"], given["out"])
    short = asked.failures(card.score, _points(card), [found.level for found in card.lint])
    for line in short:
        say(escape(line), err=True)
    return 1 if short else 0


def _tell_of_facts(evidence: Evidence) -> None:
    """What of a facts file could not be used, on standard error; of a served document the card says it."""
    facts = evidence["facts"]
    if facts.seen and facts.value["from"] == "file":
        for problem in facts.value.get("problems", ()):
            say(f"facts: {escape(problem)}", err=True)


def _tell_of_log(evidence: Evidence) -> None:
    """What could not be read of a log, or had to be derived, on standard error."""
    log = evidence.traffic.get("log")
    told = log.value if log and log.value else {}
    if told.get("unread"):
        first = escape(told["problems"][0])
        say(f"log: {quantity(told['unread'], 'record')} cannot be read and are left out; {first}", err=True)
    if told.get("derived"):
        say(f"log: extract_step of {quantity(told['derived'], 'record')} was derived from the URL", err=True)
    if told.get("late"):
        say(f"log: {quantity(told['late'], 'record')} after {told['until']} left out", err=True)


def _check(url: str | None, given: Mapping[str, Any]) -> None:
    if given["token"] == "":
        raise click.UsageError("--token is empty")
    if given["patient"] and given["token"] is None:
        raise click.UsageError("--patient goes with --token")
    if given["fail_under"] is not None and given["fail_under"] != given["fail_under"]:  # NaN is below nothing
        raise click.UsageError("--fail-under is a number")
    if given["as_of"] and not given["traffic"]:
        raise click.UsageError("--as-of goes with --traffic")
    if not given["shape"]:
        from sandbox.score import report

        for path in given["out"]:
            report.find_form(path.name)  # raises before minutes are spent
    if given["base"] and not given["traffic"]:
        raise click.UsageError("--base goes with --traffic")
    if url and given["replay"]:
        raise click.UsageError("--replay grades kept evidence: it takes no URL")
    if not (url or given["replay"] or given["traffic"]):
        raise click.UsageError("give the URL of a FHIR base, --traffic or --replay")
    ways = {"--browser": "browser", "--sign-in-script": "script", "--browser-driver": "browser_driver"}
    if len(chosen := [option for option, name in ways.items() if given[name]]) > 1:
        raise click.UsageError(f"{chosen[0]} and {chosen[1]} exclude each other")
    if given["dry_run"] and (not url or given["token"] or given["traffic"]):
        raise click.UsageError("--dry-run signs in at the URL of a FHIR base: it takes no token and no log")


def _graded(url: str | None, given: Mapping[str, Any]) -> tuple[Card, Evidence]:
    from sandbox.score import run
    from sandbox.score.editions import readings
    from sandbox.score.evidence import Evidence

    rules = {"edition": given["edition"], "readings": readings.parse(given["readings"])}
    log = None
    if given["traffic"]:
        log = run.Log(given["traffic"], _instant(given["as_of"]), given["base"] or "")
    if given["replay"]:
        kept = Evidence.from_json(_read(given["replay"]))
        return run.regrade(kept, log=log, **rules), kept
    if url is None and log is not None:
        return run.grade_log(log, facts=given["facts"], **rules)
    passed = (
        "facts",
        "token",
        "patient",
        "keep_bodies",
        "intrusive",
        "timeout",
        "pace",
        "sample_seed",
        "user_agent",
    )
    progress = _steps()
    try:
        return run.grade(
            str(url),
            log=log,
            entry=_entry(given),
            progress=progress,
            tell=lambda text: say(text, err=True),
            **rules,
            probes=not given["no_probes"],
            **{name: given[name] for name in passed},
        )
    finally:
        progress("")


def _entry(given: Mapping[str, Any]) -> SignInOptions:
    """How to get in."""
    from sandbox.score.run import SignInOptions

    words = ("client_id", "client_secret", "redirect_uri", "auth_method", "scope")
    others = ("browser", "script", "register", "browser_driver")
    chosen: dict[str, Any] = {name: given[name] or "" for name in words}
    return SignInOptions(**chosen, **{name: given[name] for name in others})


def _dry_run(url: str, given: Mapping[str, Any]) -> int:
    """One sign-in, told step by step. Exit 1 when it did not get in."""
    from sandbox.score.dry_run import dry_run

    passed = ("facts", "intrusive", "timeout", "user_agent")
    progress = _steps()
    try:
        signed_in = dry_run(
            url,
            say=lambda line: say(escape(line)),
            entry=_entry(given),
            progress=progress,
            tell=lambda text: say(text, err=True),
            **{name: given[name] for name in passed},
        )
    finally:
        progress("")
    return 0 if signed_in else 1


def _tell(card: Card, evidence: Evidence, shape: str | None, out: Iterable[Path]) -> None:
    """Into the files, or onto standard output when there are none."""
    from sandbox.score import report

    def made(form: str) -> bytes:
        return evidence.to_json() if form == "evidence" else report.render(card, form)

    for path in out:
        write_whole(path, made(shape or report.find_form(path.name)))
        say(f"{card.score}/{card.max}  {path}")
    if out:
        return
    if shape in (None, "text"):
        from rich.console import Console

        from sandbox.score.report import text

        Console(width=None if sys.stdout.isatty() else 80).print(text.shown(card))
    else:
        say(made(str(shape)).decode(), nl=False)


@click.command()
@click.argument("before", type=FILE, metavar="A.json")
@click.argument("after", type=FILE, metavar="B.json")
@click.option(
    "--format", "shape", type=click.Choice(["text", "json", "markdown"]), default="text", show_default=True
)
@click.option("--out", type=FILE, help="Write to a file.")
@_with(gates)
def compare(before: Path, after: Path, shape: str, out: Path | None, **gate_at: Any) -> int:
    """Compare two cards, metric by metric.

    Exit 1 when B lost points, or is below a threshold.
    """
    from sandbox.score.report import card_file, comparison
    from sandbox.score.report.card_comparison import compare as compared
    from sandbox.score.report.card_comparison import parse_gate

    new = card_file.read(after)
    most = {entry.id: entry.max for entry in new.metrics}
    asked = parse_gate(gate_at["fail_under"], gate_at["fail_on"], most)
    found = compared(card_file.read(before), new)
    told = comparison.render(found, shape)
    if out is not None:
        write_whole(out, told.encode())
    else:
        say(told, nl=False)
    short = asked.failures(new.score, new.points(), [entry.level for entry in new.lint])
    for line in short:
        say(escape(line), err=True)
    return 1 if short or found.fell else 0


@click.command()
@click.argument("fleet", type=FILE, required=False)
@_with(rules)
@click.option("--demo", is_flag=True, help="A fleet of sandbox tenants: 352 payers over 30 vendors.")
@click.option("--sandbox", help="For --demo: a sandbox that runs already, without /fhir.")
@click.option("--payers", type=click.IntRange(1, 5000), default=352, show_default=True, help="For --demo.")
@click.option("--seed", type=int, default=1, show_default=True, help="For --demo: the mix of scenarios.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("fleet-report"),
    show_default=True,
    help="Folder for results and report; run again to resume.",
)
@click.option("--jobs", type=click.IntRange(1, 64), help="Endpoints at the same time.  [default: two a core]")
@click.option("--previous", type=FILE, help="report.json of the last report, to tell what moved.")
@click.option("--fresh", is_flag=True, help="Grade all again instead of resuming.")
def report(fleet: Path | None, **given: Any) -> int:
    """Grade many endpoints and write a report on them.

    The report is HTML, Markdown and JSON.
    """
    if bool(fleet) == given["demo"]:
        raise click.UsageError("give a fleet file, or --demo")
    from sandbox.cli.report import run

    given["readings"] = list(given["readings"])
    summary = run(fleet, given, _fleet_progress())
    say(summary)
    return 0


def _fleet_progress() -> Callable[[int, int, str], None]:
    """One changing line on a terminal; in a pipe a line now and then."""
    if not sys.stderr.isatty():

        def tell(done: int, total: int, what: str) -> None:
            if done == total or done % 50 == 0:
                say(f"{done} of {quantity(total, 'endpoint')}", err=True)

        return tell
    return lambda done, total, what: overwrite(f"{done} of {total}: {what}", last=done == total)


def _steps() -> Callable[[str], None]:
    """One changing line on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        return lambda step: None
    return overwrite


def _instant(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--as-of is an instant such as 2026-06-30T00:00:00Z, not {text!r}") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror or problem}") from None


def _most(metrics: Iterable[Any]) -> dict[str, int]:
    return {metric.id: metric.points for metric in metrics}


def _points(card: Card) -> dict[str, int]:
    return {line.id: line.points for line in card.lines}
