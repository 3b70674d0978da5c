"""What a grade costs the grader: its computing beside that of a bare client that asks as often.

    .venv/bin/payer-sandbox serve --port 9180 &
    .venv/bin/python benchmarks/grading.py http://127.0.0.1:9180 [ROUNDS]

Computing of this process only; the payer has its own. The ratio is steadier than the times.
"""

from __future__ import annotations

import sys
import time

import httpx

from sandbox.score.run import grade


def spent(rounds: int, origin: str) -> tuple[float, int]:
    """CPU seconds of the best of `rounds` grades, and how many requests each made."""
    best, asked = float("inf"), 0
    for number in range(rounds):
        began = time.process_time()
        card, evidence = grade(f"{origin}/s/baseline~benchmark-{number}/fhir")
        best = min(best, time.process_time() - began)
        assert card.score == card.max, "this benchmark is of a payer in order"
        asked = sum(len(found.exchanges) for found in evidence.observations.values())
    return best, asked


def bare(rounds: int, origin: str, asked: int) -> float:
    """CPU seconds of as many plain GETs of one small document over kept connections."""
    best = float("inf")
    with httpx.Client() as http:
        for _ in range(rounds):
            began = time.process_time()
            for _ in range(asked):
                http.get(f"{origin}/fhir/.well-known/smart-configuration").raise_for_status()
            best = min(best, time.process_time() - began)
    return best


if __name__ == "__main__":
    where, times = sys.argv[1].rstrip("/"), int(sys.argv[2]) if len(sys.argv) > 2 else 3
    grader, requests = spent(times, where)
    client = bare(times, where, requests)
    print(
        f"{requests} requests: grader {grader:.2f} s, bare client {client:.2f} s, ratio {grader / client:.2f}"
    )
