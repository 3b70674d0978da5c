"""Rules about search results (links, totals, duplicates) and about references."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from sandbox.core.urls import canonical_url
from sandbox.score.fhir.bundles import BundlePage
from sandbox.score.http.answers import objects, word
from sandbox.score.http.guard import Origin, origin


def page(body: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Check one Bundle. Yields (rule, text)."""
    if not any(link.get("relation") == "self" for link in objects(body.get("link"))):
        yield "bundle-self", "no self link"
    urls = [word(entry.get("fullUrl") or "") for entry in objects(body.get("entry")) if "resource" in entry]
    if any(not url for url in urls):
        yield "bundle-full-url", "an entry has no fullUrl"
    if any(count > 1 for url, count in Counter(urls).items() if url):
        yield "bundle-full-url", "a fullUrl appears twice on one page"


def walk(pages: Sequence[BundlePage], unbroken: bool, note: str) -> Iterator[tuple[str, str]]:
    """Check all pages of one search, in order."""
    keys = [key for page in pages for key in page.match_keys]
    if len(keys) != len(set(keys)):
        yield "bundle-duplicate", "a match was returned more than once"
    totals = {page.total for page in pages} - {None}
    if len(totals) > 1:
        yield "bundle-total", "total changes from page to page"
    elif unbroken and totals and totals != {len(set(keys))}:
        total = totals.pop() or 0
        yield (
            "bundle-total",
            f"total is {'more' if total > len(set(keys)) else 'less'} than the number of resources returned",
        )
    if not unbroken and ("never end" in note or "not asked" in note):
        yield "bundle-links", note.removeprefix("not asked: ")


def references(
    resource: dict[str, Any], here: Collection[Origin], addresses: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Check that the references of a resource can be followed. `here`: the server's own origins."""
    contained = {f"#{c.get('id')}" for c in objects(resource.get("contained"))}
    kind = word(resource.get("resourceType"))
    for text in addresses:
        if text.startswith("#"):
            if text != "#" and text not in contained:
                yield (
                    "reference-rot",
                    f"{kind} has a reference to a contained resource that it does not contain",
                )
        elif text.startswith(("http://", "https://")):
            if origin(canonical_url(text)) not in here:
                yield "reference-rot", f"{kind} has a reference to another server"
        elif not text.startswith("urn:") and ("/" not in text or " " in text):
            yield "reference-rot", f"{kind} has a reference that is not Type/id"
