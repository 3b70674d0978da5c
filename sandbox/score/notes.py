"""What the person who grades must know of an examination before believing its card."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sandbox.core.text import quantity
from sandbox.score.card import CardLine
from sandbox.score.collect.machine_load import is_busy, share_of_processor
from sandbox.score.evidence import Evidence
from sandbox.score.findings import readable

MOST_PAGES = 8
"""Pages of a sign-in that are told."""


def find_notes(lines: Sequence[CardLine], evidence: Evidence) -> tuple[str, ...]:
    """One line each."""
    return tuple(readable(note) for note in (*_unwalked(evidence), *_slowness(lines, evidence)))


def _slowness(lines: Sequence[CardLine], evidence: Evidence) -> Iterator[str]:
    speed = next((line for line in lines if line.id == "sync-speed"), None)
    if speed is not None and speed.lost and speed.source == "observed" and is_busy(evidence):
        share = round(100 * share_of_processor(evidence))
        yield (
            f"This machine was busy while the syncs were timed: the grader got {share} % of a processor when"
            " it needed one. sync-speed may be better than measured; grade again on a machine that is idle."
        )


def _unwalked(evidence: Evidence) -> Iterator[str]:
    """Sign-ins that the grader could not walk, and what it saw and did on the pages of the first."""
    value = evidence["unwalked"].value
    if not value:
        return
    why = "; ".join(value["reasons"])
    yield (
        f"{quantity(value['count'], 'sign-in')} could not be walked by the grader, which says nothing about"
        f" the payer, and {'counts' if value['count'] == 1 else 'count'} in no rate: {why}."
        " Sign in yourself with --browser, drive the pages with --sign-in-script, or pass --token."
    )
    for number, page in enumerate(value["trace"][:MOST_PAGES], 1):
        title = f' "{page["title"]}"' if page["title"] else ""
        shown = f" shows {' | '.join(page['forms'])};" if page["forms"] else ""
        yield f"Page {number}: {page['page']} ({page['status']}){title}{shown} {', '.join(page['did'])}"
