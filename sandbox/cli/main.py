"""The command line. Each command imports what it needs when it runs, so `--help` is instant."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from sandbox import __version__
from sandbox.cli.completion import complete_members, complete_scenarios
from sandbox.cli.control import fail_next, payer_prefix, remote_payer, revoke, switch_scenarios
from sandbox.cli.options import (
    json_option,
    payer_options,
    population_options,
    print_json,
    setting_option,
    url_option,
)
from sandbox.cli.progress import count_members, count_resources
from sandbox.cli.review import review
from sandbox.cli.score import compare, report, score
from sandbox.cli.terminal import is_terminal, show_entry, show_members
from sandbox.core.errors import UsageError
from sandbox.core.text import escape, quantity, say


@click.group(context_settings={"help_option_names": ["-h", "--help"]}, invoke_without_command=True)
@click.version_option(__version__, prog_name="payer-sandbox")
@click.pass_context
def cli(context: click.Context) -> None:
    """A sandbox US health payer, and a grader for real ones."""
    _help_without_command(context)


def _help_without_command(context: click.Context) -> None:
    """Print the help of a group that is called without a command; some versions of click give code 2."""
    if context.invoked_subcommand is None:
        say(context.get_help())


BUILDING = "building the population"

for _command in (score, compare, report, review, revoke, fail_next):
    cli.add_command(_command)


def main() -> None:
    """Run the command line of this process and exit with its code."""
    # An exception, so that unfinished files are removed.
    for number in (signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)):  # Windows has no SIGHUP
        if signal.getsignal(number) != signal.SIG_IGN:  # nohup
            signal.signal(number, lambda number, frame: sys.exit(128 + number))
    sys.exit(run())


def run(words: Sequence[str] | None = None) -> int:
    """Return the exit code of a command line. Wrong usage and unreadable input print one line and give 2."""
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


def _settings(**values: Any) -> Any:
    from sandbox.settings import from_env

    return from_env(**values)


@cli.command()
@setting_option("host")
@setting_option("port")
@setting_option("public_url")
@setting_option("allowed_host", multiple=True, metavar="NAME")
@setting_option("trusted_proxies", metavar="NETWORKS")
@setting_option("scenario", shell_complete=complete_scenarios)
@setting_option("own_scenarios", "--scenarios")
@population_options
@setting_option("data")
@setting_option("skip_bad")
@setting_option("load_report", metavar="FILE")
@setting_option("store")
@setting_option("workers", type=click.IntRange(1, 64))
@setting_option("tls")
@setting_option("tls_cert")
@setting_option("tls_key")
@setting_option("log")
@click.option("--quiet", is_flag=True, help="Print neither progress, addresses nor requests.")
def serve(allowed_host: tuple[str, ...], quiet: bool, **options: Any) -> None:
    """Run the payer."""
    from dataclasses import replace

    from sandbox.server.serve import serve as run

    settings = _settings(allowed_host=",".join(allowed_host) or None, **options)
    if quiet:
        log = "never" if settings.log == "auto" else settings.log
        run(replace(settings, log=log), lambda _: None, lambda _: None)
        return
    with count_resources() if settings.data else count_members(settings.members, BUILDING) as show:
        run(settings, show, show.say)


@cli.command()
@population_options
@setting_option("as_of", metavar="DAY")
@setting_option("latest", "--latest/--all-versions")
@setting_option("basis")
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Write NDJSON files to this folder."
)
@setting_option("store", help="Instead, build a library in this folder for `serve --store`.")
@click.option("--jobs", type=click.IntRange(1, 64), help="Number of processes.  [default: one per core]")
@click.option("--gzip", "zipped", is_flag=True, help="Compress the NDJSON files.")
@json_option
def generate(
    out: Path | None, store: str | None, jobs: int | None, zipped: bool, as_json: bool, **options: Any
) -> None:
    """Generate synthetic members as NDJSON files or a store.

    With --out, writes one NDJSON file for each resource type, the logins, and a CSV index of members. A line
    is the latest version of a resource that was visible on the day of --as-of. With --all-versions it is any
    version, also of what becomes visible after the day of --today, unless --as-of ends it. With --store,
    builds the library that `serve --store` opens, always with all versions.
    """
    if (out is None) == (store is None):
        raise click.UsageError("use either --out FOLDER or --store FOLDER")
    if store is not None and zipped:
        raise click.UsageError("--gzip needs --out")
    if store == "":
        raise click.UsageError("--store must not be empty")
    if store is not None and (options["as_of"] or options["latest"] is not None):
        raise click.UsageError("--as-of, --latest and --all-versions need --out")
    from os import cpu_count

    from sandbox.population.generate import produce, stock
    from sandbox.server.serve import anchor_day, parse_day
    from sandbox.store import address

    settings = _settings(store=store, **options)
    day = anchor_day(settings)
    if settings.as_of:
        parse_day(settings.as_of, "--as-of")
    jobs = jobs or cpu_count() or 1
    with count_members(settings.members, "generating") as show:
        if out is None:
            path, counts = stock(settings, day, show, jobs=jobs)
            where = address.shown(path)
        else:
            counts = produce(settings, day, out, show, jobs=jobs, zipped=zipped)
            where = str(out)
    members = counts.pop("members", 0)
    if as_json:
        figures = {"members": members, "seed": settings.seed, "today": day.isoformat(), "resources": counts}
        print_json({"path": where, **figures})
        return
    say(f"{where}: {quantity(members, 'member')}, seed {settings.seed}, around {day}")
    for kind, number in sorted(counts.items()):
        say(f"  {kind:<22}{number:>9,}")


@cli.command()
@click.option(
    "--member",
    help="User name of the member who signs in (see `payer-sandbox members`).",
    shell_complete=complete_members,
)
@click.option("--system", is_flag=True, help="Get a backend service's token, which reads all data.")
@click.option("--password", help="Password of the member.  [default: the one in the facts]")
@url_option
@click.option("--scenario", help="Sign in to the payer of this scenario.", shell_complete=complete_scenarios)
@click.option("--scope", default="", help="Scopes to request.")
@click.option("--refresh", type=click.IntRange(0, 100), default=0, help="Refresh the token this many times.")
@click.option("--json", "as_json", is_flag=True, help="Print what the token endpoint answered, as sent.")
def token(url: str | None, scenario: str | None, system: bool, as_json: bool, **options: Any) -> None:
    """Print an access token without a browser.

    With --json, prints the body of the token endpoint's answer: exactly as it was sent, also when it is an
    error. Exits with code 2 when there is no token.
    """
    from sandbox.server.sign_in import SignInFailed, connect, system_token

    if system == bool(options["member"]):
        raise click.UsageError("use either --member NAME or --system")
    if system and (options["password"] or options["refresh"]):
        raise click.UsageError("--password and --refresh need --member")
    base = payer_prefix(url, scenario)
    try:
        response = system_token(base, scope=options["scope"]) if system else connect(base, **options)
    except SignInFailed as problem:
        if as_json and problem.answer is not None:
            _print_body(problem.answer.body)
        raise
    if as_json:
        _print_body(response.body)
    else:
        say(escape(response["access_token"]))


def _print_body(body: bytes) -> None:
    """Print the body of an answer as it was sent; on a terminal, in lines that only show."""
    if sys.stdout.isatty():
        say(body.decode(errors="replace"))
    else:
        sys.stdout.buffer.write(body)
        sys.stdout.flush()


@cli.command()
@population_options
@click.option(
    "--csv", "as_csv", is_flag=True, help="Print all logins with counts of resources and claims, as CSV."
)
@setting_option("data", help="File or folder of NDJSON or Bundles whose logins to list instead.")
@setting_option("skip_bad")
@json_option
def members(as_csv: bool, as_json: bool, **options: Any) -> None:
    """List the named members, their passwords and purposes."""
    import csv

    from sandbox.population.build_library import index_rows
    from sandbox.server.serve import anchor_day
    from sandbox.synth.config.spec import load_spec

    settings = _settings(**options)
    if as_csv and as_json:
        raise click.UsageError("--csv and --json cannot be combined")
    if settings.data:
        from sandbox.population.import_fhir import logins

        if as_csv:
            raise UsageError("--csv and --data cannot be combined")
        accounts = [
            {"username": a.username, "password": a.password, "name": a.name}
            for a in logins(Path(settings.data), skip_bad=settings.skip_bad)
        ]
        if as_json:
            print_json(accounts)
            return
        if is_terminal():
            show_members(tuple(account.values()) for account in accounts)
        else:
            for account in accounts:
                say(escape("{username:<40} {password:<45} {name}".format(**account)))
        if not accounts:
            say(
                "no logins: the data contains no Patient (payer-sandbox token --system can read it)", err=True
            )
        return
    if as_csv:
        csv.writer(sys.stdout).writerows(index_rows(settings, anchor_day(settings)))
        return
    named = [
        {
            "username": member.username,
            "password": f"{member.username}-pass",
            "name": f"{member.given_name} {member.family}",
            "role": member.role,
            "purpose": member.purpose,
        }
        for member in load_spec(settings.fixtures).named
    ]
    if as_json:
        print_json(named)
        return
    if is_terminal():
        show_members((m["username"], m["password"], m["role"], m["purpose"]) for m in named)
        return
    for row in named:
        say(f"{row['username']:<17}{row['password']:<22}{row['role']:<15}{row['purpose']}")


@cli.group(invoke_without_command=True)
@click.pass_context
def scenarios(context: click.Context) -> None:
    """List, show, try, switch and check scenarios."""
    _help_without_command(context)


scenarios.add_command(switch_scenarios)


def _catalog() -> Any:
    from sandbox.faults.catalog import load
    from sandbox.settings import catalogue

    return load(*catalogue(_settings()))


@scenarios.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with the keywords and expected scores.")
def list_scenarios(as_json: bool) -> None:
    """List scenarios and what they cost.

    Each is listed with its area, what a client sees, and its parameters.
    """
    listed = _catalog().by_id.values()
    if as_json:
        from sandbox.faults.listing import describe

        print_json([describe(scenario) for scenario in listed])
    else:
        from sandbox.cli.scenarios import list_rows, print_rows

        print_rows(list_rows(listed))


@scenarios.command("search")
@click.argument("words", nargs=-1, required=True)
@click.option("--all", "show_all", is_flag=True, help="Print every match, not only the best.")
@click.option("--json", "as_json", is_flag=True, help="Print every match as JSON.")
def search_scenarios(words: tuple[str, ...], show_all: bool, as_json: bool) -> int:
    """Find scenarios by symptom, status, error code or field.

    WORDS are what you see or look for: `invalid_grant`, `504`, `clock skew`, `_lastUpdated`. The best match
    comes first. Exits with code 1 when nothing matches.
    """
    from sandbox.cli.scenarios import SHOWN, match_rows, print_rows
    from sandbox.faults.search import search, suggest

    catalog, query = _catalog(), " ".join(words)
    matches, suggestions = search(catalog, query), suggest(catalog, query)
    if not matches:
        say(f"no scenario matches {escape(query)}", err=True)
    elif matches[0].unmatched:
        say("no scenario matches every word; these match most of them", err=True)
    if suggestions:
        say(f"did you mean {', '.join(map(escape, suggestions))}?", err=True)
    if as_json:
        from sandbox.faults.listing import describe_match

        print_json([describe_match(match) for match in matches])
    elif matches:
        print_rows(match_rows(matches if show_all else matches[:SHOWN]))
        if not show_all and len(matches) > SHOWN:
            say(f"and {len(matches) - SHOWN} more: add a word, or --all")
    return 0 if matches else 1


@scenarios.command("table")
def scenario_table() -> None:
    """Print the catalog as Markdown (docs/catalogue.md)."""
    from sandbox.cli.scenarios import table

    say(table(_catalog().by_id.values()), nl=False)


@scenarios.command("show")
@click.argument("id", shell_complete=complete_scenarios)
@json_option
def show_scenario(id: str, as_json: bool) -> None:
    """Print the file of a scenario."""
    from sandbox.core.errors import NotFound
    from sandbox.core.files import read_text, read_yaml
    from sandbox.settings import catalogue

    try:
        scenario = _catalog().parse(id).scenarios[0]
    except NotFound as problem:
        raise UsageError(problem.text) from None
    except IndexError:
        raise UsageError(f"{id!r} does not name a scenario") from None
    places = catalogue(_settings())
    files = [place / f"{scenario.id}.yaml" if place.is_dir() else place for place in places]
    file = next(f for f in files if f.is_file() and f.stem == scenario.id)
    if as_json:
        print_json(read_yaml(file))
    else:
        say(read_text(file), nl=False)


@scenarios.command("try")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@setting_option("host")
@setting_option("port")
@population_options
def try_scenario(file: Path, **options: Any) -> int:
    """Start a payer with your own scenario file.

    Exits with code 1 when the file has errors.
    """
    from sandbox.cli.scenario_lint import lint
    from sandbox.server.serve import serve as run

    if complaints := lint(file):
        say("\n".join(map(escape, complaints)))
        return 1
    settings = _settings(**options, own_scenarios=str(file), scenario=file.stem)
    with count_members(settings.members, BUILDING) as show:
        run(settings, show, show.say)
    return 0


@scenarios.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
@json_option
def lint_scenarios(paths: tuple[Path, ...], as_json: bool) -> int:
    """Check scenario files.

    Without PATHS, checks the built-in scenarios. Exits with code 1 when a file has errors.
    """
    from sandbox.cli.scenario_lint import lint

    files = [
        f for p in paths or [_settings().scenarios] for f in (sorted(p.glob("*.yaml")) if p.is_dir() else [p])
    ]
    complaints = [complaint for path in files for complaint in lint(path)]
    if as_json:
        print_json({"scenarios": len(files), "complaints": complaints})
        return 1 if complaints else 0
    for complaint in complaints:
        say(escape(complaint))
    say(f"{quantity(len(files), 'scenario')}, {quantity(len(complaints), 'complaint')}")
    return 1 if complaints else 0


@scenarios.command("schema")
def scenario_schema() -> None:
    """Print the JSON Schema of scenario files."""
    from sandbox.cli.scenario_lint import schema

    say(schema().decode(), nl=False)


@cli.command()
@payer_options
@click.option("--advance", help="Move the clock by an ISO 8601 duration, such as P90D or PT5M.")
@click.option("--set", "to", help="Set the clock to an instant, such as 2027-01-01T00:00:00Z.")
@json_option
def clock(url: str | None, scenario: str | None, advance: str | None, to: str | None, as_json: bool) -> None:
    """Show or move a payer's clock."""
    if advance and to:
        raise click.UsageError("--advance and --set cannot be combined")
    state = remote_payer(url, scenario).clock_state(advance=advance, to=to)
    if as_json:
        print_json(state)
    else:
        say(escape(state["now"]))


