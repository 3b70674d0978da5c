"""Response verbs that change JSON: fields, id_tokens, links of Bundles, and JSON that does not parse."""

from __future__ import annotations

import base64
import copy
import re
from collections.abc import Callable
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pydantic import Field, JsonValue

from sandbox.core.files import json_bytes, json_exact, json_value
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects.base import Effect, World
from sandbox.faults.effects.resource import Drop, PathEffect, Put, Rename
from sandbox.faults.effects.response import body_of

Link = dict[str, Any]


def change_json(value: Reply, change: Callable[[dict[str, Any]], None]) -> Reply:
    """Return the reply with its JSON object changed in place; any other body stays as it is."""
    try:
        before = json_exact(body_of(value))
    except ValueError:
        return value
    if not isinstance(before, dict):
        return value
    after = copy.deepcopy(before)
    change(after)
    return value if after == before else Reply(value.status, value.headers, json_bytes(after))


class _FieldEffect(PathEffect):
    """The base class of verbs that change a field of a successful JSON response."""

    statuses: ClassVar[range] = range(200, 300)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return change_json(value, self.change_all) if value.status < 300 else value


class SetField(Put, _FieldEffect, stage=Stage.RESPONSE):
    """Set a field of a successful JSON response (a dotted path; its parents must exist)."""

    do: Literal["set_field"]


class DropField(Drop, _FieldEffect, stage=Stage.RESPONSE):
    """Leave a field out of a successful JSON response (a dotted path that may lead through lists)."""

    do: Literal["drop_field"]


class RenameField(Rename, _FieldEffect, stage=Stage.RESPONSE):
    """Rename a field of a successful JSON response."""

    do: Literal["rename_field"]


class RewriteField(_FieldEffect, stage=Stage.RESPONSE):
    """Replace text in a field of a successful JSON response, such as `patient/` by `Patient/` in a scope."""

    do: Literal["rewrite_field"]
    find: str = Field(min_length=1)
    by: str

    def idle(self) -> str:
        return "find and by are the same" if self.find == self.by else ""

    def change(self, parent: dict[str, Any], name: str) -> None:
        if isinstance(parent.get(name), str):
            parent[name] = parent[name].replace(self.find, self.by)


class AlterIdToken(Effect, stage=Stage.RESPONSE):
    """Change claims of the id_token but not its signature, which then does not verify."""

    do: Literal["alter_id_token"]
    place: ClassVar[str] = "token"
    statuses: ClassVar[range] = range(200, 300)
    set: dict[str, JsonValue] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)

    def idle(self) -> str:
        return "" if self.set or self.drop else "needs a claim in set or drop"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def alter(body: dict[str, Any]) -> None:
            parts = str(body.get("id_token", "")).split(".")
            if len(parts) == 3:
                claims = json_value(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
                claims = {k: v for k, v in {**claims, **self.set}.items() if k not in self.drop}
                parts[1] = base64.urlsafe_b64encode(json_bytes(claims)).decode().rstrip("=")
                body["id_token"] = ".".join(parts)

        return change_json(value, alter)


_DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "bom": lambda body: b"\xef\xbb\xbf" + body,
    "trailing_comma": lambda body: re.sub(rb"([}\]])\s*$", rb",\1", body),
    "nan": lambda body: re.sub(rb'("(?:value|total)":)-?[0-9.]+', rb"\1NaN", body),
    "duplicate_key": lambda body: re.sub(rb"^\{(\"[^\"]+\":\"[^\"]*\",)", rb"{\1\1", body),
    "single_quotes": lambda body: body.replace(b'"', b"'"),
    "latin1": lambda body: body.decode("utf-8", "replace").encode("latin-1", "replace"),
    "nul": lambda body: body + b"\x00",
}


class DamageJson(Effect, stage=Stage.RESPONSE):
    """Make the JSON of a response invalid, as a server that builds JSON from strings does."""

    do: Literal["damage_json"]
    how: Literal["bom", "trailing_comma", "nan", "duplicate_key", "single_quotes", "latin1", "nul"]

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        if "json" not in (value.header("Content-Type") or ""):
            return value
        return Reply(value.status, value.headers, _DAMAGE[self.how](body_of(value)))


