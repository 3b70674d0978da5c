"""A client of a running payer: its addresses and its control API."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from operator import methodcaller
from typing import Any
from urllib.parse import quote

import httpx

from sandbox.core.errors import UsageError
from sandbox.settings import Settings, listening_url

__tracebackhide__ = methodcaller("errisinstance", UsageError)
"""In a test, pytest shows the line of the test, and not ours, where the usage was wrong."""

POLL_SECONDS = 20
"""How long one call that follows the journal may wait."""


def prefix(settings: Settings, url: str | None = None, scenario: str | None = None) -> str:
    """The address of a payer, without /fhir: the one given, or the one that `serve` starts here."""
    if url is None:
        url = settings.public_url or listening_url(settings)
    return select(strip_fhir(url), scenario) if scenario else strip_fhir(url)


def strip_fhir(url: str) -> str:
    """Return the prefix of a payer from its FHIR base, or from the prefix itself."""
    return url.rstrip("/").removesuffix("/fhir")


def fhir_base(prefix: str) -> str:
    """Return the FHIR base of the payer with this prefix."""
    return f"{prefix}/fhir"


def auth_base(prefix: str) -> str:
    """Return where the payer with this prefix issues tokens."""
    return f"{prefix}/auth"


def list_addresses(prefix: str) -> dict[str, str]:
    """Return what the payer with this prefix serves to apps and people: name → address."""
    pages = {name: f"{prefix}/{name}" for name in ("portal", "developer", "console")}
    return {"fhir": fhir_base(prefix), "auth": auth_base(prefix), **pages}


def select(prefix: str, selection: str) -> str:
    """Return the prefix of the payer of a scenario, a session or both (`rate-limited~t7`)."""
    return f"{prefix}/s/{selection}"


class Remote:
    """The payer at `base`, which has no /fhir and no slash at the end.

    Every method raises UsageError if the payer cannot be reached or returns an error.
    """

    def __init__(self, base: str, key: str = ""):
        self.base = base
        self._headers = {"X-Sandbox-Key": key} if key else {}

    def call(
        self, method: str, path: str, body: object = None, query: Mapping[str, Any] | None = None
    ) -> Any:
        """Call the control API."""
        answer = self._send(method, path, body, query)
        try:
            body_json = answer.json()
        except ValueError:
            raise UsageError(f"{self.base} is not a payer sandbox") from None
        if answer.status_code != 200:
            raise UsageError(body_json.get("message") or f"{self.base} answered {answer.status_code}")
        return body_json

    def _send(
        self, method: str, path: str, body: object = None, query: Mapping[str, Any] | None = None
    ) -> httpx.Response:
        try:
            return httpx.request(
                method,
                f"{self.base}/_sandbox/{path}",
                json=body,
                params=query,
                headers=self._headers,
                timeout=POLL_SECONDS + 10,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as problem:
            raise UsageError(f"{self.base} cannot be reached: {problem}") from None

    def sign_in(self, member: str, scope: str = "", refresh: int = 0) -> httpx.Response:
        """Sign a member in, and return what the token endpoint answered, also where it is an error.

        Raises UsageError where the sign-in ends before there is a token request.
        """
        answer = self._send("POST", "sign-in", {"member": member, "scope": scope, "refresh": refresh})
        if answer.status_code != 200:
            with suppress(
                ValueError, TypeError, KeyError
            ):  # `message` is a field of our errors, not of OAuth's
                raise UsageError(answer.json()["message"])
        return answer

    def clock_state(self, *, advance: str | None = None, to: str | None = None) -> dict[str, Any]:
        """The payer's time (`now`, ISO 8601) and `ahead_seconds`, after moving the clock where asked."""
        body = {"advance": advance} if advance else {"set": to} if to else None
        state: dict[str, Any] = self.call("POST" if body else "GET", "clock", body)
        return state

    def clock(self, *, advance: str | None = None, to: str | None = None) -> str:
        """Move the clock if `advance` or `to` is set, and return the payer's time as ISO 8601."""
        return str(self.clock_state(advance=advance, to=to)["now"])

    def journal(self, limit: int = 10_000, **query: Any) -> list[dict[str, Any]]:
        """Return the latest exchanges, oldest first; `query` has the filters of the control API."""
        entries: list[dict[str, Any]] = self.call("GET", "journal", query={"limit": limit, **query})[
            "entries"
        ]
        return entries

    def last(self) -> int:
        """Return the number of the latest exchange."""
        return int(self.call("GET", "journal", query={"limit": 1})["last"])

    def follow(self, after: int, **query: Any) -> Iterator[dict[str, Any]]:
        """Yield new exchanges without end."""
        while True:
            query_sent = {**query, "after": after, "wait": POLL_SECONDS}
            body_json = self.call("GET", "journal", query=query_sent)
            after = body_json["last"]
            yield from body_json["entries"]

    def scenarios(self, query: str = "") -> list[dict[str, Any]]:
        """Return the catalog, or the scenarios that match the words of a query, best first."""
        listed: list[dict[str, Any]] = self.call("GET", "scenarios", query={"q": query})["scenarios"]
        return listed

    def switch(self, selection: str) -> str:
        """Switch scenarios on, whatever address the clients use; an empty selection switches them off."""
        return str(self.call("POST", "scenarios", {"selection": selection})["switched"])

    def armed(self) -> list[dict[str, Any]]:
        """The faults that are armed for the next calls: number, times, left, when, then."""
        armed: list[dict[str, Any]] = self.call("GET", "fail-next")["armed"]
        return armed

    def fail_next(
        self, times: int = 1, when: Mapping[str, Any] | None = None, then: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Arm a fault that happens `times` times, and return all armed faults."""
        fault = {"times": times, "when": when, "then": then}
        sent = {name: value for name, value in fault.items() if value is not None}
        armed: list[dict[str, Any]] = self.call("POST", "fail-next", sent)["armed"]
        return armed

    def disarm(self) -> None:
        """Forget every armed fault."""
        self.call("DELETE", "fail-next")

    def member(self, username: str) -> dict[str, Any]:
        """What is decided about a member, and what follows."""
        status: dict[str, Any] = self.call("GET", f"members/{quote(username, safe='')}")
        return status

    def decide_member(self, username: str, **decisions: bool) -> dict[str, Any]:
        """Decide about a member: `locked`, `approved`, `opted_in`, `opted_out`. Returns what is decided."""
        status: dict[str, Any] = self.call("POST", f"members/{quote(username, safe='')}", decisions)
        return status

    def revoke(self, username: str, client: str | None = None) -> int:
        """End what a member granted to an app, or to every app. Returns how many grants ended."""
        path = f"members/{quote(username, safe='')}/revoke"
        return int(self.call("POST", path, {"client": client} if client else {})["revoked"])

    def clients(self) -> list[dict[str, Any]]:
        """Every app that the payer knows."""
        apps: list[dict[str, Any]] = self.call("GET", "clients")["clients"]
        return apps

    def client(self, id: str) -> dict[str, Any]:
        """One app, in the words of RFC 7591."""
        app: dict[str, Any] = self.call("GET", f"clients/{quote(id, safe='')}")
        return app

    def decide_client(self, id: str, **change: str) -> dict[str, Any]:
        """Change an app: `state` with `criterion`, or `rotate_secret`, which adds `client_secret`."""
        app: dict[str, Any] = self.call("POST", f"clients/{quote(id, safe='')}", change)
        return app

    def rotate_keys(self) -> str:
        """Sign id_tokens with a new key. Returns its `kid`."""
        return str(self.call("POST", "keys/rotate")["kid"])

    def reset(self) -> str:
        """Delete all state of this tenant, and return its name."""
        return str(self.call("POST", "reset")["reset"])
