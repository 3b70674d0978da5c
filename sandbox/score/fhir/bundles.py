"""Reads FHIR Bundles and references as an app does (FHIR R4 §3.1.1, §2.3.0)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sandbox.core.urls import canonical_url, join_url
from sandbox.score.http.answers import HttpAnswer, objects
from sandbox.score.http.guard import origin

_LITERAL = re.compile(r"([A-Z]\w*/[A-Za-z0-9\-.]{1,64})(?:/_history/[A-Za-z0-9\-.]{1,64})?")
_PATIENT = re.compile(r"(?:^|/)Patient/([A-Za-z0-9\-.]{1,64})(?:/_history/[^/?#]*)?/?(?:[?#].*)?\Z")
_VERSION = re.compile(r"/_history(?:/[^/]*)?\Z")
_SUBJECTS = ("patient", "subject", "beneficiary")


@dataclass(frozen=True)
class BundlePage:
    """One page of a Bundle: its resources, how many of them matched, and the URL of the next page.

    `urls` are the addresses (`fullUrl`) of its entries.
    """

    resources: tuple[dict[str, Any], ...]
    matches: int
    next: str
    readable: bool = True
    total: int | None = None
    match_keys: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()


def page(answer: HttpAnswer) -> BundlePage:
    """Read an answer as a page. Anything but a Bundle is an unreadable, empty last page."""
    body = answer.json()
    if body.get("resourceType") != "Bundle":
        return BundlePage((), 0, "", readable=False)
    resources, matched, urls = [], [], []
    for entry in objects(body.get("entry")):
        resource, search = entry.get("resource"), entry.get("search")
        if isinstance(resource, dict) and resource.get("resourceType") != "OperationOutcome":
            resources.append(resource)
            if isinstance(entry.get("fullUrl"), str):
                urls.append(entry["fullUrl"])
            mode = search.get("mode", "match") if isinstance(search, dict) else "match"
            if mode == "match":
                matched.append(key_of(resource))
    total = body.get("total") if type(body.get("total")) is int else None
    keys = tuple(key for key in matched if key)
    return BundlePage(tuple(resources), len(matched), _next(answer.url, body), True, total, keys, tuple(urls))


def single(answer: HttpAnswer) -> BundlePage:
    """Read an answer that is one resource as a page."""
    body = answer.json()
    key = key_of(body)
    if not key or body["resourceType"] in ("Bundle", "OperationOutcome"):
        return BundlePage((), 0, "", readable=False)
    return BundlePage((body,), 1, "", True, None, (key,), (answer.url,))


def flaw(answer: HttpAnswer) -> str:
    """Return what is wrong with the body of a 200: no FHIR resource, or an OperationOutcome of an error."""
    if answer.status != 200:
        return ""
    body = answer.json()
    if not body.get("resourceType"):
        return "the body is not a readable FHIR resource"
    if body["resourceType"] != "OperationOutcome":
        return ""
    severe = any(issue.get("severity") in ("error", "fatal") for issue in objects(body.get("issue")))
    return "the body is an OperationOutcome with an error" if severe else ""


def key_of(resource: dict[str, Any]) -> str:
    """Return `Type/id`; empty without an id."""
    kind, name = resource.get("resourceType"), resource.get("id")
    return f"{kind}/{name}" if isinstance(kind, str) and isinstance(name, str) else ""


def is_about_another(resource: dict[str, Any], patient: str) -> bool:
    """Return whether a resource names another patient and not this one."""
    references = [
        resource[name].get("reference") for name in _SUBJECTS if isinstance(resource.get(name), dict)
    ]
    named = [match[1] for text in references if isinstance(text, str) and (match := _PATIENT.search(text))]
    return bool(named) and patient not in named


def references_in(resource: dict[str, Any]) -> list[str]:
    """Return every `Reference.reference` inside a resource, as it is written."""
    references: list[str] = []
    waiting: list[Any] = [resource]
    while waiting:  # not recursive: a stranger decides how deep it is nested
        here = waiting.pop()
        if type(here) is list:
            waiting += [value for value in here if type(value) is dict or type(value) is list]
            continue
        for name, value in here.items():
            kind = type(value)
            if kind is str:
                if name == "reference":
                    references.append(value)
            elif kind is dict or kind is list:
                waiting.append(value)
    return references


def literal(references: Iterable[str]) -> set[str]:
    """Return the references that can be requested: no fragments and no urn:."""
    return {text for text in references if text and not text.startswith(("#", "urn:"))}


def normal(reference: str, base: str, *names: str) -> str:
    """Return a reference to this server as `Type/id`, with `/_history/version` if it names one.

    Any other reference stays as it is. `names` are other addresses of the same base.
    """
    bare = cut(reference)
    if "://" in bare:
        bare = next((below for name in (base, *names) if (below := _below(bare, name))), bare)
    return bare if _LITERAL.fullmatch(bare) else reference


def target(reference: str) -> str:
    """Return the resource that a normal reference names, without its version."""
    match = _LITERAL.fullmatch(reference)
    return str(match[1]) if match else reference


def place(url: str, base: str) -> str:
    """Return an address of a resource in a canonical form without a version, for comparison only."""
    absolute = _VERSION.sub("", cut(join_url(f"{base}/", url)))
    origin_of = origin(canonical_url(absolute))
    return f"{origin_of} {_path(absolute)}" if origin_of else absolute


def cut(reference: str) -> str:
    """Return a reference without its query, its fragment and slashes at its end."""
    return reference.partition("#")[0].partition("?")[0].rstrip("/")


def address(reference: str, base: str) -> str:
    """Return the URL of a normal reference."""
    return join_url(f"{base}/", reference)


def type_of(reference: str) -> str:
    """Return the resource type that a reference names; `other` for none, never a piece of its text."""
    kinds = re.findall(r"(?:^|/)([A-Z][A-Za-z]+)[/?]", reference)
    return str(kinds[-1]) if kinds else "other"


def _below(url: str, base: str) -> str:
    """Return what follows the base in a URL of the same origin; empty when it is not below it."""
    above, here = _path(base.rstrip("/")) + "/", _path(url)
    same = origin(canonical_url(url)) == origin(canonical_url(base)) is not None
    return here[len(above) :] if same and here.startswith(above) else ""


def _path(url: str) -> str:
    """Return the path of an absolute URL, from its first slash."""
    return "/" + "/".join(url.split("/")[3:]) if url.count("/") > 2 else ""


def _next(url: str, body: dict[str, Any]) -> str:
    links = (link.get("url") for link in objects(body.get("link")) if link.get("relation") == "next")
    return next((join_url(url, link) for link in links if isinstance(link, str)), "")
