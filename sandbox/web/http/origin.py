"""The address a request came under, settled before anything is built from it; and who sent it.

With a public URL every address that we tell is built from it, whatever Host says. Without one it is
built from Host, once that is a host we answer to. Headers of proxies move no address.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from sandbox.core.cache import bounded
from sandbox.core.errors import BadRequest, Misdirected, SandboxProblem
from sandbox.core.hosts import HOST_MAX, HostPolicy, format_host, is_loopback_host, parse_address, parse_host
from sandbox.core.waits import CALLER

REFUSAL = "sandbox.refusal"
"""Key of the WSGI environment: the Problem that a request is answered with instead."""

HOSTS = 256 << 10
"""Bytes of Host headers that are remembered with what they mean."""

_RECEIVED = "sandbox.received_host"
_OLD = ("HTTP/1.0", "HTTP/0.9")
_FORWARDING = re.compile(
    r"HTTP_(?:.*FORWARDED.*|(?:.*_)?VIA|CDN_LOOP|CF_.*|X_ENVOY_.*|X_AMZN?_.*|X_ARR_.*|X_AZURE_.*|X_VARNISH"
    r"|X_(?:ORIGINAL|REWRITE)_.*|X_(?:HOST|SCHEME)|FRONT_END_HTTPS|SURROGATE_CAPABILITY|TAILSCALE_.*"
    r"|(?:.*_)?(?:(?:CLIENT|SOCKET)?IP|ADDR|ADDRESS))"
)
_WELL_KNOWN = re.compile(r"(/\.well-known/[^/]+)(/.*)")
_HOPS_MAX = 16
"""Proxies of one's own between a caller and us, at most."""


class OriginMiddleware:
    """WSGI: refuses hosts that are not ours, and writes the address that links are built from into the
    environment: scheme, Host and SCRIPT_NAME of the public URL, or Host in its canonical form."""

    def __init__(self, app: Callable[..., Iterable[bytes]], policy: HostPolicy):
        self._app, self._policy = app, policy
        self._settle = bounded(HOSTS)(self._settle_host)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        policy, sent = self._policy, environ.get("HTTP_HOST")
        if sent is not None and len(sent) > HOST_MAX:  # not worth a place in the cache
            sent = ""
        host = self._settle(environ["wsgi.url_scheme"], sent)
        if sent is None and environ.get("SERVER_PROTOCOL") not in _OLD:
            host = BadRequest(
                "The request has no Host header (RFC 9112 §3.2).",
                cause="host-unknown",
                expression="http.host",
            )
        if host is None:
            host = _listening_host(environ, policy)
        elif isinstance(host, SandboxProblem):
            environ[REFUSAL] = host
            host = _listening_host(environ, policy)
        environ[_RECEIVED] = environ["HTTP_HOST"] = host
        if "HTTP_X_FORWARDED_FOR" in environ:
            environ[CALLER] = _forwarded_caller(environ, policy)
        if (public := policy.public) is not None:
            environ["wsgi.url_scheme"], environ["HTTP_HOST"] = public.scheme, public.host
            if public.path:
                environ["SCRIPT_NAME"] = public.path
                environ["PATH_INFO"] = _without_prefix(environ.get("PATH_INFO", ""), public.path)
        return self._app(environ, start_response)

    def _settle_host(self, scheme: str, sent: str | None) -> str | SandboxProblem | None:
        """The canonical form of a Host header, or why it is refused; None where there is none."""
        if sent is None:
            return None
        host = parse_host(sent)
        if host is None:
            return BadRequest(
                "The Host header is not a host name.", cause="host-unknown", expression="http.host"
            )
        if not self._policy.allows(host[0]):
            return Misdirected(
                f"This server does not answer to the host {host[0]}. Whoever runs it can say so: "
                f"serve --allowed-host {host[0]} (PAYER_SANDBOX_ALLOWED_HOST), or --public-url",
                cause="host-unknown",
                expression="http.host",
            )
        return format_host(*host, scheme)


def _listening_host(environ: Mapping[str, Any], policy: HostPolicy) -> str:
    """The address that the connection came to; where the server does not tell, the one it listens on."""
    name, port = environ.get("SERVER_NAME", ""), str(environ.get("SERVER_PORT", ""))
    parsed = parse_host(format_host(name, int(port) if port.isdigit() else policy.port))
    if parsed is None or parsed[0] in ("0.0.0.0", "::"):  # noqa: S104  only compared
        bound = policy.bound if policy.bound not in ("0.0.0.0", "::", "") else "127.0.0.1"  # noqa: S104
        parsed = parse_host(format_host(bound, policy.port)) or ("localhost", policy.port)
    return format_host(*parsed, environ["wsgi.url_scheme"])


def _without_prefix(path: str, prefix: str) -> str:
    """The path below the public URL's, whether the proxy has taken its prefix away or not. Metadata
    of an issuer with a path have it behind the well-known name (RFC 8414 §3.1)."""
    if path == prefix or path.startswith(f"{prefix}/"):
        return path.removeprefix(prefix)
    match = _WELL_KNOWN.fullmatch(path)
    if match and match[2].startswith(f"{prefix}/"):
        return match[1] + match[2].removeprefix(prefix)
    return path


def _forwarded_caller(environ: Mapping[str, Any], policy: HostPolicy) -> str:
    """The last address in X-Forwarded-For that no proxy of ours has: what lies before it, anybody may
    have written."""
    caller = environ.get("REMOTE_ADDR", "")
    for hop in reversed(environ["HTTP_X_FORWARDED_FOR"].split(",")[-_HOPS_MAX:]):
        # Some proxies write a port, too.
        text = hop.strip()
        address = parse_address(text) or parse_address((parse_host(text) or ("",))[0])
        if address is None or not policy.is_proxy(caller):
            break
        caller = str(address)
    return caller


def caller_address(environ: Mapping[str, Any]) -> str:
    """The address a request came from: the connection's, or what a trusted proxy says. This is the
    one that quotas and throttles count by."""
    address: str = environ.get(CALLER) or environ.get("REMOTE_ADDR") or ""
    return address


def received_host(environ: Mapping[str, Any]) -> str:
    """The Host that was sent, in canonical form, where links are built from the public URL."""
    host: str = environ.get(_RECEIVED) or environ.get("HTTP_HOST") or ""
    return host


def is_forwarded(environ: Mapping[str, Any]) -> bool:
    """Whether any header says that a proxy has passed the request on."""
    return any(_FORWARDING.fullmatch(name) for name in environ if name.startswith("HTTP_"))


def is_local(environ: Mapping[str, Any], policy: HostPolicy) -> bool:
    """Whether somebody on this machine sent the request, and no proxy for somebody else.

    A proxy that tells nothing of itself still speaks HTTP/1.0 (nginx, unless told otherwise), or
    passes a Host on that is not this machine's. A published payer trusts nobody for being near.
    """
    address = parse_address(environ.get("REMOTE_ADDR", ""))
    name, _ = parse_host(received_host(environ)) or ("", None)
    return (
        not policy.is_published
        and address is not None
        and address.is_loopback
        and is_loopback_host(name)
        and environ.get("SERVER_PROTOCOL") not in _OLD
        and not is_forwarded(environ)
    )
