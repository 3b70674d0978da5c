"""The command line. Each command imports what it needs when it runs, so `--help` is instant."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from sandbox import __version__
from sandbox.core.errors import UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="payer-sandbox")
def cli() -> None:
    """A US health payer in a box, and a grader for real ones."""


def main() -> None:
    """The console command: wrong usage and unreadable input are one line and exit code 2."""
    try:
        code = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.UsageError as problem:
        _fail(problem.format_message(), problem.ctx)
    except (UsageError, click.ClickException) as problem:
        _fail(str(problem), None)
    except BrokenPipeError:
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, context: click.Context | None) -> None:
    name = context.command_path if context else "payer-sandbox"
    click.echo(f"{name}: {message}", err=True)
    sys.exit(2)


def _settings(**given: Any) -> Any:
    from sandbox.settings import from_env

    return from_env(**given)


def _progress(total: int, what: str) -> Callable[[int], None]:
    """Counts on a terminal, is quiet in a pipe."""
    if not sys.stderr.isatty():
        return lambda done: None

    def show(done: int) -> None:
        if done % 10 == 0 or done >= total:
            end = "\n" if done >= total else ""
            click.echo(f"\r{what}: {done} of {total} members", err=True, nl=False)
            click.echo(end, err=True, nl=False)

    return show


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
@click.option("--scenario", help="Scenario of the default payer.  [default: baseline]")
@_with(population)
@click.option("--data", help="Serve a folder of NDJSON files or Bundles instead.")
@click.option("--skip-bad", is_flag=True, default=None, help="Leave bad lines of that folder out.")
@click.option("--store", help="Folder (or postgresql://…) that keeps library and ledger.")
@click.option("--workers", type=click.IntRange(1, 64), help="Worker processes.  [default: 1]")
@click.option("--tls", is_flag=True, default=None, help="Serve https, with a certificate made here.")
@click.option("--tls-cert", help="Serve https with this certificate chain (PEM).")
@click.option("--tls-key", help="The private key of that certificate (PEM).")
def serve(**given: Any) -> None:
    """Run the payer."""
    from sandbox.serving import serve as run

    settings = _settings(**given)
    run(settings, _progress(settings.members, "building the population"), lambda text: click.echo(text))


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
    """Make synthetic members: NDJSON, one file a resource type, and an index as CSV; or a ready store."""
    if (out is None) == (store is None):
        raise click.UsageError("say where to: either --out FOLDER or --store FOLDER")
    if store is not None and zipped:
        raise click.UsageError("--gzip goes with --out")
    if store == "":
        raise click.UsageError("--store is empty")
    from os import cpu_count

    from sandbox.production import produce, stock
    from sandbox.serving import anchor_day
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
    click.echo(f"{where}: {counts.pop('members', 0)} members, seed {settings.seed}, around {day}")
    for kind, count in sorted(counts.items()):
        click.echo(f"  {kind:<22}{count:>9,}")


@cli.command()
@click.argument("url")
@click.option("--edition", default="2025-05", show_default=True, help="The rubric's edition.")
@click.option("--facts", type=click.Path(path_type=Path), help="Facts file of a payer that serves none.")
@click.option("--token", help="Grade with this access token instead of signing in.")
@click.option("--patient", help="Whose token it is, when it opens more than one record.")
@click.option("--format", "shape", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the card to a file.")
@click.option("--fail-under", type=click.FloatRange(0, 1000), help="Exit 1 when the score is below this.")
def score(url: str, shape: str, out: Path | None, fail_under: float | None, **given: Any) -> int:
    """Grade a payer's Patient Access API from outside."""
    if given["token"] == "":
        raise click.UsageError("--token is empty")
    if given["patient"] and given["token"] is None:
        raise click.UsageError("--patient goes with --token")
    if fail_under is not None and fail_under != fail_under:  # NaN is below nothing
        raise click.UsageError("--fail-under is a number")
    from sandbox.score.report import json_, text
    from sandbox.score.run import grade

    card, _ = grade(url, progress=_steps(), **given)
    body = json_.render(card) if shape == "json" else None
    if out is not None:
        content = body if body is not None else text.render(card).encode()
        try:
            out.write_bytes(content)
        except OSError as problem:
            raise UsageError(f"{out}: {problem.strerror or problem}") from None
        click.echo(f"{card.score}/{card.max}  {out}")
    elif body is not None:
        click.echo(body.decode(), nl=False)
    else:
        from rich.console import Console

        Console(width=None if sys.stdout.isatty() else 80).print(text.shown(card))
    return 1 if fail_under is not None and card.score < fail_under else 0


