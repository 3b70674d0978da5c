"""Journals written by hand: what an app did, a line each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

START = datetime(2027, 1, 4, 12, tzinfo=UTC)
LONG_STATE = 43


class Journal:
    """Entries in order; each arrives `wait` seconds after the answer before it, and takes 10 ms."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []
        self._at = 0.0

    def call(
        self, what: str, status: int = 200, *, wait: float = 0.1, ms: float = 10, **more: Any
    ) -> Journal:
        method, path = what.split()
        self._at += wait + ms / 1000
        at = START + timedelta(seconds=self._at)
        told = {"number": len(self.entries) + 1, "at": at.isoformat(), "request": f"r{len(self.entries) + 1}",
                "method": method, "path": path, "status": status, "ms": ms, "client": "app"}  # fmt: skip
        self.entries.append(told | more)
        return self

    # signing in

    def discover(self) -> Journal:
        return self.call("GET /fhir/.well-known/smart-configuration", client=None)

    def authorize(
        self, state: str = "s1", challenge: str = "c1", scope: str = "patient/Patient.rs", **more: Any
    ) -> Journal:
        sent = {"scope": scope, "code_challenge_method": "S256"}
        marks = {"state": state, "code_challenge": challenge}
        told = {
            "state_length": LONG_STATE,
            "sent": sent,
            "marks": marks,
            "params": ["state", "code_challenge"],
        }
        return self.call("GET /auth/authorize", 303, **told | more)

    def consent(self, state: str = "s1", code: str = "k1", **more: Any) -> Journal:
        return self.call(
            "POST /auth/consent", 303, member="maria", issued={"state": state, "code": code}, **more
        )

    def redeem(
        self, code: str = "k1", access: str = "a1", refresh: str = "f1", status: int = 200, **more: Any
    ) -> Journal:
        issued = {"access_token": access, "refresh_token": refresh} if status == 200 else {}
        told = {
            "sent": {"grant_type": "authorization_code"},
            "marks": {"code": code},
            "params": ["code_verifier"],
        }
        return self.call("POST /auth/token", status, issued=issued, **told | more)

    def sign_in(self, n: int = 1, **more: Any) -> Journal:
        return (
            self.authorize(f"s{n}", f"c{n}", **more)
            .consent(f"s{n}", f"k{n}")
            .redeem(f"k{n}", f"a{n}", f"f{n}")
        )

    def refresh(
        self, old: str = "f1", access: str = "a2", new: str = "f2", status: int = 200, **more: Any
    ) -> Journal:
        issued = {"access_token": access, "refresh_token": new} if status == 200 else {}
        told = {"sent": {"grant_type": "refresh_token"}, "marks": {"refresh_token": old}}
        return self.call("POST /auth/token", status, issued=issued, **told | more)

    # reading

    def get(self, path: str = "Patient", status: int = 200, token: str = "a1", **more: Any) -> Journal:
        told = {"member": "maria", "token": token, "accept": "application/fhir+json"}
        return self.call(f"GET /fhir/{path}", status, **told | more)

    def dead(self, path: str = "Patient", token: str = "a1", state: str = "expired", **more: Any) -> Journal:
        """A request whose token is refused: the journal does not know whose it was."""
        return self.get(path, 401, token, token_state=state, **{"member": None, "client": None} | more)

    def page(self, asked: str = "", next: str = "", **more: Any) -> Journal:
        told = {"params": ["_page"], "marks": {"_page": asked}, "query": f"q{asked}"} if asked else {}
        return self.get("ExplanationOfBenefit", next=next, **told | more)

    def busy(self, path: str = "Patient", status: int = 429, wait_for: str = "2", **more: Any) -> Journal:
        return self.get(path, status, retry_after=wait_for, **more)
