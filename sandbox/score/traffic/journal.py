"""Reads the sandbox's own journal, which its operator downloads; the grader never requests it.

It holds paths without queries, so an attempt is followed by the order of its steps: authorize, login,
consent, token. It also names the faults that a scenario injected; these are not read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from sandbox.score.traffic.record import Step, TrafficRecord

_FHIR = re.compile(r"([A-Z]\w+)(?:/([^/$]+))?(/\$everything)?")
_DOCUMENTS = ("metadata", ".well-known/smart-configuration")


def records(entries: Iterable[Any], leave_out: Callable[[str], None]) -> Iterator[TrafficRecord]:
    """Yield records of a journal's entries. `leave_out` gets the reason for each that is left out."""
    entries = list(entries)
    attempts = _Attempts({str(e["member"]) for e in entries if _consented(e)})
    latest: dict[str, tuple[str, int]] = {}
    for number, entry in enumerate(entries, 1):
        try:
            common: dict[str, Any] = {
                "ts": datetime.fromisoformat(entry["at"]),
                "method": str(entry["method"]),
                "url": str(entry["path"]),
                "status": int(entry["status"]),
                "latency_ms": entry.get("ms"),
                "request_id": str(entry.get("request", "")),
            }
            TrafficRecord(kind="fhir", **common)
        except (KeyError, TypeError, ValueError):
            leave_out(f"entry {number}: not an entry of a journal")
            continue
        path, status = common["url"], common["status"]
        api, below = _split(path)
        if api == "auth":
            yield from attempts.step(below, entry, common)
        elif api == "fhir" and below in _DOCUMENTS:
            yield TrafficRecord(kind="discovery", **common)
        elif api == "fhir" and (match := _FHIR.fullmatch(below)):
            kind, id_, everything = match.groups()
            member = str(entry.get("member", ""))
            step: Step = "reference" if id_ and kind != "Patient" else "individual"
            if everything:  # the same address again right after it: its next page
                step = "pagination" if latest.get(member) == (path, 200) else "everything"
            latest[member] = path, status
            who = attempts.of_member.get(member, "")
            yield TrafficRecord(
                kind="fhir", rtype=kind, extract_step=step, attempt_id=who, sync_id=member, **common
            )


def _split(path: str) -> tuple[str, str]:
    """Return the API of a path and what follows its name: `("auth", "login")`."""
    _, api, below = [*path.split("/", 2), "", ""][:3]
    return api, below


def _consented(entry: Any) -> bool:
    is_consent = isinstance(entry, dict) and _split(str(entry.get("path"))) == ("auth", "consent")
    return is_consent and bool(entry.get("member"))


class _Attempts:
    """Sign-in attempts in the order in which they began. A step belongs to the first that waits for it."""

    def __init__(self, consented: set[str]) -> None:
        self._consented = consented
        self.of_member: dict[str, str] = {}
        self._count = 0
        self._waiting: dict[str, list[str]] = {"login": [], "consent": [], "token": []}
        self._member: dict[str, str] = {}

    def step(self, step: str, entry: dict[str, Any], common: dict[str, Any]) -> Iterator[TrafficRecord]:
        status, member = common["status"], str(entry.get("member", ""))
        if step == "authorize" and status < 500:
            self._count += 1
            name = f"attempt-{self._count}"
            came = 300 <= status < 400
            if came:
                self._waiting["login"].append(name)
            yield self._event(name, "CREATED", common)
            if not came:
                yield self._event(name, "ERROR_PAGE", common)
        elif step == "login" and common["method"] == "POST" and (name := self._take("login")):
            refusal = str(entry.get("refusal", ""))
            if refusal and not (300 <= status < 400 and member in self._consented):
                callback = 300 <= status < 400
                state = "INELIGIBLE_CALLBACK" if callback else "INELIGIBLE_PAGE"
                if refusal == "not-opted-in":
                    state = "CALLBACK_ERROR" if callback else "ERROR_PAGE"
                yield self._event(name, state, common, description=refusal)
            elif 300 <= status < 400 and member:
                self._waiting["consent"].append(name)
                self._member[name] = member
            else:
                self._waiting["login"].insert(0, name)
                yield self._event(name, "LOGIN_FAILED" if status < 500 else "ERROR_PAGE", common)
        elif step == "consent" and common["method"] == "POST":
            name = self._take("consent", member)
            if name and 300 <= status < 400:
                self._waiting["token"].append(name)
                yield self._event(name, "CODE_ISSUED", common)
            elif name:
                yield self._event(name, "ERROR_PAGE", common)
        elif step == "token":
            yield from self._token(entry, common)

    def _token(self, entry: dict[str, Any], common: dict[str, Any]) -> Iterator[TrafficRecord]:
        if entry.get("grant_type") == "refresh_token":
            yield TrafficRecord(kind="token", grant_type="refresh_token", **common)
        elif name := self._take("token"):
            self.of_member[self._member.get(name, "")] = name
            yield TrafficRecord(kind="token", attempt_id=name, **common)

    def _take(self, step: str, member: str = "") -> str:
        for name in self._waiting[step]:
            if not member or self._member.get(name) == member:
                self._waiting[step].remove(name)
                return name
        return ""

    def _event(self, name: str, state: str, common: dict[str, Any], description: str = "") -> TrafficRecord:
        return TrafficRecord(
            kind="authz_event", attempt_id=name, outcome=state, description=description, **common
        )
