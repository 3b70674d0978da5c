"""Response verbs that change the status, the headers, or how the body is sent."""

from __future__ import annotations

import difflib
import errno
import gzip
from collections.abc import Iterator
from datetime import timedelta
from email.utils import format_datetime
from typing import ClassVar, Literal
from urllib.parse import parse_qs, urlencode, urlsplit

from pydantic import Field

from sandbox.core.gates import Facts, Reply, Stage
from sandbox.faults.effects.arrival import Dress, refusal
from sandbox.faults.effects.base import Effect, World


def body_of(value: Reply) -> bytes:
    """Return the complete body of a reply, whether it is bytes or chunks."""
    return b"".join(value.chunks())


def stream(value: Reply, length: int, chunks: Iterator[bytes]) -> Reply:
    """Return the reply with a body that is sent in chunks, under an unchecked Content-Length."""
    return Reply(value.status, value.with_header("Content-Length", str(length)).headers, chunks)


SENT = (
    "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin",
    "access-control-expose-headers", "access-control-max-age", "allow", "cache-control", "content-language",
    "content-location", "content-security-policy", "content-type", "etag", "expires", "last-modified",
    "location", "pragma", "referrer-policy", "retry-after", "set-cookie", "vary", "www-authenticate",
    "x-content-type-options", "x-frame-options", "x-ratelimit-limit", "x-ratelimit-reset",
)  # fmt: skip
"""Headers that a response may have at this gate."""
ADDED = (
    "connection", "content-encoding", "content-length", "date", "sandbox-effects", "server",
    "transfer-encoding", "x-request-id",
)  # fmt: skip
"""Headers that are set after this gate."""


class ReplyWith(Effect, stage=Stage.RESPONSE):
    """Replace the response by this one."""

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
        # Which origins may read a response does not depend on what it says.
        readers = [(k, v) for k, v in value.headers if k.lower().startswith(("vary", "access-control-"))]
        kept = [(k, v) for k, v in readers if k.lower() not in written]
        return Reply(self.status, (*headers.items(), *kept), self.body.encode())


class ChangeStatus(Effect, stage=Stage.RESPONSE):
    """Send the same response with another status; `empty` removes its body."""

    do: Literal["change_status"]
    status: int = Field(ge=200, le=599)
    empty: bool = False

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return Reply(self.status, value.headers, b"" if self.empty else value.body)


class Redress(Effect, stage=Stage.RESPONSE):
    """Replace an error by an HTML page, an XML document, plain text or an empty body."""

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
    """Show the member a page instead of returning to the app, which gets no callback.

    `instead_of` selects the callbacks that it replaces: those with an error, with a code, or both.
    """

    do: Literal["dead_end"]
    place: ClassVar[str] = "authorization"
    statuses: ClassVar[range] = range(300, 400)
    status: int = Field(default=200, ge=200, le=599)
    text: str = "We cannot continue. Please contact member services."
    instead_of: Literal["error", "code", "any"] = "error"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        names = {"error", "code"} if self.instead_of == "any" else {self.instead_of}
        if not names & _redirect_params(value):
            return value
        return refusal(facts, self.status, self.text, (("Cache-Control", "no-store"),), "html")


class SendBack(Effect, stage=Stage.RESPONSE):
    """Return a valid authorization request to the app with an error, before the member can sign in.
    Requests that ask for the scope `unless_scope` pass."""

    do: Literal["send_back"]
    place: ClassVar[str] = "authorize"
    statuses: ClassVar[range] = range(300, 400)
    error: str = "invalid_request"
    description: str = "The request is not as this payer wants it"
    unless_scope: str | None = None

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        app, state = facts.params.get("redirect_uri"), facts.params.get("state")
        where = urlsplit(value.header("Location") or "")
        # Only a valid request leads to a page of the payer, so the redirect URI is the app's own.
        passed = 300 <= value.status < 400 and where.path.rpartition("/")[2] in ("login", "pick", "consent")
        if not app or not passed or self.unless_scope in facts.params.get("scope", "").split():
            return value
        params = {"error": self.error, "error_description": self.description}
        params |= {} if state is None else {"state": state}
        joint = "&" if "?" in app else "?"
        return value.with_header("Location", f"{app}{joint}{urlencode(params)}")


class CallbackInFragment(Effect, stage=Stage.RESPONSE):
    """Return the callback's parameters in the URL fragment, which the app's server does not receive."""

    do: Literal["callback_in_fragment"]
    place: ClassVar[str] = "authorization"
    statuses: ClassVar[range] = range(300, 400)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        if not {"code", "error"} & _redirect_params(value):
            return value
        return value.with_header("Location", (value.header("Location") or "").replace("?", "#", 1))


def _redirect_params(value: Reply) -> set[str]:
    """Return the names of the query parameters of a redirect; none for other responses."""
    is_redirect = 300 <= value.status < 400
    return set(parse_qs(urlsplit(value.header("Location") or "").query)) if is_redirect else set()


