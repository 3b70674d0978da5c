"""A pretend app that shows members their claims. It was written in an afternoon, and mended three times."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Any

import httpx

FIXES = os.environ.get("PRETEND_APP_FIXES", "wait,refresh,follow").split(",")
"""Which of its three fixes are in."""


@dataclass
class App:
    fhir: str
    auth: str
    tokens: dict[str, Any]

    def get(self, url: str) -> dict[str, Any]:
        answer = self._ask(url)
        while "wait" in FIXES and answer.status_code in (429, 503):  # fix 1: wait as long as one is told
            time.sleep(int(answer.headers.get("Retry-After", "1")))
            answer = self._ask(url)
        if "refresh" in FIXES and answer.status_code == 401:  # fix 2: expires_in is a promise, 401 the truth
            self.refresh()
            answer = self._ask(url)
        answer.raise_for_status()
        body: dict[str, Any] = answer.json()
        return body

    def _ask(self, url: str) -> httpx.Response:
        return httpx.get(url, headers={"Authorization": f"Bearer {self.tokens['access_token']}"})

    def refresh(self) -> None:
        form = {"grant_type": "refresh_token", "refresh_token": self.tokens["refresh_token"],
                "client_id": "sandbox-app"}  # fmt: skip
        answer = httpx.post(f"{self.auth}/token", data=form)
        answer.raise_for_status()
        self.tokens |= answer.json()  # the old refresh token is dead now

    def claims(self) -> list[dict[str, Any]]:
        url, found = f"{self.fhir}/ExplanationOfBenefit?_count=10", []
        while url:
            bundle = self.get(url)
            found += [entry["resource"] for entry in bundle.get("entry", [])]
            links = {link["relation"]: link["url"] for link in bundle["link"]}
            url = links.get("next", "") if "follow" in FIXES else ""  # fix 3: a page is not all there is
        return found
