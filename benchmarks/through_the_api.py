"""The whole population as its members see it: every type of every member, page after page, over HTTP.

    .venv/bin/python benchmarks/through_the_api.py out/api [--members 100] [--seed 1] [--count 50]

Starts a payer, signs every member in through its pages, fetches what each token reaches (what is shared,
once) and writes a file of NDJSON for each type: what `make validate-api` gives to a validator. Prints
the requests, who could not connect and why, and how much of what the library holds came; exit code 1 if
a page was not as it should be, or if something is missing that no refusal explains.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.smart_app import SmartApp

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.core.files import json_bytes
from sandbox.fhir.dates import milliseconds
from sandbox.fhir.schema.types import SHARED, TYPES
from sandbox.fhir.search.query import parse
from sandbox.server.app import create_app
from sandbox.server.embedded import serving, with_library
from sandbox.settings import Settings
from sandbox.store.library.read import SqlLibrary

Key = tuple[str, str]


class Harvest:
    """What came over HTTP, and how."""

    def __init__(self, origin: str, count: int):
        self.origin, self.count = origin, count
        self.found: dict[Key, dict[str, Any]] = {}
        self.seen_by: dict[Key, str] = {}
        self.refused: dict[str, str] = {}
        self.requests = 0
        self.wrong: list[str] = []

    def member(self, username: str) -> None:
        """All that a member's own token reaches, but for what is shared."""
        with SmartApp(self.origin) as app:
            said = app.agree(username)
            if "code" not in said:
                self.refused[username] = said.get("error_description", said["error"])
                return
            app.tokens = app.redeem(said["code"]).json()
            for kind in TYPES:
                if kind not in SHARED:
                    self._walk(app, username, kind)

    def shared(self, username: str) -> None:
        """What every token reaches."""
        with SmartApp(self.origin) as app:
            app.connect(username)
            for kind in sorted(SHARED):
                self._walk(app, username, kind)

    def _walk(self, app: SmartApp, username: str, kind: str) -> None:
        url, seen, total = f"{kind}?_count={self.count}", 0, None
        while url:
            answer = app.get(url)
            self.requests += 1
            if answer.status_code != 200:
                self.wrong.append(f"{answer.status_code} for {url}: {answer.text[:200]}")
                return
            page = answer.json()
            total = page["total"]
            for entry in page.get("entry", []):
                resource = entry["resource"]
                key = (resource["resourceType"], resource["id"])
                if (
                    entry["fullUrl"] != f"{app.base}/fhir/{'/'.join(key)}"
                    or entry["search"]["mode"] != "match"
                ):
                    self.wrong.append(f"an entry of {url} is not as it should be: {key}")
                if key in self.found and self.found[key] != resource:
                    self.wrong.append(f"{key} was seen in two shapes")
                if self.seen_by.get(key) == username:
                    self.wrong.append(f"{key} came twice to {username}")
                self.found[key], self.seen_by[key] = resource, username
                seen += 1
            url = next((link["url"] for link in page["link"] if link["relation"] == "next"), "")
        if seen != total:
            self.wrong.append(f"{username}: {seen} of {total} {kind} came")

    def written(self, folder: Path) -> Counter[str]:
        """NDJSON, a file a type. Returns how many of each."""
        folder.mkdir(parents=True, exist_ok=True)
        by_type: dict[str, list[bytes]] = {}
        for (kind, _), resource in self.found.items():
            by_type.setdefault(kind, []).append(json_bytes(resource))
        for kind, lines in by_type.items():
            (folder / f"{kind}.ndjson").write_bytes(b"\n".join(lines) + b"\n")
        return Counter({kind: len(lines) for kind, lines in by_type.items()})


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=Path)
    options.add_argument("--members", type=int, default=Settings().members)
    options.add_argument("--seed", type=int, default=Settings().seed)
    options.add_argument("--carin", default=Settings().carin)
    options.add_argument("--us-core", default=Settings().us_core)
    options.add_argument("--count", type=int, default=50)
    asked = options.parse_args()
    logging.disable(logging.CRITICAL)
    clock = FrozenClock(SystemClock().now())  # what becomes visible meanwhile would be counted twice
    population = Settings(members=asked.members, seed=asked.seed, carin=asked.carin, us_core=asked.us_core)
    settings = with_library(population)
    library = SqlLibrary(settings.library)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(replace(settings, ledger=str(Path(folder) / "ledger.db")), clock)
        with serving(app) as origin:
            harvest = Harvest(origin, asked.count)
            accounts = library.accounts()
            for username in accounts:
                harvest.member(username)
            harvest.shared(next(name for name in accounts if name not in harvest.refused))
    took = time.perf_counter() - began
    written = harvest.written(asked.folder)
    print(
        f"{len(accounts)} logins, {harvest.requests} requests in {took:.0f} s,"
        f" {written.total()} resources in {asked.folder}"
    )
    for username, why in harvest.refused.items():
        print(f"  {username} could not connect: {why}")
    now = milliseconds(clock.now())
    unseen = missing(library, harvest, accounts, now)
    for kind in TYPES:
        held = library.search(parse(kind, [("_summary", "count")]), now).total
        print(f"  {kind}: {written[kind]} of {held}")
    wrong = [*unseen, *harvest.wrong]
    for line in wrong[:20]:
        print(f"WRONG: {line}")
    if len(wrong) > 20:
        print(f"… and {len(wrong) - 20} more")
    return int(bool(wrong))


def missing(library: SqlLibrary, harvest: Harvest, accounts: Any, now: int) -> list[str]:
    """What the library holds now and nobody saw, but for what is whose who could not connect and of
    nobody who has a login."""
    reached = {account.patient for name, account in accounts.items() if name not in harvest.refused}
    found = []
    for kind in TYPES:
        after = 0
        while True:
            page = library.search(replace(parse(kind, [("_count", "500")]), after=after), now)
            found += [
                f"{s.type}/{s.id} of {s.patient} was not seen"
                for s in page.matches
                if (s.patient is None or s.patient in reached) and (s.type, s.id) not in harvest.found
            ]
            if not page.more:
                break
            after = page.last
    return found


if __name__ == "__main__":
    sys.exit(main())
