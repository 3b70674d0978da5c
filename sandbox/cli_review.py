"""`review`: the report card of an app, from a running payer's journal or a saved one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from sandbox.review.card import Card
    from sandbox.review.exchange import Exchange

FORMS = ("text", "json", "markdown", "junit")
ENTRIES_MOST = 10_000
_SELECTION = re.compile(r"[~,]|\.[A-Za-z]")


@click.command()
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@click.option("--url", help="The sandbox, without /fhir.  [default: this machine, PAYER_SANDBOX_PORT]")
@click.option("--client", metavar="ID", help="The app, where several share the session.")
@click.option("--format", "shape", type=click.Choice(FORMS), default="text", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write to a file.")
def review(
    sessions: tuple[str, ...], url: str | None, client: str | None, shape: str, out: Path | None
) -> int:
    """Judge an app by the journal it left: how it signed in, refreshed, paged, waited and coped.

    SESSION is a session (t7), a selection (rate-limited~t7), an address, or a file that `journal --json`
    wrote; several are judged as one. Without any, the default payer. Exit 1 when a row fails.
    """
    from sandbox.review.card import review as judged

    found: list[Exchange] = []
    now: float | None = None
    for session in sessions or ("",):
        entries, now = _entries(session, url)
        found += entries
    names = ", ".join(sessions) or "the default payer"
    card = judged(found, now if len(sessions) < 2 else None, client, names)
    _tell(card, shape, out)
    return 1 if card.failed else 0


def _entries(session: str, url: str | None) -> tuple[tuple[Exchange, ...], float | None]:
    """The exchanges of a session, and the payer's time where it can be asked."""
    from sandbox.remote import Remote, prefix
    from sandbox.review import exchange
    from sandbox.settings import from_env

    if "://" not in session and (file := Path(session)).is_file():
        return exchange.read(file), None
    settings = from_env()
    if "://" in session:
        base = prefix(settings, session)
    else:
        origin = Remote(prefix(settings, url), settings.control_key)
        base = prefix(settings, url, _selection(session, origin) if session else None)
    remote = Remote(base, settings.control_key)
    return exchange.exchanges(remote.journal(ENTRIES_MOST), base), exchange.instant(remote.clock())


def _selection(session: str, remote: Any) -> str:
    """A bare word is a session of the default payer, unless a scenario has that name."""
    if _SELECTION.search(session):
        return session
    known = {scenario["id"] for scenario in remote.call("GET", "scenarios")["scenarios"]}
    return session if session in known else f"~{session}"


def _tell(card: Card, shape: str, out: Path | None) -> None:
    from sandbox.review import forms

    if out is not None:
        try:
            out.write_text(forms.render(card, shape), encoding="utf-8")
        except OSError as problem:
            raise click.UsageError(f"{out}: {problem.strerror}") from None
        click.echo(f"{forms.summary(card)}  {out}")
    elif shape == "text" and sys.stdout.isatty():
        from rich.console import Console

        from sandbox.review.forms import text

        Console().print(text.shown(card))
    else:
        click.echo(forms.render(card, shape), nl=False)
