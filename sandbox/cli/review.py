"""`review`: the report card of a client app, from the journal of a running payer or a saved one."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sandbox.cli.options import json_format_option, url_option
from sandbox.core.errors import UsageError
from sandbox.core.text import say

if TYPE_CHECKING:
    from sandbox.apis.control.client import Remote
    from sandbox.review.card import ReviewCard, ReviewRecord

FORMS = ("text", "json", "markdown", "junit")
ENTRIES_MOST = 10_000
_SELECTION = r"[~,]|\.[A-Za-z]"


@click.command()
@click.argument("sessions", nargs=-1, metavar="[SESSION]...")
@url_option
@click.option("--client", metavar="ID", help="Client id of the app, when several share the session.")
@click.option(
    "--format",
    "shape",
    type=click.Choice(FORMS),
    default="text",
    show_default=True,
    help="Format of the card.",
)
@json_format_option
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write the card to a file.")
def review(
    sessions: tuple[str, ...],
    url: str | None,
    client: str | None,
    shape: str,
    as_json: bool,
    out: Path | None,
) -> int:
    """Grade a client app by its requests in the journal.

    The card shows how the app signed in, refreshed, paged, waited and handled errors.

    SESSION is a session with all its scenarios (t7), a scenario in a session (rate-limited~t7), a URL, or a
    file that `journal --json` wrote. Several sessions make one card. Without SESSION, the default payer is
    used. Exits with code 1 when a row fails.
    """
    from sandbox.review.card import review as judged

    records = [record for session in sessions or ("",) for record in _records(session, url)]
    card = judged(records, client, ", ".join(sessions) or records[0].source)
    _tell(card, "json" if as_json else shape, out)
    return 1 if card.failed else 0


def _records(session: str, url: str | None) -> list[ReviewRecord]:
    """The journals that an argument names. Raises UsageError for one where nothing was asked."""
    from sandbox.apis.control.client import Remote, prefix
    from sandbox.review import journal
    from sandbox.review.card import ReviewRecord
    from sandbox.settings import from_env

    if "://" not in session and (file := Path(session)).is_file():
        return _check_asked([ReviewRecord(journal.read(file), source=session)])
    settings = from_env()
    if "://" in session:
        bases = [prefix(settings, session)]
    else:
        origin = prefix(settings, url)
        chosen = _payers(session, Remote(origin, settings.control_key)) if session else [""]
        bases = [prefix(settings, url, payer) for payer in chosen]
    records = []
    for base in bases:
        remote = Remote(base, settings.control_key)
        entries = journal.exchanges(remote.journal(ENTRIES_MOST), base)
        records.append(ReviewRecord(entries, journal.instant(remote.clock()), base))
    return _check_asked(records)


def _check_asked(records: list[ReviewRecord]) -> list[ReviewRecord]:
    if not any(record.exchanges for record in records):
        raise UsageError(f"no app has sent a request to {', '.join(record.source for record in records)} yet")
    return records


def _payers(session: str, origin: Remote) -> list[str]:
    """Return the selections that a word names: itself, those used in a session, or a scenario."""
    if re.search(_SELECTION, session):
        return [session]
    from urllib.parse import quote

    used: list[str] = origin.call("GET", f"sessions/{quote(session, safe='')}")["payers"]
    if used:
        return used
    if session in {scenario["id"] for scenario in origin.call("GET", "scenarios")["scenarios"]}:
        return [session]
    raise UsageError(f"session {session!r} has no requests, and no scenario or file has that name")


def _tell(card: ReviewCard, shape: str, out: Path | None) -> None:
    from sandbox.review import forms

    if out is not None:
        from sandbox.core.files import write_whole

        write_whole(out, forms.render(card, shape).encode())
        say(f"{forms.summary(card)}  {out}")
    elif shape == "text" and sys.stdout.isatty():
        from rich.console import Console

        from sandbox.review.forms import text

        Console().print(text.shown(card))
    else:
        say(forms.render(card, shape), nl=False)
