"""Response verbs about the exchange: status, headers, and how the body travels."""

from __future__ import annotations

import difflib
import errno
import gzip
from collections.abc import Iterator
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field

from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects.arrival import Dress, refusal
from sandbox.faults.effects.base import Effect, World


def whole(value: Reply) -> bytes:
    return value.body if isinstance(value.body, bytes) else b"".join(value.chunks())


def _announcing(value: Reply, length: int, body: Iterator[bytes]) -> Reply:
    """A body that is sent as it comes, under a Content-Length that is stated and not checked."""
    stated = value.with_header("Content-Length", str(length))
    return Reply(stated.status, stated.headers, body)


SENT = (
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "allow", "cache-control", "content-language",
    "content-location", "content-security-policy", "content-type", "etag", "expires", "last-modified",
    "location", "pragma", "referrer-policy", "retry-after", "set-cookie", "vary", "www-authenticate",
    "x-content-type-options", "x-frame-options", "x-ratelimit-limit", "x-ratelimit-reset",
)  # fmt: skip
"""Headers that answers of this payer may have when they pass the gate."""
ADDED = (
    "connection", "content-encoding", "content-length", "date", "sandbox-effects", "server",
    "transfer-encoding", "x-request-id",
)  # fmt: skip
"""Headers that are decided behind the gate."""


def _is_about_readers(name: str) -> bool:
    return name.lower() == "vary" or name.lower().startswith("access-control-")


class ReplyWith(Effect, stage=Stage.RESPONSE):
    """Send something else than what was answered."""

    do: Literal["reply_with"]
    status: int = Field(ge=200, le=599)
    content_type: str | None = None
    body: str = ""
    headers: dict[str, str] = Field(default_factory=dict)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        headers = dict(self.headers)
        if self.content_type:
            headers["Content-Type"] = self.content_type
        written = {name.lower() for name in headers}
        # Who may read an answer does not depend on what it says.
        kept = [(k, v) for k, v in value.headers if _is_about_readers(k) and k.lower() not in written]
        return Reply(self.status, (*headers.items(), *kept), self.body.encode())


class ChangeStatus(Effect, stage=Stage.RESPONSE):
    """Send the same answer under another status; `empty` leaves its body out."""

    do: Literal["change_status"]
    status: int = Field(ge=200, le=599)
    empty: bool = False

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return Reply(self.status, value.headers, b"" if self.empty else value.body)


class Redress(Effect, stage=Stage.RESPONSE):
    """Say a refusal in another form: an HTML or XML page, plain text, or nothing at all."""

    do: Literal["redress"]
    statuses: ClassVar[range] = range(400, 600)
    dress: Dress
    text: str = "The request could not be processed"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        if value.status < 400:
            return value
        kept = value.without_header("Content-Type").without_header("Content-Length").headers
        return refusal(facts, value.status, self.text, kept, self.dress)


class DeadEnd(Effect, stage=Stage.RESPONSE):
    """Show a page where the member should go back to the app: the app never hears of it.

    `instead_of` chooses what it replaces: a callback with an error, with a code, or both.
    """

    do: Literal["dead_end"]
    paths: ClassVar[tuple[str, ...]] = ("/auth/*",)
    statuses: ClassVar[range] = range(300, 400)
    status: int = Field(default=200, ge=200, le=599)
    text: str = "We cannot continue. Please contact member services."
    instead_of: Literal["error", "code", "any"] = "error"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        told = parse_qs(urlsplit(value.header("Location") or "").query)
        asked = ("error", "code") if self.instead_of == "any" else (self.instead_of,)
        if not 300 <= value.status < 400 or not any(name in told for name in asked):
            return value
        return refusal(facts, self.status, self.text, (("Cache-Control", "no-store"),), "html")


class SendBack(Effect, stage=Stage.RESPONSE):
    """Send the app back with an error where the payer would have asked the member to sign in: the
    request was good, by the standard. `unless_scope` is a scope that, when asked for, makes it pass."""

    do: Literal["send_back"]
    paths: ClassVar[tuple[str, ...]] = ("/auth/authorize",)
    statuses: ClassVar[range] = range(300, 400)
    error: str = "invalid_request"
    description: str = "The request is not as this payer wants it"
    unless_scope: str | None = None

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        app, state = facts.params.get("redirect_uri"), facts.params.get("state")
        where = urlsplit(value.header("Location") or "")
        # Only a request that was found good leads on to a page of the payer, so the URI is the app's.
        passed = 300 <= value.status < 400 and where.path.rpartition("/")[2] in ("login", "pick", "consent")
        if not app or not passed or self.unless_scope in facts.params.get("scope", "").split():
            return value
        told = {"error": self.error, "error_description": self.description}
        told |= {} if state is None else {"state": state}
        joint = "&" if "?" in app else "?"
        return value.with_header("Location", f"{app}{joint}{urlencode(told)}")