class WrongContentType(Effect, stage=Stage.RESPONSE):
    """Send the body with another Content-Type."""

    do: Literal["wrong_content_type"]
    content_type: str = "text/html"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.with_header("Content-Type", self.content_type)


class DropHeader(Effect, stage=Stage.RESPONSE):
    """Leave out a response header."""

    do: Literal["drop_header"]
    name: str

    def idle(self) -> str:
        if self.name.lower() in ADDED:
            return f"{self.name} is added after scenarios are applied"
        if self.name.lower() not in SENT:
            near = difflib.get_close_matches(self.name.lower(), SENT, n=1)
            return f"no response has a header {self.name}" + (f" (did you mean {near[0]}?)" if near else "")
        return ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.without_header(self.name)


class SetHeader(Effect, stage=Stage.RESPONSE):
    """Set a response header."""

    do: Literal["set_header"]
    name: str = Field(pattern=r"^[A-Za-z0-9-]+$")
    value: str = Field(pattern=r"^[ -~]*$")

    def idle(self) -> str:
        late = self.name.lower() in set(ADDED) - {"content-encoding", "date", "server"}
        return f"{self.name} is set after scenarios are applied" if late else ""

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        return value.with_header(self.name, self.value)


class AnnounceEnd(Effect, stage=Stage.RESPONSE):
    """Announce that the address ends once the payer's clock has been moved ahead by `ahead` seconds, by the
    headers Deprecation (RFC 9745) and Sunset (RFC 8594), and Link to the `successor`."""

    do: Literal["announce_end"]
    ahead: int = Field(ge=0)
    successor: str

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        beginning = (world.clock.now() - world.ahead).replace(microsecond=0)
        end = format_datetime(beginning + timedelta(seconds=self.ahead), usegmt=True)
        announced = value.with_header("Deprecation", f"@{int(beginning.timestamp())}")
        link = f'<{self.successor}>; rel="successor-version"'
        return announced.with_header("Sunset", end).with_header("Link", link)


class ShiftDate(Effect, stage=Stage.RESPONSE):
    """Send a Date header by a clock that is `seconds` ahead, or behind if negative."""

    do: Literal["shift_date"]
    seconds: int = Field(ge=-86_400, le=86_400)

    def idle(self) -> str:
        return "" if self.seconds else "0 seconds change nothing"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        shifted = world.clock.now().replace(microsecond=0) + timedelta(seconds=self.seconds)
        return value.with_header("Date", format_datetime(shifted, usegmt=True))


class TruncateBody(Effect, stage=Stage.RESPONSE):
    """Cut off the body after a share of its bytes; Content-Length matches what is sent."""

    do: Literal["truncate_body"]
    keep: float = Field(default=0.5, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = body_of(value)
        return Reply(value.status, value.headers, body[: int(len(body) * self.keep)])


class DropConnection(Effect, stage=Stage.RESPONSE):
    """Close the connection after a share of the body; 0 closes it before the first byte."""

    do: Literal["drop_connection"]
    keep: float = Field(default=0.0, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = body_of(value)
        kept = body[: int(len(body) * self.keep)]
        return stream(value, len(body), break_off(*[kept] if kept else []))


class StallBody(Effect, stage=Stage.RESPONSE):
    """Send a share of the body, wait, then send the remainder."""

    do: Literal["stall_body"]
    seconds: float = Field(gt=0, le=120)
    after: float = Field(default=0.5, ge=0, lt=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = body_of(value)
        cut = int(len(body) * self.after)

        def stall() -> Iterator[bytes]:
            yield body[:cut]
            yield world.pause(self.seconds)
            yield body[cut:]

        return stream(value, len(body), stall())


class LieAboutLength(Effect, stage=Stage.RESPONSE):
    """Send a Content-Length that is `by` bytes too large, and close the connection."""

    do: Literal["lie_about_length"]
    by: int = Field(default=100, ge=1)

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = body_of(value)
        return stream(value, len(body) + self.by, break_off(body))


def break_off(*chunks: bytes) -> Iterator[bytes]:
    yield from chunks
    # Servers treat this error as a caller that hung up: they close the connection without a log entry.
    raise ConnectionResetError(errno.ECONNRESET, "closed on purpose")


class GzipBody(Effect, stage=Stage.RESPONSE):
    """Send wrong compression: `claimed` declares gzip and sends plain text, `double` compresses twice and
    declares it once, `silent` compresses without declaring it."""

    do: Literal["gzip_body"]
    how: Literal["claimed", "double", "silent"] = "claimed"

    def __call__(self, value: Reply, facts: Facts, world: World) -> Reply:
        body = body_of(value)
        for _ in range({"claimed": 0, "silent": 1, "double": 2}[self.how]):
            body = gzip.compress(body, mtime=0)
        packed = Reply(value.status, value.headers, body)
        return packed if self.how == "silent" else packed.with_header("Content-Encoding", "gzip")
