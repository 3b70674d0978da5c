"""What is looked at so that a score can be believed: the locks, and the answers under another name."""

from __future__ import annotations

from collections.abc import Sequence

from sandbox.score import second_look
from sandbox.score.client import Client
from sandbox.score.evidence import Observation, Reason, unseen
from sandbox.score.facts import Facts, Member
from sandbox.score.probes import Door
from sandbox.score.probing import run as locks
from sandbox.score.probing.records import Holder
from sandbox.score.roll import Given, Observations, Progress, Sessions


def verify(
    http: Client,
    base: str,
    given: Given,
    known: Facts,
    door: Door | None,
    sessions: Sessions,
    holders: Sequence[Holder],
    why_none: Reason,
    progress: Progress,
    found: Observations,
) -> None:
    """`holders` are the members who were synced. Adds the observations `second-look` and `locks`."""
    member = None if given.by_hand else _spare(sessions, holders)
    if not given.probes:
        found["second-look"] = unseen("no second look was taken: --no-probes")
        found["locks"] = unseen("no lock was tried: --no-probes")
        return
    progress("second look")
    signs_in = member if door is not None and door.driver is None else None
    found["second-look"] = second_look.look(http, base, holders, door, signs_in)
    found["locks"] = _locks(http, base, given, known, door, member, holders, why_none, progress)


def _locks(
    http: Client,
    base: str,
    given: Given,
    known: Facts,
    door: Door | None,
    member: Member | None,
    holders: Sequence[Holder],
    why_none: Reason,
    progress: Progress,
) -> Observation:
    """Attempts to break in, on this machine and in private networks, and abroad where it was asked for."""
    if not (given.intrusive or http.guard.target_is_private()):
        return unseen("locks are tried on a host abroad only with --intrusive")
    if not holders:
        return unseen(why_none)
    return locks.run(http, base, holders, door, member, known.instruments, progress)


def _spare(sessions: Sessions, holders: Sequence[Holder]) -> Member | None:
    """A member who signs in once more: the last who got in and was not synced, else the last who got in."""
    synced = {holder.patient for holder in holders}
    entered = [(member, session) for member, session in sessions if session.usable]
    others = [(member, session) for member, session in entered if session.patient not in synced]
    return (others or entered)[-1][0] if entered else None
