"""The record of an exchange, for the operator: request and response as the client saw them.

Secrets are masked before anything is kept: `[masked 1a2b3c4d]` has the digest by which the journal knows a
secret, and `[masked]` stands for passwords and cookies, which a digest could betray. A record is compressed
JSON: {"request": {method, target, headers, body, whole}, "response": {status, headers, body}}.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

import zstandard
from flask import Response, g, request
from werkzeug.wrappers import Request

from sandbox.core.files import json_bytes, json_value
from sandbox.web.journal.entry import mark
from sandbox.web.request import RequestContext

BODY_CHARACTERS_MAX = 60_000
"""Characters of a body that a record keeps."""
HEADER_CHARACTERS_MAX = 1000

_GUESSABLE = frozenset(("csrf", "key", "otp", "passwd", "password", "pin"))
"""Secrets that are short, or no business of the journal: not even a digest of them is kept."""

_RANDOM = frozenset((
    "access_token", "api_key", "apikey", "assertion", "client_assertion", "client_secret", "code",
    "code_verifier", "device_code", "id_token", "id_token_hint", "logout_token", "refresh_token",
    "registration_access_token", "request", "request_uri", "secret", "software_statement",
    "subject_token", "token",
))  # fmt: skip

SECRET_PARAMETERS = _GUESSABLE | _RANDOM
"""Parameters and JSON members whose values are secrets."""

_FHIR_NAMES = frozenset(("code", "key", "request"))
"""Those that FHIR uses for something else."""
_SECRET_IN_FHIR = re.compile(r"[\w-]{32,}", re.ASCII)
"""What is a secret under such a name all the same: it looks like one of ours."""

_SECRET_HEADER = re.compile(r"auth|cookie|key|secret|token|passw|credential|assertion")
_OPEN_HEADER = re.compile(
    r"access-control-.*|(www|proxy)-authenticate|authority|x-sandbox-(scenario|fail-next)"
)
"""Headers that look like a secret's, and are none."""
_ADDRESS_HEADERS = frozenset(("location", "content-location", "referer"))

_TEXT = ("json", "text/", "html", "xml", "x-www-form-urlencoded", "javascript")
_FORM = "application/x-www-form-urlencoded"


def _compile_assignment(names: Iterable[str]) -> re.Pattern[str]:
    """Return what finds `name=value`, `"name": "value"` and the like in any text."""
    value = r"""("(?:[^"\\]|\\.)*"?|'[^']*'?|[^&;,\s"'<>{}]+)"""
    return re.compile(
        rf"""(?<![\w%.~-])((["']?)({"|".join(sorted(names, key=len, reverse=True))})\2\s*[:=]\s*){value}""",
        re.IGNORECASE | re.ASCII,
    )


