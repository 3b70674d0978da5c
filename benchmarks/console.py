"""What an open console costs the apps of the payer, and what ten of them cost.

    .venv/bin/python benchmarks/console.py

One `payer-sandbox serve` with its defaults. 200 reads a second arrive, at an even rate however long each
takes, for `--seconds` in turns: with no console open, with one that streams, with ten. Each figure is the
median of `--rounds`; the ratios are of turns of the same round. `capacity` is what two callers get who never
pause. At the end a worker with few threads (`--threads`) has five times as many consoles open.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import httpx

PORT = 18471
ORIGIN = f"http://127.0.0.1:{PORT}"
RATE = 200
COMMAND = [sys.executable, "-m", "sandbox.cli.main"]
WATCH_ENDS_AFTER = 32
"""Seconds after which a payer that had a console open does not count as watched any more."""


class Turn(NamedTuple):
    """Of one turn: requests served a second, milliseconds of the median and of the slowest hundredth."""

    served: float
    median: float
    p99: float


@contextmanager
def running(**settings: str) -> Iterator[int]:
    """A payer that serves. Yields the id of its first process."""
    command, env = [*COMMAND, "serve", "--port", str(PORT)], {**os.environ, **settings}
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
    try:
        for _ in range(1200):
            with suppress(httpx.TransportError):
                httpx.get(f"{ORIGIN}/_sandbox/health")
                break
            time.sleep(0.1)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def sign_in() -> tuple[str, str]:
    """What is read, and the token to read it with."""
    answer = httpx.post(f"{ORIGIN}/_sandbox/sign-in", json={"member": "maria"}, timeout=60).json()
    return f"/fhir/Patient/{answer['patient']}", answer["access_token"]


class Caller:
    """A connection that is kept, written to directly: a client library would need more of the processor."""

    def __init__(self, target: str, token: str):
        head = f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{PORT}\r\nAuthorization: Bearer {token}\r\n\r\n"
        self._request = head.encode()

    async def open(self) -> None:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", PORT)

    async def call(self) -> bool:
        """Send the request. Returns whether it was answered with 200."""
        self._writer.write(self._request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].partition(b"\r")[0])
        await self._reader.readexactly(length)
        return head.startswith(b"HTTP/1.1 200")

    def close(self) -> None:
        self._writer.close()


@asynccontextmanager
async def open_callers(count: int, target: str, token: str) -> AsyncIterator[list[Caller]]:
    callers = [Caller(target, token) for _ in range(count)]
    for caller in callers:
        await caller.open()
    try:
        yield callers
    finally:
        for caller in callers:
            caller.close()


async def measure_arrivals(target: str, token: str, seconds: float) -> Turn:
    """Send `RATE` reads a second, whether the earlier ones are answered or not."""
    durations: list[float] = []
    async with open_callers(32, target, token) as callers:
        free: asyncio.Queue[Caller] = asyncio.Queue()
        for caller in callers:
            free.put_nowait(caller)

        async def send(due: float) -> None:
            caller = await free.get()
            if await caller.call():
                durations.append((time.perf_counter() - due) * 1000)
            free.put_nowait(caller)

        tasks, begun = [], time.perf_counter()
        for number in range(int(RATE * seconds)):
            due = begun + number / RATE
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            tasks.append(asyncio.create_task(send(due)))
        await asyncio.gather(*tasks)
        passed = time.perf_counter() - begun
    durations.sort()
    return Turn(
        len(durations) / passed, statistics.median(durations), durations[int(len(durations) * 0.99) - 1]
    )


async def measure_capacity(target: str, token: str, seconds: float) -> float:
    """Requests a second that two callers get who never pause."""
    ends, count = time.perf_counter() + seconds, 0

    async def call(caller: Caller) -> None:
        nonlocal count
        while time.perf_counter() < ends:
            count += await caller.call()

    async with open_callers(2, target, token) as callers:
        await asyncio.gather(*map(call, callers))
    return count / seconds


@asynccontextmanager
async def open_consoles(count: int) -> AsyncIterator[list[int]]:
    """So many consoles that stream. Yields how many rows each has got."""
    rows = [0] * count

    async def watch(number: int) -> None:
        url = f"{ORIGIN}/console/requests/stream?after=0"
        async with httpx.AsyncClient(timeout=None) as http, http.stream("GET", url) as answer:
            async for line in answer.aiter_lines():
                rows[number] += line.count("<tr ")

    tasks = [asyncio.create_task(watch(number)) for number in range(count)]
    await asyncio.sleep(1.5)
    try:
        yield rows
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def count_threads(pid: int) -> int:
    """Threads of a server's processes."""
    pids = [pid, *_children(pid)]
    return sum(len(list(Path(f"/proc/{each}/task").iterdir())) for each in pids)


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    direct = [int(word) for word in text.split()]
    return direct + [grandchild for child in direct for grandchild in _children(child)]


async def run_rounds(pid: int, rounds: int, seconds: float) -> None:
    target, token = sign_in()
    await measure_arrivals(target, token, 3)  # what is remembered afterwards
    turns: dict[int, list[Turn]] = {0: [], 1: [], 10: []}
    capacities: dict[int, list[float]] = {0: [], 1: [], 10: []}
    threads: dict[int, int] = {}
    for _ in range(rounds):
        for consoles in turns:
            if not consoles:
                await asyncio.sleep(WATCH_ENDS_AFTER if turns[10] else 0)
            async with open_consoles(consoles) as rows:
                turns[consoles].append(await measure_arrivals(target, token, seconds))
                capacities[consoles].append(await measure_capacity(target, token, seconds))
                threads[consoles] = count_threads(pid)
            assert all(rows), "a console got no rows"
    print("consoles served/s  ratio  median ms  p99 ms  capacity  ratio  threads")
    for consoles, results in turns.items():
        ratio = statistics.median(a.served / b.served for a, b in zip(results, turns[0], strict=True))
        most = statistics.median(a / b for a, b in zip(capacities[consoles], capacities[0], strict=True))
        served, median, p99 = (statistics.median(column) for column in zip(*results, strict=True))
        capacity = statistics.median(capacities[consoles])
        print(
            f"{consoles:8} {served:8.1f} {ratio:6.3f} {median:10.2f} {p99:7.1f} {capacity:9.1f} {most:6.3f}"
            f" {threads[consoles]:8}"
        )


async def show_few_threads(pid: int, consoles: int) -> None:
    target, token = sign_in()
    quiet = await measure_arrivals(target, token, 5)
    before = count_threads(pid)
    async with open_consoles(consoles) as rows:
        watched = await measure_arrivals(target, token, 5)
        after = count_threads(pid)
    print(f"{consoles} consoles, threads {before} before and {after} meanwhile")
    print(f"  without them {quiet}")
    print(f"  with them    {watched}")
    assert all(rows), "a console got no rows"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}")
    with running() as pid:
        asyncio.run(run_rounds(pid, options.rounds, options.seconds))
    with running(PAYER_SANDBOX_THREADS=str(options.threads)) as pid:
        asyncio.run(show_few_threads(pid, options.threads * 5))


if __name__ == "__main__":
    main()