def _steps() -> Callable[[str], None]:
    """One changing line on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        return lambda step: None
    return lambda step: click.echo(f"\r\x1b[2K{step}", err=True, nl=False)


@cli.command()
@click.option("--member", required=True, help="Who signs in (see `members`).")
@click.option("--password", help="The member's password, when it is not one of the sandbox's own.")
@click.option("--url", help="The sandbox, without /fhir.  [default: this machine, PAYER_SANDBOX_PORT]")
@click.option("--scenario", help="Sign in to the payer of this scenario.")
@click.option("--scope", default="", help="Scopes to ask for.")
@click.option("--refresh", type=click.IntRange(0, 100), default=0, help="Refresh this many times first.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole session instead of the access token.")
def token(url: str | None, scenario: str | None, **given: Any) -> None:
    """Print an access token, without a browser."""
    from sandbox.connect import connect

    session = connect(_base(url, scenario), **{k: v for k, v in given.items() if k != "as_json"})
    if given["as_json"]:
        from sandbox.core.files import json_pretty

        click.echo(json_pretty(session).decode(), nl=False)
    else:
        click.echo(session["access_token"])


def _base(url: str | None, scenario: str | None) -> str:
    if url is None:
        settings = _settings()
        scheme = "https" if settings.tls else "http"
        url = f"{scheme}://{'127.0.0.1' if settings.host == '0.0.0.0' else settings.host}:{settings.port}"  # noqa: S104  only compared
    url = url.rstrip("/").removesuffix("/fhir")
    return f"{url}/s/{scenario}" if scenario else url


@cli.command()
@_with(population)
@click.option(
    "--csv", "as_csv", is_flag=True, help="Every login, with counts of resources and claims, as CSV."
)
def members(as_csv: bool, **given: Any) -> None:
    """List the named members: logins and what each is for."""
    import csv

    from sandbox.build import index_rows
    from sandbox.serving import anchor_day
    from sandbox.synth.spec import load_spec

    settings = _settings(**given)
    if as_csv:
        csv.writer(sys.stdout).writerows(index_rows(settings, anchor_day(settings)))
        return
    for who in load_spec(settings.fixtures).named:
        click.echo(f"{who.username:<17}{who.username + '-pass':<22}{who.role:<15}{who.purpose}")


@cli.group()
def scenarios() -> None:
    """The scenarios: list, show, lint, schema."""


@scenarios.command("list")
def list_scenarios() -> None:
    """Every scenario, one a line."""
    from sandbox.faults.catalog import load

    for scenario in load(_settings().scenarios).by_id.values():
        click.echo(f"{scenario.id:<26}{scenario.area:<14}{scenario.title}")


@scenarios.command("show")
@click.argument("id")
def show_scenario(id: str) -> None:
    """One scenario, as its file says it."""
    from sandbox.core.errors import NotFound
    from sandbox.core.files import read_text
    from sandbox.faults.catalog import load

    folder = _settings().scenarios
    try:
        found = load(folder).parse(id).scenarios[0]
    except NotFound as problem:
        raise UsageError(problem.text) from None
    click.echo(read_text(folder / f"{found.id}.yaml"), nl=False)


@scenarios.command("lint")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path, exists=True))
def lint_scenarios(paths: tuple[Path, ...]) -> int:
    """Check scenario files; with no PATH, all of ours. Exit 1 when something is wrong."""
    from sandbox.linting import lint

    files = [
        f for p in paths or [_settings().scenarios] for f in (sorted(p.glob("*.yaml")) if p.is_dir() else [p])
    ]
    complaints = [complaint for path in files for complaint in lint(path)]
    for complaint in complaints:
        click.echo(complaint)
    click.echo(f"{len(files)} scenarios, {len(complaints)} complaints")
    return 1 if complaints else 0


@scenarios.command("schema")
def scenario_schema() -> None:
    """The JSON Schema of a scenario file, for editors."""
    from sandbox.linting import schema

    click.echo(schema().decode(), nl=False)


def _call(method: str, url: str, path: str, body: object = None) -> Any:
    """One call of the control API. Raises UsageError with what it said."""
    import httpx

    key = _settings().control_key
    headers = {"X-Sandbox-Key": key} if key else {}
    try:
        answer = httpx.request(method, f"{url}/_sandbox/{path}", json=body, headers=headers, timeout=30)
        said = answer.json()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise UsageError(f"{url} cannot be reached: {problem}") from None
    except ValueError:
        raise UsageError(f"{url} is not a payer sandbox") from None
    if answer.status_code != 200:
        raise UsageError(said.get("message") or f"{url} answered {answer.status_code}")
    return said


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
    body = {"advance": advance} if advance else {"set": to} if to else None
    said = _call("POST" if body else "GET", _base(url, scenario), "clock", body)
    click.echo(said["now"])


@cli.command()
@_with(where)
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True)
def journal(url: str | None, scenario: str | None, limit: int) -> None:
    """The latest exchanges of a payer, one a line."""
    for entry in _call("GET", _base(url, scenario), f"journal?limit={limit}")["entries"]:
        fired = ", ".join(entry["effects"])
        click.echo(f"{entry['at']}  {entry['status']}  {entry['method']:<5}{entry['path']}  {fired}".rstrip())


@cli.command()
@_with(where)
def reset(url: str | None, scenario: str | None) -> None:
    """Forget a payer's tokens, opt-ins, counters, journal and clock."""
    click.echo(f"reset {_call('POST', _base(url, scenario), 'reset')['reset']}")


if __name__ == "__main__":
    main()