class CallbackInFragment(Effect, stage=Stage.RESPONSE):
    """Send the callback's parameters behind `#` instead of `?`: the app's server never sees them."""

    do: Literal["callback_in_fragment"]
    paths: ClassVar[tuple[str, ...]] = ("/auth/*",)
    statuses: ClassVar[range] = range(300, 400)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        where = value.header("Location") or ""
        if not 300 <= value.status < 400 or not {"code", "error"} & set(parse_qs(urlsplit(where).query)):
            return value
        return value.with_header("Location", where.replace("?", "#", 1))


class WrongContentType(Effect, stage=Stage.RESPONSE):
    """Label the body as something it is not."""

    do: Literal["wrong_content_type"]
    content_type: str = "text/html"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.with_header("Content-Type", self.content_type)


class DropHeader(Effect, stage=Stage.RESPONSE):
    """Leave out a header."""

    do: Literal["drop_header"]
    name: str

    def idle(self) -> str:
        if self.name.lower() in ADDED:
            return f"{self.name} is added after scenarios have acted"
        if self.name.lower() not in SENT:
            near = difflib.get_close_matches(self.name.lower(), SENT, n=1)
            return f"no answer has a header {self.name}" + (f" (did you mean {near[0]}?)" if near else "")
        return ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.without_header(self.name)


class SetHeader(Effect, stage=Stage.RESPONSE):
    """Send a header, or another value for it."""

    do: Literal["set_header"]
    name: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    value: str = Field(pattern=r"^[ -~]*$")

    def idle(self) -> str:
        decided = self.name.lower() in ADDED and self.name.lower() not in (
            "content-encoding",
            "date",
            "server",
        )
        return f"{self.name} is decided after scenarios have acted" if decided else ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.with_header(self.name, self.value)


class TruncateBody(Effect, stage=Stage.RESPONSE):
    """Cut the body after a share of its bytes, the Content-Length agreeing with what is sent."""

    do: Literal["truncate_body"]
    keep: float = Field(default=0.5, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = whole(value)
        return Reply(value.status, value.headers, body[: int(len(body) * self.keep)])


class DropConnection(Effect, stage=Stage.RESPONSE):
    """Close the connection after a share of the body; 0 closes it before a single byte."""

    do: Literal["drop_connection"]
    keep: float = Field(default=0.0, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = whole(value)

        def broken() -> Iterator[bytes]:
            if sent := body[: int(len(body) * self.keep)]:
                yield sent
            # Servers take this for the caller's own hanging up: they close and say nothing.
            raise ConnectionResetError(errno.ECONNRESET, "closed on purpose")

        return _announcing(value, len(body), broken())


class StallBody(Effect, stage=Stage.RESPONSE):
    """Send a share of the body, wait, then send the rest."""

    do: Literal["stall_body"]
    seconds: float = Field(gt=0, le=120)
    after: float = Field(default=0.5, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = whole(value)
        cut = int(len(body) * self.after)

        def slowly() -> Iterator[bytes]:
            yield body[:cut]
            yield world.pause(self.seconds)
            yield body[cut:]

        return _announcing(value, len(body), slowly())


class LieAboutLength(Effect, stage=Stage.RESPONSE):
    """State a Content-Length that is `by` bytes more than what is sent, and close."""

    do: Literal["lie_about_length"]
    by: int = Field(default=100, ge=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = whole(value)

        def short() -> Iterator[bytes]:
            yield body
            raise ConnectionResetError(errno.ECONNRESET, "closed on purpose")

        return _announcing(value, len(body) + self.by, short())


class GzipBody(Effect, stage=Stage.RESPONSE):
    """Compress wrongly: `claimed` says gzip and sends plain text, `double` compresses twice and says
    it once, `silent` compresses and does not say so."""

    do: Literal["gzip_body"]
    how: Literal["claimed", "double", "silent"] = "claimed"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = whole(value)
        if self.how != "claimed":
            body = gzip.compress(body, mtime=0)
        if self.how == "double":
            body = gzip.compress(body, mtime=0)
        packed = Reply(value.status, value.headers, body)
        return packed if self.how == "silent" else packed.with_header("Content-Encoding", "gzip")
