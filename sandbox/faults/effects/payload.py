"""Response verbs about JSON: fields that are changed, links that mislead, text that does not parse."""

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
from sandbox.faults.effects.resource import at
from sandbox.faults.effects.response import whole


def edited(value: Reply, act: Callable[[dict[str, Any]], dict[str, Any]]) -> Reply:
    """The reply with its JSON object changed; anything else stays as it is."""
    try:
        before = json_exact(whole(value))
    except ValueError:
        return value
    if not isinstance(before, dict):
        return value
    after = act(copy.deepcopy(before))
    return value if after == before else Reply(value.status, value.headers, json_bytes(after))


class SetField(Effect, stage=Stage.RESPONSE):
    """Put a value into a JSON answer of success (a dotted path; its parents must exist)."""

    do: Literal["set_field"]
    statuses: ClassVar[range] = range(200, 300)
    path: str
    value: JsonValue

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def act(body: dict[str, Any]) -> dict[str, Any]:
            at(body, self.path.split("."), lambda parent, name: parent.__setitem__(name, self.value))
            return body

        return edited(value, act) if value.status < 300 else value


class DropField(Effect, stage=Stage.RESPONSE):
    """Leave a field out of a JSON answer of success (a dotted path, lists walked through)."""

    do: Literal["drop_field"]
    statuses: ClassVar[range] = range(200, 300)
    path: str

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def act(body: dict[str, Any]) -> dict[str, Any]:
            at(body, self.path.split("."), lambda parent, name: parent.pop(name, None) and None)
            return body

        return edited(value, act) if value.status < 300 else value


class RenameField(Effect, stage=Stage.RESPONSE):
    """Call a field of a JSON answer of success something else."""

    do: Literal["rename_field"]
    statuses: ClassVar[range] = range(200, 300)
    path: str
    to: str

    def idle(self) -> str:
        return "it is called so already" if self.path.rpartition(".")[2] == self.to else ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def rename(parent: dict[str, Any], name: str) -> None:
            if name in parent:
                parent[self.to] = parent.pop(name)

        def act(body: dict[str, Any]) -> dict[str, Any]:
            at(body, self.path.split("."), rename)
            return body

        return edited(value, act) if value.status < 300 else value


class RewriteField(Effect, stage=Stage.RESPONSE):
    """Replace a text inside a field of a JSON answer of success: `patient/` by `Patient/` in a scope."""

    do: Literal["rewrite_field"]
    statuses: ClassVar[range] = range(200, 300)
    path: str
    find: str = Field(min_length=1)
    by: str

    def idle(self) -> str:
        return "find and by are the same" if self.find == self.by else ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def rewrite(parent: dict[str, Any], name: str) -> None:
            if isinstance(parent.get(name), str):
                parent[name] = parent[name].replace(self.find, self.by)

        def act(body: dict[str, Any]) -> dict[str, Any]:
            at(body, self.path.split("."), rewrite)
            return body

        return edited(value, act) if value.status < 300 else value


