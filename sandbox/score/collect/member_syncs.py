"""Observes the syncs of up to five members, the references in them, and `$everything`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sandbox.core.errors import UsageError
from sandbox.score.collect.sign_ins import Sessions
from sandbox.score.collect.sync import MemberSync, Syncer, TokenHolder, read_references
from sandbox.score.collect.target import TargetPayer
from sandbox.score.evidence import Exchange, Observation, Reason, seen, unseen
from sandbox.score.fhir.searches import SEARCHES
from sandbox.score.signin.patient_context import only_patient
from sandbox.score.signin.scopes import SCOPE
from sandbox.score.signin.tokens import Bearer

SYNCS = 5


def choose_members(target: TargetPayer, sessions: Sessions) -> list[TokenHolder]:
    """Choose five members with every line of business among them, or the one whose token was given.

    Raises UsageError when a token was given and nothing tells whose it is.
    """
    options = target.options
    if options.token:
        bearer = Bearer(options.token)
        target.http.secrets.add(options.token)
        return [TokenHolder(options.patient or _find_patient(target, bearer), SCOPE, bearer)]
    if target.app is None:
        return []
    usable = [(member, session) for member, session in sessions if session.usable]
    return [
        TokenHolder(session.patient, session.scope, target.app.bearer(session))
        for _, session in options.draw.choose_syncs(usable, SYNCS)
    ]


def _find_patient(target: TargetPayer, bearer: Bearer) -> str:
    """Return the one Patient that a token opens. Raises UsageError when it opens none, or several."""
    ids, exchange = only_patient(target.http, target.base, bearer)
    if exchange.status == 401:
        why = "the payer does not accept this token (Patient answered 401)"
        raise UsageError(f"{why}: pass another token; --patient does not help")
    if len(ids) != 1:
        what = f"answered {exchange.status or exchange.note}" if not ids else f"shows {len(ids)} patients"
        raise UsageError(f"cannot find out whose token this is (Patient {what}): pass --patient")
    return ids[0]


def sync_members(target: TargetPayer, holders: Sequence[TokenHolder], why_none: Reason) -> None:
    """Observe `sync`, `references` and `everything`. The machine's load is sampled between syncs."""
    observations, machine = target.observations, target.options.machine
    if not holders:
        for name in ("sync", "references", "everything"):
            observations[name] = unseen(why_none)
        return
    offer, syncs, in_vain = target.discovery.offer(), list[MemberSync](), False
    if target.options.every_type:
        offer = replace(offer, searched=frozenset(SEARCHES), patient="search")
    machine.sample()
    for number, holder in enumerate(holders, 1):
        target.progress(f"sync {number} of {len(holders)}")
        target.watch.member(holder.patient)
        scope = SCOPE if target.options.every_type else holder.scope
        syncs.append(Syncer(target, holder, offer).run(scope, everything=not in_vain))
        in_vain = in_vain or bool(syncs[-1].everything and syncs[-1].everything.in_vain)
        machine.sample()
    observations["machine"] = seen(machine.to_value())
    renewals = [exchange for holder in holders for exchange in holder.bearer.exchanges]
    exchanges = [exchange for sync in syncs for exchange in sync.exchanges]
    observations["sync"] = seen({"members": [sync.to_value() for sync in syncs]}, exchanges + renewals)
    target.progress("references")
    observations["references"] = _references(target, holders, syncs)
    observations["everything"] = _everything(syncs)


def _everything(syncs: Sequence[MemberSync]) -> Observation:
    """Return what each `$everything` gave. `exchange` is the place of its last page."""
    value: list[dict[str, Any]] = []
    exchanges: list[Exchange] = []
    for sync in syncs:
        if sync.everything:
            exchanges += sync.everything_exchanges
            value.append({**sync.to_value()["everything"], "exchange": len(exchanges) - 1})
    return seen(value, exchanges)


def _references(
    target: TargetPayer, holders: Sequence[TokenHolder], syncs: Sequence[MemberSync]
) -> Observation:
    """Value: `{"read", "resolved", "tries", "tries_resolved", "failures": {"<status> <type>": n}}`."""
    exchanges: list[Exchange] = []
    failures: Counter[str] = Counter()
    for holder, sync in zip(holders, syncs, strict=True):
        unresolved, reads = read_references(target, sync.references, holder.bearer)
        failures += unresolved
        exchanges += reads
    read = sum(len(sync.references) for sync in syncs)
    value = {
        "read": read,
        "resolved": read - failures.total(),
        "tries": len(exchanges),
        "tries_resolved": sum(exchange.status == 200 for exchange in exchanges),
        "failures": dict(failures),
    }
    return seen(value, exchanges)
