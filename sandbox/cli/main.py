"""The command line. Each command imports what it needs when it runs, so `--help` is instant."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from sandbox import __version__
from sandbox.cli.review import review
from sandbox.cli.score import compare, report, score
from sandbox.core.errors import UsageError
from sandbox.core.text import escape, overwrite, quantity, say


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="payer-sandbox")
def cli() -> None:
    """A US health payer in a box, and a grader for real ones."""


for _command in (score, compare, report, review):
    cli.add_command(_command)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # By an exception, so that what is half written is removed on the way out.
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
    sys.exit(run())


def run(words: Sequence[str] | None = None) -> int:
    """Return the exit code of a command line: 2, after one line, for wrong usage and unreadable input."""
    try:
        code = cli.main(words, "payer-sandbox", standalone_mode=False)
    except (click.exceptions.Abort, KeyboardInterrupt):
        return 130
    except click.UsageError as problem:
        return _fail(problem.format_message(), problem.ctx)
    except (UsageError, click.ClickException) as problem:
        return _fail(str(problem), None)
    except BrokenPipeError:
        return 1
    return code if isinstance(code, int) else 0


def _fail(message: str, context: click.Context | None) -> int:
    name = context.command_path if context else "payer-sandbox"
    say(f"{name}: {escape(message)}", err=True)
    return 2


def _settings(**given: Any) -> Any:
    from sandbox.settings import from_env

    return from_env(**given)


def _progress(total: int, what: str) -> Callable[[int], None]:
    """Counts on a terminal; in a pipe (a container's log) a line at each quarter."""
    if sys.stderr.isatty():

        def show(done: int) -> None:
            if done % 10 == 0 or done >= total:
                overwrite(f"{what}: {done} of {quantity(total, 'member')}", last=done >= total)

        return show
    quarters = iter([0, total // 4, total // 2, total * 3 // 4, total])
    following = next(quarters)

    def tell(done: int) -> None:
        nonlocal following
        if done >= following:
            say(f"{what}: {done} of {quantity(total, 'member')}", err=True)
            following = next((quarter for quarter in quarters if quarter > done), total + 1)

    return tell


def _reading() -> Callable[[int], None]:
    """Counts on a terminal what was read of other people's data; in a pipe, a line at each 100,000."""
    due = TOLD_EVERY

    def show(done: int) -> None:
        overwrite(f"reading the data (each twice): {quantity(done, 'resource')}")

    def tell(done: int) -> None:
        nonlocal due
        if done >= due:
            say(f"reading the data (each twice): {done:,} resources", err=True)
            due = (done // TOLD_EVERY + 1) * TOLD_EVERY

    return show if sys.stderr.isatty() else tell


TOLD_EVERY = 100_000
"""Resources between two lines of progress."""

population = [
    click.option("--members", type=int, help="How many members, the named ones included.  [default: 100]"),
    click.option("--seed", type=int, help="The seed of the population.  [default: 1]"),
    click.option("--today", help="The day the data is built around.  [default: the first of this month]"),
    click.option("--carin", help="Edition of CARIN Blue Button: 2.0.0 or 2.2.0.  [default: 2.0.0]"),
    click.option("--us-core", help="Edition of US Core: 3.1.1, 6.1.0 or 7.0.0.  [default: 6.1.0]"),
]


def _with(options: list[Any]) -> Callable[[Any], Any]:
    def decorate(command: Any) -> Any:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


@cli.command()
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [default: 8080]")
@click.option("--public-url", help="URL the payer is known by; every link is built from it.")
@click.option("--allowed-host", multiple=True, metavar="NAME", help="Answer to this host name, too.")
@click.option("--trusted-proxies", metavar="NETWORKS", help="Whose X-Forwarded-For is believed.")
@click.option("--scenario", help="Scenario of the default payer.  [default: baseline]")
@click.option("--scenarios", "own_scenarios", help="A folder of scenarios of your own, beside ours.")
@_with(population)
@click.option("--data", help="Serve NDJSON files or Bundles instead: a file or a folder.")
@click.option("--skip-bad", is_flag=True, default=None, help="Leave out what cannot be used of that data.")
@click.option("--load-report", metavar="FILE", help="Write the report on that load as JSON, too.")
@click.option("--store", help="Folder (or postgresql://…) that keeps library and ledger.")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes.  [default: 1]")
@click.option("--tls", is_flag=True, default=None, help="Serve https, with a certificate made here.")
@click.option("--tls-cert", help="Serve https with this certificate chain (PEM).")
@click.option("--tls-key", help="The private key of that certificate (PEM).")
@click.option("--quiet", is_flag=True, help="Print neither progress nor addresses.")
def serve(allowed_host: tuple[str, ...], quiet: bool, **given: Any) -> None:
    """Run the payer."""
    from sandbox.server.gunicorn import serve as run

    settings = _settings(allowed_host=",".join(allowed_host) or None, **given)
    if quiet:
        run(settings, lambda _: None, lambda _: None)
        return
    building = _reading() if settings.data else _progress(settings.members, "building the population")
    run(settings, building, say)


@cli.command()
@_with(population)
@click.option("--basis", is_flag=True, default=None, help="Claims without money (CARIN 2.2.0 -Basis).")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write NDJSON files to this folder."
)
@click.option("--store", help="Build the library there that `serve --store` opens, instead of files.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Processes.  [default: one for each core]")
@click.option("--gzip", "zipped", is_flag=True, help="Compress the files.")
def generate(out: Path | None, store: str | None, jobs: int | None, zipped: bool, **given: Any) -> None:
    """Make synthetic members as NDJSON, or a ready store.

    NDJSON is one file a resource type, with an index as CSV.
    """
    if (out is None) == (store is None):
        raise click.UsageError("say where to: either --out FOLDER or --store FOLDER")
    if store is not None and zipped:
        raise click.UsageError("--gzip goes with --out")
    if store == "":
        raise click.UsageError("--store is empty")
    from os import cpu_count

    from sandbox.population.generate import produce, stock
    from sandbox.server.gunicorn import anchor_day
    from sandbox.store import address

    settings = _settings(store=store, **given)
    day = anchor_day(settings)
    show, jobs = _progress(settings.members, "generating"), jobs or cpu_count() or 1
    if out is None:
        path, counts = stock(settings, day, show, jobs=jobs)
        where = address.shown(path)
    else:
        counts = produce(settings, day, out, show, jobs=jobs, zipped=zipped)
        where = str(out)
    say(f"{where}: {quantity(counts.pop('members', 0), 'member')}, seed {settings.seed}, around {day}")
    for kind, number in sorted(counts.items()):
        say(f"  {kind:<22}{number:>9,}")


@cli.command()
@click.option("--member", help="Who signs in (see `members`).")
@click.option("--system", is_flag=True, help="A backend service's token instead: it reads all data.")
@click.option("--password", help="The member's password, when it is not one of the sandbox's own.")
@click.option("--url", help="The sandbox, without /fhir.  [default: this machine, PAYER_SANDBOX_PORT]")
@click.option("--scenario", help="Sign in to the payer of this scenario.")
@click.option("--scope", default="", help="Scopes to ask for.")
@click.option("--refresh", type=click.IntRange(0, 100), default=0, help="Refresh this many times first.")
@click.option("--json", "as_json", is_flag=True, help="Print the token response as it came.")
def token(url: str | None, scenario: str | None, system: bool, as_json: bool, **given: Any) -> None:
    """Print an access token, without a browser."""
    from sandbox.cli.token import connect, system_token

    if system == bool(given["member"]):
        raise click.UsageError("say whose token: --member NAME, or --system")
    if system and (given["password"] or given["refresh"]):
        raise click.UsageError("--password and --refresh go with --member")
    base = _base(url, scenario)
    session = system_token(base, scope=given["scope"]) if system else connect(base, **given)
    if as_json:
        from sandbox.core.files import json_pretty

        say(json_pretty(session).decode(), nl=False)
    else:
        say(session["access_token"])


def _base(url: str | None, scenario: str | None) -> str:
    from sandbox.apis.control.client import prefix

    return prefix(_settings(), url, scenario)


@cli.command()
@_with(population)
@click.option(
    "--csv", "as_csv", is_flag=True, help="Every login, with counts of resources and claims, as CSV."
)
@click.option("--data", help="List the logins of this data instead: a file or a folder, as `serve` takes it.")
@click.option("--skip-bad", is_flag=True, default=None, help="Leave out what cannot be used of that data.")
def members(as_csv: bool, **given: Any) -> None:
    """List the named members: logins and what each is for."""
    import csv

    from sandbox.population.build_library import index_rows
    from sandbox.server.gunicorn import anchor_day
    from sandbox.synth.config.spec import load_spec

    settings = _settings(**given)
    if settings.data:
        from sandbox.population.import_fhir import logins

        if as_csv:
            raise UsageError("--csv counts a generated population, not --data")
        nobody = True
        for account in logins(Path(settings.data), skip_bad=settings.skip_bad):
            nobody = False
            say(escape(f"{account.username:<40} {account.password:<45} {account.name}"))
        if nobody:
            say(
                "nobody: there is no Patient among the data (payer-sandbox token --system reads it)", err=True
            )
        return
    if as_csv:
        csv.writer(sys.stdout).writerows(index_rows(settings, anchor_day(settings)))
        return
    for who in load_spec(settings.fixtures).named:
        say(f"{who.username:<17}{who.username + '-pass':<22}{who.role:<15}{who.purpose}")


@cli.group()
def scenarios() -> None:
    """The scenarios: list, show, try, lint, table, verbs, schema."""


def _catalog() -> Any:
    from sandbox.faults.catalog import load
    from sandbox.settings import catalogue

    return load(*catalogue(_settings()))


@scenarios.command("list")
def list_scenarios() -> None:
    """Every scenario, with what it costs by the rubric.

    And its area, what a client sees, and its parameters.
    """
    from sandbox.cli.scenarios import listing

    say(listing(_catalog().by_id.values()))


@scenarios.command("table")
def scenario_table() -> None:
    """The catalogue as Markdown: docs/catalogue.md."""
    from sandbox.cli.scenarios import table

    say(table(_catalog().by_id.values()), nl=False)


@scenarios.command("show")
@click.argument("id")
def show_scenario(id: str) -> None:
    """One scenario, as its file says it."""
    from sandbox.core.errors import NotFound
    from sandbox.core.files import read_text
    from sandbox.settings import catalogue

    try:
        found = _catalog().parse(id).scenarios[0]
    except NotFound as problem:
        raise UsageError(problem.text) from None
    except IndexError:
        raise UsageError(f"{id!r} names no scenario") from None
    places = catalogue(_settings())
    files = [place / f"{found.id}.yaml" if place.is_dir() else place for place in places]
    say(read_text(next(f for f in files if f.is_file() and f.stem == found.id)), nl=False)


@scenarios.command("try")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option("--port", type=int, help="Port to listen on; 0 takes a free one.  [default: 8080]")
@_with(population)
def try_scenario(file: Path, **given: Any) -> int:
    """Start a payer with a scenario file of your own.

    Exit 1 when something is wrong with the file.
    """
    from sandbox.cli.scenario_lint import lint
    from sandbox.server.gunicorn import serve as run

    if complaints := lint(file):
        say("\n".join(map(escape, complaints)))
        return 1
    settings = _settings(**given, own_scenarios=str(file), scenario=file.stem)
    run(settings, _progress(settings.members, "building the population"), say)
    return 0


@scenarios.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
def lint_scenarios(paths: tuple[Path, ...]) -> int:
    """Check scenario files; with no PATH, all of ours.

    Exit 1 when something is wrong.
    """
    from sandbox.cli.scenario_lint import lint

    files = [
        f for p in paths or [_settings().scenarios] for f in (sorted(p.glob("*.yaml")) if p.is_dir() else [p])
    ]
    complaints = [complaint for path in files for complaint in lint(path)]
    for complaint in complaints:
        say(escape(complaint))
    say(f"{quantity(len(files), 'scenario')}, {quantity(len(complaints), 'complaint')}")
    return 1 if complaints else 0


@scenarios.command("schema")
def scenario_schema() -> None:
    """The JSON Schema of a scenario file, for editors."""
    from sandbox.cli.scenario_lint import schema

    say(schema().decode(), nl=False)


def _remote(url: str | None, scenario: str | None) -> Any:
    from sandbox.apis.control.client import Remote

    return Remote(_base(url, scenario), _settings().control_key)


where = [
    click.option("--url", help="The sandbox, without /fhir.  [default: this machine, PAYER_SANDBOX_PORT]"),
    click.option("--scenario", help="The payer of this scenario (and session: name~session)."),
]


@cli.command()
@_with(where)
@click.option("--advance", help="Move it by an ISO 8601 duration, such as P90D or PT5M.")
@click.option("--set", "to", help="Set it to an instant, such as 2027-01-01T00:00:00Z.")
def clock(url: str | None, scenario: str | None, advance: str | None, to: str | None) -> None:
    """Show or move a payer's clock."""
    if advance and to:
        raise click.UsageError("--advance and --set exclude each other")
    say(_remote(url, scenario).clock(advance=advance, to=to))


@cli.command()
@_with(where)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
@click.option("--follow", is_flag=True, help="Go on and print exchanges as they come.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help="status=4xx, path=/fhir, member=, client=, effect=, since=, request=, refused=true.",
)
@click.option("--explain", is_flag=True, help="Under each refusal: why, and how to repair it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line (NDJSON).")
def journal(
    url: str | None, scenario: str | None, limit: int, follow: bool, filters: tuple[str, ...], **how: bool
) -> None:
    """The latest exchanges of a payer, one a line."""
    query = {}
    for each in filters:
        name, equals, value = each.partition("=")
        if not equals or name not in JOURNAL_FILTERS:
            raise click.UsageError(
                f"--filter is KEY=VALUE with one of {', '.join(JOURNAL_FILTERS)}: {each!r}"
            )
        query[name] = value
    remote = _remote(url, scenario)
    last = remote.last() if follow else 0
    for entry in remote.journal(limit, **query):
        _print_entry(entry, **how)
        last = max(last, entry["number"])
    if follow:
        try:
            for entry in remote.follow(last, **query):
                _print_entry(entry, **how)
        except KeyboardInterrupt:
            return


JOURNAL_FILTERS = (
    "status", "method", "path", "member", "client", "scenario", "effect", "request", "token", "since",
    "refused",
)  # fmt: skip


def _print_entry(entry: dict[str, Any], *, explain: bool, as_json: bool) -> None:
    if as_json:
        from sandbox.core.files import json_bytes

        say(json_bytes(entry).decode())
    else:
        fired = ", ".join((*entry["effects"], *(f"earlier {name}" for name in entry.get("because", ()))))
        line = f"{entry['at']}  {entry['status']}  {entry['method']:<5}{entry['path']}  {fired}".rstrip()
        say(escape(line))
        if explain and "why" in entry:
            say(f"    {escape(entry['why'])} {escape(entry['repair'])}")


@cli.command()
@_with(where)
def reset(url: str | None, scenario: str | None) -> None:
    """Forget what a payer remembers.

    That is its tokens, opt-ins, counters, armed failures, journal and clock.
    """
    say(f"reset {_remote(url, scenario).reset()}")


@scenarios.command("verbs")
def scenario_verbs() -> None:
    """Every verb with its parameters, by gate, as Markdown."""
    from sandbox.cli.scenario_lint import verbs

    say(verbs(), nl=False)


def _answer_version(group: click.Group) -> None:
    """Let every command answer --version, as the whole does."""
    for command in group.commands.values():
        click.version_option(__version__, prog_name="payer-sandbox", help="Show the version and exit.")(
            command
        )
        if isinstance(command, click.Group):
            _answer_version(command)


_answer_version(cli)

if __name__ == "__main__":
    main()
