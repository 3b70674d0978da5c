"""What a client wants back: Accept, `_format`, `_pretty`, Prefer (R4 §3.1.0.1.10 to §3.1.0.1.12).

`_format` wins over Accept. One format is served, so it is that or 406; `fhirVersion` is 4.0 or 406.
Of Prefer, `handling` counts for searches and operations; `return` asks about writes, and the rest is
not ours: both are left alone, as RFC 7240 §2 wants.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Response, request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header, parse_list_header, parse_options_header

from sandbox.core.cache import bounded
from sandbox.core.errors import NotAcceptable, UnsupportedMedia, bad_request
from sandbox.core.files import json_bytes, json_exact, json_pretty, json_value
from sandbox.core.limits import HEADER_LENGTH_MAX
from sandbox.web.request import current

JSON = ("application/fhir+json", "application/json", "application/json+fhir", "text/json")
"""Names of the one format; the third is that of DSTU2. What is sent is always called by the first."""

_FORMATS = frozenset({"json", *JSON, *(name.replace("+", " ") for name in JSON)})
"""What `_format` may say; a client that forgot to encode the + sends a space."""

_BARE_FRACTION = re.compile(r"(;\s*q\s*=\s*)(?=\.[0-9])", re.IGNORECASE)


def negotiate() -> None:
    """Before anything of a FHIR API. Raises NotAcceptable."""
    if current().path_below.startswith("/.well-known/") or wants_page():
        return
    wanted_format = _asked_format()
    if wanted_format:
        acceptable = _is_json(wanted_format)
    else:
        acceptable = "Accept" not in request.headers or takes_json(request.headers["Accept"])
    if not acceptable:
        problem = NotAcceptable(
            "This payer supports only application/fhir+json, in FHIR version 4.0.", cause="format-unsupported"
        )
        problem.expression = "_format" if wanted_format else "http.accept"
        raise problem


def _asked_format() -> str | None:
    """The first `_format` with a value: the others count as omitted (R4 §3.1.1.1)."""
    return next(filter(None, request.args.getlist("_format")), None)


def wants_page() -> bool:
    """Whether this is a browser at the base or at the metadata: it likes HTML better than data."""
    return current().path_below.rstrip("/") in ("", "/metadata") and prefers_page()


def is_navigation() -> bool:
    """Whether a person opens this address in a browser, where Accept alone may not decide.

    Source: SMART App Launch 2.2.0 "Response": a SMART configuration is JSON whatever Accept says.
    """
    return request.headers.get("Sec-Fetch-Mode") == "navigate" and prefers_page()


def prefers_page() -> bool:
    """Whether a request to read likes HTML better than JSON; `_format` wins over Accept."""
    if request.method not in ("GET", "HEAD"):
        return False
    wanted_format = _asked_format()
    if wanted_format:
        return wanted_format in ("html", "text/html")
    accepted = parse_accept(request.headers.get("Accept", ""))
    return quality(accepted, "text/html") > max(quality(accepted, name) for name in JSON)


def _is_json(text: str) -> bool:
    """Whether `_format` asks for the one format in the one version that there is."""
    if len(text) > HEADER_LENGTH_MAX:
        return False
    name, options = parse_options_header(text)
    return name.strip().lower() in _FORMATS and _is_r4(options)


def _is_r4(options: Mapping[str, str]) -> bool:
    """Whether the parameters of a media type leave the version open or name ours."""
    version = options.get("fhirversion", "4.0")
    return version == "4.0" or version.startswith("4.0.")


@bounded(256 << 10)
def takes_json(header: str) -> bool:
    """Whether an Accept header takes the one format that there is; an empty one takes anything."""
    if not header.strip():
        return True
    if len(header) > HEADER_LENGTH_MAX:
        bad_request(f"Accept may have at most {HEADER_LENGTH_MAX} characters.", "http.accept")
    accepted = parse_accept(header)
    return any(quality(accepted, name) > 0 for name in JSON)


def parse_accept(header: str) -> MIMEAccept:
    """The media ranges of an Accept header. A weight without its zero counts (`q=.2`), and so does a bare
    `*` in `quality`: Java's HttpURLConnection writes both."""
    return parse_accept_header(_BARE_FRACTION.sub(r"\g<1>0", header), MIMEAccept)


def quality(accepted: MIMEAccept, kind: str) -> float:
    """How much Accept likes a media type: by the range that names it most closely (RFC 9110 §12.5.1)."""
    best = (-1, 0.0)
    ranks = {kind: 2, f"{kind.partition('/')[0]}/*": 1, "*/*": 0, "*": 0}
    for value, liked in accepted:
        name, options = parse_options_header(value)
        if _is_r4(options):
            best = max(best, (ranks.get(name.lower(), -1), liked))
    return best[1] if best[0] >= 0 else 0.0


def strict() -> bool:
    """Whether `Prefer: handling=strict` is asked."""
    wishes = parse_list_header(request.headers.get("Prefer", "")[:HEADER_LENGTH_MAX])
    for wish in (part for wish_list in wishes for part in wish_list.split(";")):
        name, _, value = wish.partition("=")
        if name.strip().lower() == "handling":  # said twice, the first counts (RFC 7240 §2)
            return value.strip(' \t"').lower() == "strict"
    return False


def pretty(response: Response) -> Response:
    """The answer with line breaks, if `_pretty=true` asks for them; amounts keep their digits."""
    wanted = "_pretty" in request.args and request.args["_pretty"] == "true"
    if wanted and response.mimetype == JSON[0] and not response.is_streamed:
        response.set_data(json_pretty(json_exact(response.get_data())))
    return response


def json_response(value: Any, status: int = 200, headers: Sequence[tuple[str, str]] = ()) -> Response:
    """Return an answer that is JSON, but no resource."""
    return Response(json_bytes(value), status, headers, content_type="application/json")


def json_body(*, cause: str = "parameters-invalid") -> object:
    """Return the resource in the body. Raises UnsupportedMedia for another format, BadRequest with this
    cause for no JSON."""
    if request.mimetype not in JSON:
        raise UnsupportedMedia(
            "The body must be a FHIR resource as application/fhir+json.", cause="media-type-unsupported"
        )
    try:
        return json_value(request.get_data())
    except ValueError:
        bad_request("The body is not valid JSON.", cause=cause)
