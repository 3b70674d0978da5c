"""Two runs with the same seed are the same run: every exchange of every scenario, one by one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from itertools import zip_longest
from pathlib import Path

import httpx
import pytest
from support import stores
from support.rerun import GRADED, Told, started
from support.running import listening

from sandbox.core.clock import FrozenClock, SystemClock
from sandbox.faults.catalog import load
from sandbox.settings import Settings, root


@pytest.mark.catalogue
def test_the_catalogue_is_the_same_twice(settings: Settings, tmp_path: Path) -> None:
    """By two processes with payers from nothing, at one instant."""
    at = SystemClock().now()
    runs = [
        started(settings.library, stores.ledger(tmp_path / f"{seed}.db"), at, hash_seed=seed)
        for seed in (1, 2)
    ]
    first, second = (json.loads(run.communicate(timeout=600)[0]) for run in runs)
    assert set(first) >= {*load(root() / "scenarios").by_id, *GRADED, "clock"}
    assert differences(first, second) == []
    assert sum(map(len, first.values())) > 2000


def differences(first: Told, second: Told) -> list[str]:
    """Where the second run tells something else."""
    return [
        f"{tenant}, entry {number}: {one} and {other}"
        for tenant in sorted({*first, *second})
        for number, (one, other) in enumerate(zip_longest(first.get(tenant, []), second.get(tenant, [])))
        if one != other
    ]


def test_another_seed_is_another_run(settings: Settings, tmp_path: Path) -> None:
    """What is compared would show a difference: the same steps with another seed fail elsewhere."""
    at, told = datetime.fromisoformat("2026-11-11T11:11:11+00:00"), []
    for seed in (1, 2):
        payer = replace(settings, seed=seed, ledger=stores.ledger(tmp_path / f"{seed}.db"))
        with listening(payer, FrozenClock(at)) as origin:
            prefix = f"{origin}/s/token-endpoint-hiccups,share=0.5~twice"
            for _ in range(20):
                httpx.post(f"{prefix}/auth/token", data={"grant_type": "refresh_token"})
            entries = httpx.get(f"{prefix}/_sandbox/journal").json()["entries"]
            told.append({"it": [{"status": entry["status"]} for entry in entries]})
    assert len(told[0]["it"]) == 20
    assert differences(*told)