_ASSIGNMENT = _compile_assignment(SECRET_PARAMETERS)
_FHIR_ASSIGNMENT = _compile_assignment(SECRET_PARAMETERS - _FHIR_NAMES)
_CREDENTIAL = re.compile(r"\b(bearer|basic)(\s+)([\w.~+/-]{8,}=*)(?![\w\"=])", re.IGNORECASE | re.ASCII)
_JWT = re.compile(r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*", re.ASCII)
_HIDDEN = re.compile(
    rf'(<input\b[^>]*\bname="({"|".join(sorted(SECRET_PARAMETERS))})"[^>]*\bvalue=")([^"]*)', re.IGNORECASE
)
_LONG_WORD = re.compile(r"(?<![\w-])[\w-]{32,}(?![\w-])", re.ASCII)
"""In pages: what looks like a secret that somebody is shown."""


def mask(secret: str) -> str:
    """Return what stands for a secret."""
    return f"[masked {mark(secret)}]" if secret else ""


def is_masked(text: str) -> bool:
    """Return whether a secret was in a text of a record."""
    return "[masked" in text or "%5Bmasked" in text


def _mask_value(name: str, value: str) -> str:
    if not value or value.startswith("[masked"):
        return value
    return "[masked]" if name.lower() in _GUESSABLE else mask(value)


def build_record(response: Response, *, is_fhir: bool) -> bytes:
    """Return the record of the exchange in hand."""
    content, content_type = (b"", "") if "unread" in g else (request.get_data(), request.content_type or "")
    received = b"" if response.is_streamed else response.get_data()
    return encode_record(
        describe_request(request, mask_body(content, content_type, is_fhir=is_fhir), is_fhir=is_fhir),
        response.status_code,
        response.headers.items(),
        mask_body(received, response.content_type or "", is_fhir=is_fhir),
    )


def has_record(context: RequestContext, status: int) -> bool:
    """Return whether the exchange in hand gets a record: while the payer is watched, every one; otherwise
    refusals, and whatever is no read of FHIR."""
    return (
        status >= 400 or not context.surface.is_fhir or context.wiring.ledger.is_watched(context.ledger.name)
    )


def describe_request(sent: Request, body: str, *, is_fhir: bool) -> dict[str, Any]:
    """Return a request as a record has it. The target is the path below the payer's prefix, with its query;
    `body` is masked."""
    query = sent.query_string.decode("ascii", "replace")
    target = quote(sent.path, safe="/:@!$&'()*+,;=~") + (f"?{query}" if query else "")
    return {
        "method": sent.method,
        "target": mask_address(target, is_fhir=is_fhir),
        "headers": _headers(sent.headers.items()),
        "body": body,
        "whole": _CUT.search(body) is None,
    }


def encode_record(
    sent: Mapping[str, Any], status: int, headers: Iterable[tuple[str, str]], body: str
) -> bytes:
    """Return a record of a request (`describe_request`) and its answer; the body is masked."""
    received = {"status": status, "headers": _headers(headers), "body": body}
    return zstandard.compress(json_bytes({"request": sent, "response": received}), 1)


def decode_record(content: bytes) -> dict[str, Any]:
    """Return the record as an object of JSON."""
    record: dict[str, Any] = json_value(zstandard.decompress(content))
    return record


def mask_address(url: str, *, is_fhir: bool = False) -> str:
    """Return a URL, absolute or not, with the secrets in its query and fragment masked."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return mask(url)
    if not parts.query and not parts.fragment:
        return url
    query, fragment = (mask_query(text, is_fhir=is_fhir) for text in (parts.query, parts.fragment))
    return urlunsplit(parts._replace(query=query, fragment=fragment))


def mask_query(text: str, *, is_fhir: bool = False) -> str:
    """Return URL-encoded parameters with the secrets among them masked; other bytes stay as they are."""
    return "&".join(_pair(pair, is_fhir) for pair in text.split("&"))


def _pair(pair: str, is_fhir: bool) -> str:
    for name, value in parse_qsl(pair, keep_blank_values=True):
        parameter = name.strip().lower()
        if parameter not in SECRET_PARAMETERS:
            continue
        if not is_fhir or parameter not in _FHIR_NAMES or _SECRET_IN_FHIR.fullmatch(value):
            return f"{quote(name)}={_mask_value(parameter, value)}"
    return mask_text(pair, is_fhir=is_fhir)


def _headers(headers: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(name, _header(name.lower(), value)[:HEADER_CHARACTERS_MAX]) for name, value in headers]


def _header(name: str, value: str) -> str:
    if name in _ADDRESS_HEADERS:
        return mask_address(value)
    if not _SECRET_HEADER.search(name) or _OPEN_HEADER.fullmatch(name):
        return value if name.startswith("x-sandbox-") else mask_text(value)
    if "cookie" in name:
        cookies = value.split(";") if name == "cookie" else [value]
        named = [cookie.partition("=")[:2] for cookie in cookies]
        return "; ".join(f"{key.strip()}=[masked]" if sign else "[masked]" for key, sign in named)
    scheme, space, secret = value.partition(" ")
    if scheme.lower() == "bearer" and space:
        return f"{scheme} {mask(secret.strip())}"
    return f"{scheme} [masked]" if space and scheme.lower() in ("basic", "digest", "dpop") else "[masked]"


def mask_text(text: str, *, is_fhir: bool = False) -> str:
    """Return a text of any kind with the secrets masked that stand in it by name, or look like one."""
    assignment = _FHIR_ASSIGNMENT if is_fhir else _ASSIGNMENT
    text = assignment.sub(_mask_assignment, text)
    if "eyJ" in text:
        text = _JWT.sub(lambda match: mask(match[0]), text)
    return _CREDENTIAL.sub(lambda match: f"{match[1]}{match[2]}{mask(match[3])}", text)


def _mask_assignment(match: re.Match[str]) -> str:
    value = match[4]
    if value in ("null", "true", "false"):
        return match[0]
    sign = value[0] if value[0] in "\"'" else ""
    return f"{match[1]}{sign}{_mask_value(match[3], value.strip(sign) if sign else value)}{sign}"


def mask_body(content: bytes, content_type: str, *, is_fhir: bool = False) -> str:
    """Return the text of a body with its secrets masked; of other bodies, their size."""
    if not content:
        return ""
    if not any(kind in content_type for kind in _TEXT):
        return f"[{len(content)} bytes]"
    text = content.decode("utf-8", "replace")
    if is_fhir and not content_type.startswith(_FORM):  # it may be long: what is left out is not looked at
        kept = text[:BODY_CHARACTERS_MAX]
        masked = mask_text(kept, is_fhir=True) if any(word in kept for word in _WORDS_OF_SECRETS) else kept
        return masked + _describe_rest(text)
    if content_type.startswith(_FORM):
        text = mask_query(text, is_fhir=is_fhir)
    elif "json" in content_type:
        text = _mask_json(content, text)
    elif "html" in content_type:
        text = _HIDDEN.sub(lambda match: f"{match[1]}{_mask_value(match[2], match[3])}", text)
        text = _LONG_WORD.sub(lambda match: mask(match[0]), mask_text(text))
    else:
        text = mask_text(text)
    return text[:BODY_CHARACTERS_MAX] + _describe_rest(text)


_CUT = re.compile(r"(?:\n\[[0-9]+ characters more\]|\A\[[0-9]+ bytes\])\Z")
"""The end of a body that is not kept as a whole."""


def _describe_rest(text: str) -> str:
    left_out = len(text) - BODY_CHARACTERS_MAX
    return f"\n[{left_out} characters more]" if left_out > 0 else ""


_WORDS_OF_SECRETS = ("token", "secret", "assertion", "verifier", "passw", "eyJ", "earer", "asic ")
"""Most FHIR texts have none of them, and looking closer takes a while."""


def _mask_json(content: bytes, text: str) -> str:
    try:
        return mask_text(json.dumps(_masked(json_value(content)), ensure_ascii=False))
    except (ValueError, RecursionError):
        return mask_text(text)


def _masked(value: Any) -> Any:
    if isinstance(value, list):
        return [_masked(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _mask_member(name, item) for name, item in value.items()}
    return value


def _mask_member(name: str, value: Any) -> Any:
    if name.strip().lower() not in SECRET_PARAMETERS or value is None or isinstance(value, bool):
        return _masked(value)
    return _mask_value(name.strip(), value if isinstance(value, str) else json.dumps(value))
