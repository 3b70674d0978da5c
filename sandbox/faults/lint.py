"""Mistakes in valid scenarios: rules that never apply, and addresses that may exist on a real network.

A test records what the server knows at each gate and compares it with the tables below.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from sandbox.core.gates import Stage
from sandbox.faults.places import PLACES, is_at
from sandbox.faults.scenario import Rule, When
from sandbox.fhir.schema.types import TYPES

AT_GATE: Mapping[Stage, frozenset[str]] = {
    Stage.REQUEST: frozenset({"resource", "client", "grant_type"}),
    Stage.AUTHORIZE: frozenset({"client", "member"}),
    Stage.ID_TOKEN: frozenset({"client", "member", "grant_type"}),
    Stage.TOKEN: frozenset({"client", "member", "grant_type"}),
    Stage.READ: frozenset({"client", "member", "resource"}),
    Stage.QUERY: frozenset({"client", "member", "resource", "page"}),
    Stage.RESOURCE: frozenset({"client", "member", "resource", "page"}),
    Stage.BUNDLE: frozenset({"client", "member", "resource", "page"}),
    Stage.RESPONSE: frozenset({"client", "member", "resource", "page", "grant_type"}),
}
"""What is known of a request at each gate, besides method, path and query parameters."""

_PLACES: Mapping[Stage, str] = {
    Stage.AUTHORIZE: "sign-in",
    Stage.ID_TOKEN: "token",
    Stage.TOKEN: "token",
    **dict.fromkeys((Stage.READ, Stage.QUERY, Stage.RESOURCE, Stage.BUNDLE), "fhir"),
}
"""The requests that pass a gate; every request passes the first and the last."""

_METHODS: Mapping[Stage, frozenset[str]] = {
    Stage.AUTHORIZE: frozenset({"GET", "HEAD", "POST"}),
    Stage.ID_TOKEN: frozenset({"POST"}),
    Stage.TOKEN: frozenset({"POST"}),
    **dict.fromkeys(
        (Stage.READ, Stage.QUERY, Stage.RESOURCE, Stage.BUNDLE), frozenset({"GET", "HEAD", "POST"})
    ),
}
_ALL_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_GRANTS = ("authorization_code", "refresh_token", "client_credentials")


def find_idle(rule: Rule) -> Iterator[str]:
    """Yield each reason why a rule never applies, in one line; nothing if it can apply."""
    when, stage, verb = rule.when, rule.then.stage, rule.then.do
    for key in ("client", "member", "resource", "page", "grant_type"):
        if getattr(when, key) is not None and key not in AT_GATE[stage]:
            yield f"when.{key}: is not known yet at the {stage.name.lower()} gate, where {verb} applies"
    allowed = _METHODS.get(stage, _ALL_METHODS)
    if when.method is not None and when.method.upper() not in allowed:
        yield f"when.method: the {stage.name.lower()} gate sees only {', '.join(sorted(allowed))}"
    if when.path is not None and (reason := _invalid_path(when.path)):
        yield f"when.path: {reason}"
    else:
        yield from _idle_path(rule)
    yield from _idle_values(when, stage)
    if isinstance(when.status, int | str) and not any(map(when.matches_status, rule.then.statuses)):
        statuses = rule.then.statuses
        yield f"when.status: {verb} changes only responses of status {statuses.start} to {statuses.stop - 1}"
    for name in ("type", "types", "targets"):
        value = getattr(rule.then, name, None)
        for kind in [value] if isinstance(value, str) else value or ():
            if kind not in TYPES:
                yield f"then.{name}: there is no resource type {kind!r} here"
    if reason := rule.then.idle():
        yield f"then: {reason}"


def _invalid_path(path: str) -> str:
    if not path.startswith(("/", "*", "[", "?")) or is_at("scenario", path):
        return f"a path is below the payer's prefix, such as {PLACES['fhir'][0]}"
    if re.search(r"\?[\w.:-]+=", path):
        return "a path has no query parameters: use when.param"
    return "calls of the control API pass no gate" if is_at("control", path) else ""


def _idle_path(rule: Rule) -> Iterator[str]:
    when, stage = rule.when, rule.then.stage
    places = [("the gate is", _PLACES.get(stage, "any")), (f"{rule.then.do} applies", rule.then.place)]
    if when.resource is not None or when.page is not None:
        places.append((f"when.{'page' if when.resource is None else 'resource'} is known", "fhir"))
    if when.grant_type is not None:
        places.append(("when.grant_type is known", "token"))
    if when.client is not None and stage is Stage.REQUEST:
        places.append(("when.client is known before the response", "authorization"))
    conditions = [(what, PLACES[place]) for what, place in places]
    for number, (what, paths) in enumerate(conditions):
        others = conditions[:number] + ([("when.path is", [when.path])] if when.path is not None else [])
        for name, globs in others:
            if not any(_overlap(a, b) for a in paths for b in globs):
                yield f"when.path: {what} only at {', '.join(paths)}, and {name} at {', '.join(globs)}"
                return


def _overlap(first: str, second: str) -> bool:
    """Return whether a path may match both globs, by their literal beginnings.

    A glob without wildcards is a path: it must match the other glob.
    """
    heads = [re.split(r"[*?\[]", glob)[0] for glob in (first, second)]
    if first == heads[0]:
        return fnmatchcase(first, second)
    if second == heads[1]:
        return fnmatchcase(second, first)
    return heads[0].startswith(heads[1]) or heads[1].startswith(heads[0])


def _idle_values(when: When, stage: Stage) -> Iterator[str]:
    if when.param is not None:
        if stage in (Stage.ID_TOKEN, Stage.TOKEN):
            yield "when.param: a token call has a form and no query parameters: use grant_type"
        if when.param.partition("=")[0] == when.lacks:
            yield "when.lacks: when.param requires the same parameter"
    if when.resource is not None:
        types = {*TYPES, "CapabilityStatement"} if stage is Stage.RESOURCE else set(TYPES)
        must_exist = stage in (Stage.READ, Stage.QUERY, Stage.RESOURCE, Stage.BUNDLE)
        if (must_exist and when.resource not in types) or not when.resource[:1].isupper():
            yield f"when.resource: there is no resource type {when.resource!r} here"
    if when.grant_type is not None and stage is not Stage.REQUEST and when.grant_type not in _GRANTS:
        yield f"when.grant_type: this payer supports {', '.join(_GRANTS)}"
    if when.window is not None and (reason := when.window.idle()):
        yield f"when.window: {reason}"
    # The first number that `after` and `every` allow, or the only one that `nth` does.
    step, least = when.every or 1, (when.after or 0) + 1
    number = when.nth if when.nth is not None else -(-least // step) * step
    if number < least or number % step or (when.first is not None and number > when.first):
        yield "when: nth, every, first and after select no request together"


_NETWORKS = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32", "127.0.0.0/8", "::1/128",
    )
]  # fmt: skip
"""Networks reserved for documentation (RFC 5737, RFC 3849), and loopback."""
_NAMES = (
    "example", "invalid", "test", "localhost", "example.com", "example.net", "example.org",
    "hl7.org", "loinc.org", "snomed.info", "nlm.nih.gov", "ama-assn.org", "ada.org", "nubc.org", "nucc.org",
    "ncpdp.org", "x12.org", "cms.gov", "cdc.gov", "unitsofmeasure.org",
)  # fmt: skip
"""Names reserved by RFC 2606, and owners of code systems and profiles, whose URLs are only names."""
_URL = re.compile(r"\b(?:https?|wss?)://(\[[0-9A-Fa-f:.]+\]|[^\s/:?#\"'<>\])},;|]+)")
_IPV4 = re.compile(r"(?<![\w.-])\d{1,3}(?:\.\d{1,3}){3}(?![\w-]|\.\d)")


def find_real_hosts(value: Any) -> Iterator[str]:
    """Yield the hosts in a text or structure that may exist, where an app would send its token.

    Hosts are in URLs, in the values of keys `host`, and in every IPv4 address.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            is_host = key == "host" and isinstance(inner, str)
            yield from find_real_hosts(f"http://{inner}" if is_host else inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from find_real_hosts(inner)
    elif isinstance(value, str):
        urls = [host.rpartition("@")[2] for host in _URL.findall(value)]
        hosts = dict.fromkeys([*urls, *_IPV4.findall(value)])
        yield from (host for host in hosts if not is_reserved(host))


def is_reserved(host: str) -> bool:
    """Return whether a host is reserved, on this machine, or part of a name that is no address."""
    host = host.strip("[]").rstrip(".").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return any(host == name or host.endswith(f".{name}") for name in _NAMES)
    return any(address in network for network in _NETWORKS)