@cli.command()
@payer_options
@click.option(
    "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="Number of requests."
)
@click.option("--follow", is_flag=True, help="Keep printing new requests.")
@click.option(
    "--filter",
    "filters",
    multiple=True,
    metavar="KEY=VALUE",
    help="Such as status=4xx, path=/fhir, member=maria or refused=true. Can be repeated.",
)
@click.option("--explain", is_flag=True, help="Explain each refusal and how to fix it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line (NDJSON).")
def journal(
    url: str | None, scenario: str | None, limit: int, follow: bool, filters: tuple[str, ...], **how: bool
) -> None:
    """Show the latest requests to a payer."""
    query = {}
    for text in filters:
        name, equals, value = text.partition("=")
        if not equals or name not in JOURNAL_FILTERS:
            raise click.UsageError(
                f"--filter takes KEY=VALUE with a key of {', '.join(JOURNAL_FILTERS)}, not {text!r}"
            )
        query[name] = value
    remote = remote_payer(url, scenario)
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
    elif is_terminal():
        show_entry(entry, explain=explain)
    else:
        fired = ", ".join((*entry["effects"], *(f"earlier {name}" for name in entry.get("because", ()))))
        line = f"{entry['at']}  {entry['status']}  {entry['method']:<5}{entry['path']}  {fired}".rstrip()
        say(escape(line))
        if explain and "why" in entry:
            say(f"    {escape(entry['why'])} {escape(entry['repair'])}")


