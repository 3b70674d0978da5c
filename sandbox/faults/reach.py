"""Whether a rule can ever act: what is known at each gate, where it stands, and what a verb changes.

A rule that is valid and never acts is a mistake that nobody notices, so `scenarios lint` tells it. A test
records what the server really knows at each gate and holds it against these tables.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from sandbox.core.gates import Stage
from sandbox.faults.scenario import Rule, When
from sandbox.fhir.schema.paths import TYPES

KNOWN: Mapping[Stage, frozenset[str]] = {
    Stage.REQUEST: frozenset({"resource", "client", "grant_type"}),
    Stage.AUTHORIZE: frozenset({"client", "member"}),
    Stage.TOKEN: frozenset({"client", "member", "grant_type"}),
    Stage.QUERY: frozenset({"client", "member", "resource", "page"}),
    Stage.RESOURCE: frozenset({"client", "member", "resource", "page"}),
    Stage.BUNDLE: frozenset({"client", "member", "resource", "page"}),
    Stage.RESPONSE: frozenset({"client", "member", "resource", "page", "grant_type"}),
}
"""What a gate knows of a request, beside method, path and the parameters of the address."""

SIGN_IN = ("/auth/authorize", "/auth/login", "/auth/pick", "/auth/consent")
PATHS: Mapping[Stage, tuple[str, ...]] = {
    Stage.AUTHORIZE: SIGN_IN,
    Stage.TOKEN: ("/auth/token",),
    Stage.QUERY: ("/fhir/*",),
    Stage.RESOURCE: ("/fhir/*",),
    Stage.BUNDLE: ("/fhir/*",),
}
"""The paths at which a gate stands; the first and the last stand at every one."""

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_METHODS: Mapping[Stage, frozenset[str]] = {
    Stage.AUTHORIZE: frozenset({"GET", "HEAD", "POST"}),
    Stage.TOKEN: frozenset({"POST"}),
    **dict.fromkeys((Stage.QUERY, Stage.RESOURCE, Stage.BUNDLE), frozenset({"GET", "HEAD", "POST"})),
}
GRANTS = ("authorization_code", "refresh_token", "client_credentials")
_OF_TYPES = ("type", "types", "targets")
"""Fields of verbs that hold resource types."""


def find_idle(rule: Rule) -> Iterator[str]:
    """Why a rule never acts, as one line for each reason; nothing when it can."""
    when, stage, verb = rule.when, rule.then.stage, rule.then.do
    for key in ("client", "member", "resource", "page", "grant_type"):
        if getattr(when, key) is not None and key not in KNOWN[stage]:
            yield f"when.{key}: is not known yet at the {stage.name.lower()} gate, where {verb} acts"
    yield from _idle_method(when, stage)
    yield from _idle_path(rule)
    yield from _idle_values(when, stage)
    yield from _idle_counts(when)
    if isinstance(when.status, int | str) and not _statuses(when.status) & set(rule.then.statuses):
        acts = rule.then.statuses
        yield f"when.status: {verb} changes only answers of status {acts.start} to {acts.stop - 1}"
    for name in _OF_TYPES:
        written = getattr(rule.then, name, None)
        for kind in [written] if isinstance(written, str) else written or ():
            if kind not in TYPES:
                yield f"then.{name}: there is no resource type {kind!r} here"
    if reason := rule.then.idle():
        yield f"then: {reason}"


def _idle_method(when: When, stage: Stage) -> Iterator[str]:
    allowed = _METHODS.get(stage, METHODS)
    if when.method is not None and when.method.upper() not in allowed:
        yield f"when.method: the {stage.name.lower()} gate only meets {', '.join(sorted(allowed))}"


def _idle_path(rule: Rule) -> Iterator[str]:
    when, stage = rule.when, rule.then.stage
    path = when.path
    if path is not None and (not path.startswith(("/", "*", "[", "?")) or path.startswith("/s/")):
        yield "when.path: paths are those below the payer's prefix, such as /fhir/*"
        return
    if path is not None and re.search(r"\?[\w.:-]+=", path):
        yield "when.path: a path has no parameters: use when.param"
        return
    if path is not None and path.startswith("/_sandbox"):
        yield "when.path: calls of the control API pass no gate"
        return
    places = [("the gate stands", PATHS.get(stage, ("/*",))), (f"{rule.then.do} acts", rule.then.paths)]
    if when.resource is not None or when.page is not None:
        places.append((f"when.{'page' if when.resource is None else 'resource'} is known", ("/fhir/*",)))
    if when.grant_type is not None:
        places.append(("when.grant_type is known", ("/auth/token",)))
    if when.client is not None and stage is Stage.REQUEST:
        places.append(("when.client is known before the request is answered", ("/auth/*",)))
    for number, (what, paths) in enumerate(places):
        others = places[:number] + ([("when.path", (path,))] if path is not None else [])
        for name, other in others:
            if not any(_meet(a, b) for a in paths for b in other):
                yield f"when.path: {what} only at {', '.join(paths)}, and {name} at {', '.join(other)}"
                return


def _meet(one: str, other: str) -> bool:
    """Whether a path may fit both globs: literal beginnings must agree, and a path without signs must fit
    the other glob."""
    heads = [re.split(r"[*?\[]", glob)[0] for glob in (one, other)]
    for glob, head, against in ((one, heads[0], other), (other, heads[1], one)):
        if glob == head:
            return fnmatchcase(glob, against)
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def _idle_values(when: When, stage: Stage) -> Iterator[str]:
    if when.param is not None:
        if stage is Stage.TOKEN:
            yield "when.param: a token call has a form, and no parameters in its address: use grant_type"
        if when.param.partition("=")[0] == when.lacks:
            yield "when.lacks: the same parameter must be there by when.param"
    if when.resource is not None:
        shown = {*TYPES, "CapabilityStatement"} if stage is Stage.RESOURCE else set(TYPES)
        closed = stage in (Stage.QUERY, Stage.RESOURCE, Stage.BUNDLE)
        if (closed and when.resource not in shown) or not when.resource[:1].isupper():
            yield f"when.resource: there is no resource type {when.resource!r} here"
    if when.grant_type is not None and stage is not Stage.REQUEST and when.grant_type not in GRANTS:
        yield f"when.grant_type: this payer knows {', '.join(GRANTS)}"
    if when.window is not None and (reason := when.window.never()):
        yield f"when.window: {reason}"


def _idle_counts(when: When) -> Iterator[str]:
    """Counting keys that no number satisfies."""
    low = (when.after or 0) + 1
    high = when.first
    step = when.every or 1
    number = when.nth if when.nth is not None else -(-low // step) * step
    if number < low or number % step or (high is not None and number > high):
        yield "when: no request is counted by nth, every, first and after together"


def _statuses(status: int | str) -> set[int]:
    if isinstance(status, int):
        return {status}
    return set(range(int(status[0]) * 100, int(status[0]) * 100 + 100))
