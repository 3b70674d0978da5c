"""The record of an exchange, for the operator: request and response as the client saw them.

Secrets are masked before anything is kept: `[masked 1a2b3c4d]` has the digest by which the journal knows a
secret. A record is compressed JSON: {"request": {method, target, headers, body}, "response": {status,
headers, body}}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import zstandard
from flask import Response, g, request

from sandbox.core.files import json_bytes, json_value
from sandbox.web.journal.entry import mark
from sandbox.web.request import RequestContext

BODY_CHARACTERS_MAX = 60_000
"""Characters of a body that a record keeps."""
HEADER_CHARACTERS_MAX = 1000

SECRET_PARAMETERS = frozenset((
    "access_token", "assertion", "client_assertion", "client_secret", "code", "code_verifier", "csrf",
    "id_token", "id_token_hint", "key", "password", "refresh_token", "registration_access_token",
    "request", "request_uri", "subject_token", "token",
))  # fmt: skip
"""Parameters and JSON members whose values are secrets."""

_SECRET_HEADERS = frozenset(("authorization", "cookie", "proxy-authorization", "set-cookie", "x-sandbox-key"))
_ADDRESS_HEADERS = frozenset(("location", "content-location", "referer"))
_HIDDEN = re.compile(
    rf'(name="(?:{"|".join(sorted(SECRET_PARAMETERS))})"[^>]*?\svalue=")([^"]*)(")', re.IGNORECASE
)
_TEXT = ("json", "text/", "html", "xml", "x-www-form-urlencoded", "javascript")
_FORM = "application/x-www-form-urlencoded"


def mask(secret: str) -> str:
    """Return what stands for a secret."""
    return f"[masked {mark(secret)}]" if secret else ""


def build_record(response: Response) -> bytes:
    """Return the record of the exchange in hand."""
    sent = "" if "unread" in g else mask_body(request.get_data(), request.content_type or "")
    received = "" if response.is_streamed else mask_body(response.get_data(), response.content_type or "")
    return encode_record(
        request.method,
        request.full_path.rstrip("?"),
        request.headers.items(),
        sent,
        response.status_code,
        response.headers.items(),
        received,
    )


def has_record(context: RequestContext, status: int) -> bool:
    """Return whether the exchange in hand gets a record: while the payer is watched, every one; otherwise
    refusals, and whatever is no read of FHIR."""
    return (
        status >= 400 or not context.surface.is_fhir or context.wiring.ledger.is_watched(context.ledger.name)
    )


def encode_record(
    method: str,
    target: str,
    headers: Iterable[tuple[str, str]],
    body: str,
    status: int,
    answer_headers: Iterable[tuple[str, str]],
    answer_body: str,
) -> bytes:
    """Return a record. `target` is the path below the payer's prefix, with its query; bodies are masked."""
    sent = {"method": method, "target": mask_address(target), "headers": _headers(headers), "body": body}
    received = {"status": status, "headers": _headers(answer_headers), "body": answer_body}
    record = {"request": sent, "response": received}
    return zstandard.compress(json_bytes(record), 1)


def decode_record(content: bytes) -> dict[str, Any]:
    """Return the record as an object of JSON."""
    record: dict[str, Any] = json_value(zstandard.decompress(content))
    return record


def mask_address(url: str) -> str:
    """Return a URL, absolute or not, with the secrets in its query masked."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return mask(url)
    if not parts.query and not parts.fragment:
        return url
    return urlunsplit(parts._replace(query=mask_query(parts.query), fragment=mask_query(parts.fragment)))


def mask_query(text: str) -> str:
    """Return URL-encoded parameters with the secrets among them masked; other bytes stay as they are."""
    return "&".join(_pair(pair) for pair in text.split("&"))


def _pair(pair: str) -> str:
    for name, value in parse_qsl(pair, keep_blank_values=True):
        if name.lower() in SECRET_PARAMETERS:
            return f"{quote(name)}={mask(value)}"
    return pair


def _headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, _header(name.lower(), value)[:HEADER_CHARACTERS_MAX]) for name, value in headers]


def _header(name: str, value: str) -> str:
    if name in _ADDRESS_HEADERS:
        return mask_address(value)
    if name not in _SECRET_HEADERS:
        return value
    if name in ("cookie", "set-cookie"):
        cookies = value.split(";") if name == "cookie" else [value]
        return "; ".join(f"{cookie.partition('=')[0].strip()}=[masked]" for cookie in cookies)
    scheme, space, secret = value.partition(" ")
    return f"{scheme} {mask(secret.strip())}" if space else mask(value)


def mask_body(content: bytes, content_type: str) -> str:
    """Return the text of a body with its secrets masked; of other bodies, their size."""
    if not content:
        return ""
    if not any(kind in content_type for kind in _TEXT):
        return f"[{len(content)} bytes]"
    text = content.decode("utf-8", "replace")
    if content_type.startswith(_FORM):
        return mask_query(text)[:BODY_CHARACTERS_MAX]
    if "json" in content_type and "fhir" not in content_type:  # `code` of FHIR is no secret
        text = _mask_json(content, text)
    elif "html" in content_type:
        text = _HIDDEN.sub(lambda match: f"{match[1]}{mask(match[2])}{match[3]}", text)
    left_out = len(text) - BODY_CHARACTERS_MAX
    return text if left_out <= 0 else f"{text[:BODY_CHARACTERS_MAX]}\n[{left_out} characters more]"


def _mask_json(content: bytes, text: str) -> str:
    if not any(f'"{name}"' in text for name in SECRET_PARAMETERS):
        return text
    try:
        value = json_value(content)
    except ValueError:
        return "[JSON that cannot be read]"
    return json.dumps(_masked(value), ensure_ascii=False)


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Mapping):
        return {
            name: mask(item) if name.lower() in SECRET_PARAMETERS and isinstance(item, str) else _masked(item)
            for name, item in value.items()
        }
    return value