@cli.command()
@payer_options
@json_option
def reset(url: str | None, scenario: str | None, as_json: bool) -> None:
    """Delete everything that a payer remembers.

    Deletes tokens, opt-ins, counters, armed failures and the journal, and resets the clock.
    """
    tenant = remote_payer(url, scenario).reset()
    if as_json:
        print_json({"reset": tenant})
    else:
        say(f"reset {escape(tenant)}")


@cli.command()
@url_option
@click.option("--start", is_flag=True, help="Start a payer in this process, on a free port.")
@click.option(
    "--http", type=click.IntRange(0, 65535), metavar="PORT", help="Serve by HTTP on this port of loopback."
)
def mcp(url: str | None, start: bool, http: int | None) -> None:
    """Let a coding agent use a payer, by MCP.

    Serves tools over the control API by the Model Context Protocol. Without --http, an agent's client starts
    this command and talks to it on standard input and output. Needs the extra: pip install
    'payer-sandbox[mcp]'.
    """
    if url and start:
        raise click.UsageError("--url and --start cannot be combined")
    try:
        from sandbox.cli.mcp import run as serve_tools
    except ImportError as problem:  # not there, or another major version
        if not (problem.name or "").startswith("mcp"):
            raise
        raise UsageError("the MCP SDK is not installed: pip install 'payer-sandbox[mcp]'") from None
    serve_tools(_settings(), "" if start else payer_prefix(url, None), http)


@scenarios.command("verbs")
def scenario_verbs() -> None:
    """Print all fault verbs as Markdown (docs/verbs.md)."""
    from sandbox.cli.scenario_lint import verbs

    say(verbs(), nl=False)


def _answer_version(group: click.Group) -> None:
    """Add --version to every command."""
    for command in group.commands.values():
        click.version_option(__version__, prog_name="payer-sandbox", help="Show the version and exit.")(
            command
        )
        if isinstance(command, click.Group):
            _answer_version(command)


_answer_version(cli)

if __name__ == "__main__":
    main()
