"""How long small requests take while others wait, drip, are silent, do not read, or ask for the most.

    .venv/bin/python benchmarks/availability.py

One `payer-sandbox serve` with its defaults. A process of its own asks for the health check and for one
resource, 50 times a second each, for `--seconds` in each situation; another process makes the situation.
Quiet seconds stand before each one, and the ratio is that of the two p99 in the same turn.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

PORT = 18451
ORIGIN = f"http://127.0.0.1:{PORT}"
COMMAND = [sys.executable, "-m", "sandbox.cli.main"]


# --- what small requests take ------------------------------------------------------------------------


async def sample(path: str, token: str, seconds: float, rate: float = 50) -> list[float]:
    """Milliseconds of requests that begin at an even rate, however long each takes."""
    times: list[float] = []
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
    async with httpx.AsyncClient(base_url=ORIGIN, timeout=30, limits=limits) as http:

        async def ask() -> None:
            begun = time.perf_counter()
            answer = await http.get(path, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            times.append((time.perf_counter() - begun) * 1000)

        tasks = []
        for _ in range(int(seconds * rate)):
            tasks.append(asyncio.create_task(ask()))
            await asyncio.sleep(1 / rate)
        await asyncio.gather(*tasks)
    return times


async def both(read: str, token: str, seconds: float) -> tuple[list[float], list[float]]:
    return await asyncio.gather(
        sample("/_sandbox/health", token, seconds), sample(read, token, seconds)
    )  # fmt: skip


def p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


# --- situations: each runs until it is cancelled ------------------------------------------------------


async def lines(path: str, *headers: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{PORT}", *headers, "", ""]).encode()


async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", PORT)


async def again(one: Callable[[], Coroutine[Any, Any, None]], number: int) -> None:
    """Keep `number` callers busy; who is thrown out comes again after a second."""

    async def forever() -> None:
        while True:
            with suppress(OSError):
                await one()
            await asyncio.sleep(1)

    await asyncio.gather(*(forever() for _ in range(number)))


async def waiting(token: str, patient: str) -> None:
    async def one() -> None:
        reader, writer = await connect()
        writer.write(await lines("/s/slow-responses,seconds=120/fhir/metadata"))
        await reader.read()

    await again(one, 200)


async def dripping(token: str, patient: str) -> None:
    async def one() -> None:
        _, writer = await connect()
        for byte in await lines("/fhir/metadata", "X-Drip: " + "x" * 1000):
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(0.5)

    await again(one, 500)


async def silent(token: str, patient: str) -> None:
    async def one() -> None:
        reader, _ = await connect()
        await reader.read()

    await again(one, 1000)


async def not_reading(token: str, patient: str) -> None:
    async def one() -> None:
        _, writer = await connect()
        path = f"/fhir/Patient/{patient}/$everything?_count=500"
        writer.write((await lines(path, f"Authorization: Bearer {token}")) * 5)
        await asyncio.sleep(100)

    await again(one, 50)


async def asking_for_the_most(token: str, patient: str) -> None:
    """The largest searches and batches that are allowed, sixteen at a time."""
    codes = ",".join(f"http://loinc.org|{number:05}-0" for number in range(150))
    names = ",".join(f"{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(150))
    searches = [
        f"Observation?patient={patient}&code={quote(codes, safe=':/,|')}&_sort=-date,code&_count=500",
        f"ExplanationOfBenefit?patient={patient}&_include=ExplanationOfBenefit:*&_count=500",
        f"Patient/{patient}/$everything?_count=500",
        f"Practitioner?name={names}&_count=500",
    ]
    batch = {
        "resourceType": "Bundle",
        "type": "batch",
        "entry": [{"request": {"method": "GET", "url": searches[n % 4]}} for n in range(100)],
    }
    body = json.dumps(batch).encode()
    head = f"Authorization: Bearer {token}"
    asked = [await lines(f"/fhir/{path}", head, "Connection: close") for path in searches]
    post = f"POST /fhir HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\n{head}\r\nConnection: close\r\n"
    post += f"Content-Type: application/fhir+json\r\nContent-Length: {len(body)}\r\n\r\n"
    asked.append(post.encode() + body)

    async def one() -> None:
        for request in asked:
            reader, writer = await connect()
            writer.write(request)
            answered = await reader.read(12)
            assert answered.endswith((b"200", b"503")), answered
            while await reader.read(1 << 20):
                pass
            writer.close()

    await again(one, 16)


SITUATIONS = {
    "(a) 200 callers wait 120 s": waiting,
    "(b) 500 connections drip": dripping,
    "(c) 1,000 are silent": silent,
    "(d) 50 readers do not read": not_reading,
    "(e) a member asks for the most": asking_for_the_most,
}


def make(situation: Callable[[str, str], Coroutine[Any, Any, None]], token: str, patient: str) -> None:
    asyncio.run(situation(token, patient))


# --- running ------------------------------------------------------------------------------------------


def token_of(member: str) -> tuple[str, str]:
    done = subprocess.run(
        [*COMMAND, "token", "--member", member, "--url", ORIGIN, "--json"], capture_output=True, check=True
    )
    body = json.loads(done.stdout)
    return body["access_token"], body["patient"]


def main() -> None:
    options = argparse.ArgumentParser()
    options.add_argument("--seconds", type=float, default=10)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", default="", help="letters of the situations, such as ae")
    options.add_argument("--serve", default="", help="more options for `payer-sandbox serve`")
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))}
        command = [*COMMAND, "serve", "--port", str(PORT), *asked.serve.split()]
        server = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, cwd=home)
        try:
            wait_for_it()
            (mine, me), (theirs, them) = token_of("maria"), token_of("walter")
            read = f"/fhir/Patient/{me}"
            print(f"load {os.getloadavg()[0]:.1f}; p99 in ms, quiet and then: health, read")
            for name, situation in SITUATIONS.items():
                if asked.only and name[1] not in asked.only:
                    continue
                rounds = [
                    turn(situation, read, mine, (theirs, them), asked.seconds) for _ in range(asked.rounds)
                ]
                report(name, rounds)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)


def turn(
    situation: Any, read: str, mine: str, other: tuple[str, str], seconds: float
) -> tuple[float, float, float, float]:
    quiet = asyncio.run(both(read, mine, seconds))
    crowd = multiprocessing.Process(target=make, args=(situation, *other), daemon=True)
    crowd.start()
    time.sleep(2)
    busy = asyncio.run(both(read, mine, seconds))
    crowd.kill()
    crowd.join()
    time.sleep(1)
    return p99(quiet[0]), p99(busy[0]), p99(quiet[1]), p99(busy[1])


def report(name: str, rounds: list[tuple[float, float, float, float]]) -> None:
    quiet_health, health, quiet_read, read = (
        statistics.median(column) for column in zip(*rounds, strict=True)
    )
    ratios = [statistics.median(r[at + 1] / r[at] for r in rounds) for at in (0, 2)]
    print(
        f"{name:<32}{quiet_health:>7.1f} {health:>7.1f} ({ratios[0]:.1f}x){quiet_read:>9.1f} {read:>7.1f}"
        f" ({ratios[1]:.1f}x)   worst {max(max(r[1], r[3]) for r in rounds):.0f}",
        flush=True,
    )


def wait_for_it() -> None:
    for _ in range(600):
        try:
            if httpx.get(f"{ORIGIN}/_sandbox/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    sys.exit("the server does not answer")


if __name__ == "__main__":
    main()