class _BundleEffect(Effect):
    """The base class of verbs that change the links of a Bundle."""

    place: ClassVar[str] = "fhir-with-base"
    statuses: ClassVar[range] = range(200, 201)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def change(body: dict[str, Any]) -> None:
            if body.get("resourceType") == "Bundle":
                body["link"] = self.change_links(body.get("link", []), facts)

        return change_json(value, change) if value.status == 200 else value

    def change_links(self, links: list[Link], facts: Facts) -> list[Link]:
        """Return the links as the payer shows them."""
        raise NotImplementedError


class _LinkEffect(_BundleEffect):
    """The base class of verbs that change the links of one relation."""

    relation: str = "next"

    def change_links(self, links: list[Link], facts: Facts) -> list[Link]:
        return [self.change_link(link) if link.get("relation") == self.relation else link for link in links]

    def change_link(self, link: Link) -> Link:
        """Return the link as the payer shows it."""
        raise NotImplementedError


class LoopNextLink(_BundleEffect, stage=Stage.RESPONSE):
    """Make the `next` link point to the page that contains it."""

    do: Literal["loop_next_link"]

    def change_links(self, links: list[Link], facts: Facts) -> list[Link]:
        page = [("_page", facts.params["_page"])] if facts.params.get("_page") else []

        def change(link: Link) -> Link:
            query = [(k, v) for k, v in parse_qsl(urlsplit(link["url"]).query) if k != "_page"]
            return _with_url(link, query=urlencode(query + page))

        return [change(link) if link.get("relation") == "next" else link for link in links]


class RenameLinkRelation(_LinkEffect, stage=Stage.RESPONSE):
    """Rename a link relation of a Bundle, such as `previous` to `prev`."""

    do: Literal["rename_link_relation"]
    to: str

    def idle(self) -> str:
        return "it already has this name" if self.relation == self.to else ""

    def change_link(self, link: Link) -> Link:
        return {**link, "relation": self.to}


class RewriteLink(_LinkEffect, stage=Stage.RESPONSE):
    """Change the host or scheme of a Bundle's link, as a server behind a proxy may, or make it longer.
    `style` writes it relative to the address of the page, or with the port that its scheme implies (:443)."""

    do: Literal["rewrite_link"]
    host: str | None = Field(default=None, description="host, or host:port")
    scheme: Literal["http", "https"] | None = None
    pad: int = Field(default=0, ge=0, le=20_000, description="number of characters to add to the query")
    style: Literal["relative", "with-port"] | None = None

    def idle(self) -> str:
        changes = self.host or self.scheme or self.pad or self.style
        return "" if changes else "needs host, scheme, pad or style"

    def change_link(self, link: Link) -> Link:
        url = urlsplit(link["url"])
        query = url.query + (f"&_pad={'x' * self.pad}" if self.pad else "")
        scheme, host = self.scheme or url.scheme, self.host or url.netloc
        if self.style == "relative":
            return _with_url(link, scheme="", netloc="", path=url.path.rpartition("/")[2], query=query)
        if self.style == "with-port" and urlsplit(f"//{host}").port is None:
            host = f"{host}:{443 if scheme == 'https' else 80}"
        return _with_url(link, netloc=host, scheme=scheme, query=query)


class ForgetLinkParams(_LinkEffect, stage=Stage.RESPONSE):
    """Remove parameters from a Bundle's link."""

    do: Literal["forget_link_params"]
    params: list[str] = Field(min_length=1)

    def change_link(self, link: Link) -> Link:
        kept = [(k, v) for k, v in parse_qsl(urlsplit(link["url"]).query) if k not in self.params]
        return _with_url(link, query=urlencode(kept))


class AddLink(_BundleEffect, stage=Stage.RESPONSE):
    """Add a link to a Bundle; without `url` it is empty."""

    do: Literal["add_link"]
    relation: str = "next"
    url: str = ""

    def change_links(self, links: list[Link], facts: Facts) -> list[Link]:
        return [*links, {"relation": self.relation, "url": self.url}]


def _with_url(link: Link, **parts: str) -> Link:
    return {**link, "url": urlunsplit(urlsplit(link["url"])._replace(**parts))}