class AlterIdToken(Effect, stage=Stage.RESPONSE):
    """Change claims of the id_token and leave its signature: it no longer verifies."""

    do: Literal["alter_id_token"]
    paths: ClassVar[tuple[str, ...]] = ("/auth/token",)
    statuses: ClassVar[range] = range(200, 300)
    set: dict[str, JsonValue] = Field(default_factory=dict)
    drop: list[str] = Field(default_factory=list)

    def idle(self) -> str:
        return "" if self.set or self.drop else "neither set nor drop names a claim"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def act(body: dict[str, Any]) -> dict[str, Any]:
            parts = str(body.get("id_token", "")).split(".")
            if len(parts) == 3:
                claims = json_value(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
                claims = {k: v for k, v in {**claims, **self.set}.items() if k not in self.drop}
                parts[1] = base64.urlsafe_b64encode(json_bytes(claims)).decode().rstrip("=")
                body["id_token"] = ".".join(parts)
            return body

        return edited(value, act)


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
    """Break the JSON of an answer in one of the ways that hand-made JSON breaks."""

    do: Literal["damage_json"]
    how: Literal["bom", "trailing_comma", "nan", "duplicate_key", "single_quotes", "latin1", "nul"]

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        if "json" not in (value.header("Content-Type") or ""):
            return value
        return Reply(value.status, value.headers, _DAMAGE[self.how](whole(value)))


def links(value: Reply, relation: str, act: Callable[[dict[str, Any]], dict[str, Any]]) -> Reply:
    """The Bundle with the links of a relation changed."""

    def change(body: dict[str, Any]) -> dict[str, Any]:
        if body.get("resourceType") == "Bundle":
            body["link"] = [act(li) if li.get("relation") == relation else li for li in body.get("link", [])]
        return body

    return edited(value, change) if value.status == 200 else value


class LoopNextLink(Effect, stage=Stage.RESPONSE):
    """Let `next` lead back to the page that is shown."""

    do: Literal["loop_next_link"]
    paths: ClassVar[tuple[str, ...]] = ("/fhir*",)
    statuses: ClassVar[range] = range(200, 201)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def back(link: dict[str, Any]) -> dict[str, Any]:
            bare = urlsplit(link["url"])
            kept = [(k, v) for k, v in parse_qsl(bare.query) if k != "_page"]
            page = facts.params.get("_page")
            query = urlencode([*kept, *([("_page", page)] if page else [])])
            return {**link, "url": urlunsplit(bare._replace(query=query))}

        return links(value, "next", back)


class RenameLinkRelation(Effect, stage=Stage.RESPONSE):
    """Call a link of a Bundle something else, as in `prev` for `previous`."""

    do: Literal["rename_link_relation"]
    paths: ClassVar[tuple[str, ...]] = ("/fhir*",)
    statuses: ClassVar[range] = range(200, 201)
    relation: str = "next"
    to: str

    def idle(self) -> str:
        return "it is called so already" if self.relation == self.to else ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return links(value, self.relation, lambda link: {**link, "relation": self.to})


class RewriteLink(Effect, stage=Stage.RESPONSE):
    """Let a link of a Bundle name another host or scheme, as a server behind a proxy does."""

    do: Literal["rewrite_link"]
    paths: ClassVar[tuple[str, ...]] = ("/fhir*",)
    statuses: ClassVar[range] = range(200, 201)
    relation: str = "next"
    host: str | None = Field(default=None, description="host, or host:port")
    scheme: Literal["http", "https"] | None = None
    pad: int = Field(default=0, ge=0, le=20_000, description="characters that are added to the query")

    def idle(self) -> str:
        return "" if self.host or self.scheme or self.pad else "host, scheme or pad is wanted"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def moved(link: dict[str, Any]) -> dict[str, Any]:
            at = urlsplit(link["url"])
            query = at.query + (f"&_pad={'x' * self.pad}" if self.pad else "")
            at = at._replace(netloc=self.host or at.netloc, scheme=self.scheme or at.scheme, query=query)
            return {**link, "url": urlunsplit(at)}

        return links(value, self.relation, moved)


class ForgetLinkParams(Effect, stage=Stage.RESPONSE):
    """Lose parameters on the way to the next page."""

    do: Literal["forget_link_params"]
    paths: ClassVar[tuple[str, ...]] = ("/fhir*",)
    statuses: ClassVar[range] = range(200, 201)
    params: list[str] = Field(min_length=1)
    relation: str = "next"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def poorer(link: dict[str, Any]) -> dict[str, Any]:
            at = urlsplit(link["url"])
            kept = [(k, v) for k, v in parse_qsl(at.query) if k not in self.params]
            return {**link, "url": urlunsplit(at._replace(query=urlencode(kept)))}

        return links(value, self.relation, poorer)


class AddLink(Effect, stage=Stage.RESPONSE):
    """Add a link that no Bundle needs: without `url` it is empty."""

    do: Literal["add_link"]
    paths: ClassVar[tuple[str, ...]] = ("/fhir*",)
    statuses: ClassVar[range] = range(200, 201)
    relation: str = "next"
    url: str = ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        def more(body: dict[str, Any]) -> dict[str, Any]:
            if body.get("resourceType") == "Bundle":
                body.setdefault("link", []).append({"relation": self.relation, "url": self.url})
            return body

        return edited(value, more) if value.status == 200 else value
