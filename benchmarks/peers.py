"""Beside other people's servers, on the same resources: read, a search page of 50 claims, a token.

    .venv/bin/python benchmarks/peers.py [--rounds 5] [--cases read,page,token,key]

Installs fhirstarter (PyPI) and @asymmetrik/node-fhir-server-core, oauth2-mock-server and oidc-provider
(npm) into a throwaway folder. Every server runs alone on core 0 with one process, wrk on core 1, and they
take turns; the figures are medians of the rounds, the ratios those of the same round. The peers have their
resources in memory and no tokens to check; ours has a library, tokens, scopes and a journal.

Tokens: `token` is a refresh token exchanged by a client with a secret (ours, which gives
client_credentials to clients with a key only) beside client_credentials with a secret (theirs); `key` is
client_credentials with a signed assertion (ES384), each used once, of ours and of oidc-provider.
"""

from __future__ import annotations

import argparse
import os
import secrets
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.jwk import ECKey
from serving import EOB, PORTS, Ask, Cost, asks, measured, running, script

from sandbox.core.clock import SystemClock, anchor
from sandbox.core.files import json_bytes, json_value
from sandbox.population.build_library import place
from sandbox.population.generate import stock
from sandbox.settings import Settings, root
from sandbox.store.ledger.database import Ledger
from sandbox.store.ledger.repositories.grants import Grant, Token
from sandbox.store.secret import digest

HERE = Path(__file__).parent / "peers"
NPM = ("@asymmetrik/node-fhir-server-core@2.2.5", "oauth2-mock-server@8.2.3", "oidc-provider@9.13.3")
PYPI = ("fhirstarter==4.2.0", "uvicorn[standard]")
READ = 12_000
"""Bytes of the claim that is read: of each member's the one nearest to it."""

FOREVER_PAYER = "refresh-never-rotated"
"""The payer whose refresh token can be used again and again: wrk has only one."""

REFRESH = "peers-refresh"
ASSERTIONS = 8000
"""Signed for each run of a server; wrk uses each once."""

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BACKEND = "sandbox-backend"


class Peer(NamedTuple):
    """How a server is started (`{port}`, `{data}`), where its claims are, and which cases it plays in."""

    command: tuple[str, ...]
    base: str
    cases: tuple[str, ...]
    patience: int = 1  # times the seconds that others get, and one caller: of what is slow some must end


PEERS = {
    "fhirstarter": Peer(
        ("py/bin/python", "-m", "uvicorn", "starter:app", "--no-access-log", "--log-level", "error", "--port",
         "{port}"), "", ("read", "page"), 4,
    ),
    "node, objects": Peer(("node", "fhir.cjs", "{port}", "{data}", "plain"), "/4_0_1", ("read", "page")),
    "node, guide": Peer(("node", "fhir.cjs", "{port}", "{data}", "guide"), "/4_0_1", ("read", "page")),
    "node, classes": Peer(("node", "fhir.cjs", "{port}", "{data}", "classes"), "/4_0_1", ("read", "page")),
    "mock, RS256": Peer(("node", "tokens.mjs", "mock-rs256", "{port}"), "", ("token",)),
    "mock, ES256": Peer(("node", "tokens.mjs", "mock-es256", "{port}"), "", ("token",)),
    "oidc-provider": Peer(("node", "tokens.mjs", "oidc", "{port}"), "", ("token", "key")),
}  # fmt: skip

PORTS |= {name: 18450 + number for number, name in enumerate(PEERS)}


def install(folder: Path) -> None:
    """The peers, unless they are there."""
    folder.mkdir(parents=True, exist_ok=True)
    for each in HERE.iterdir():
        if each.is_file():
            shutil.copy(each, folder)
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    if not (folder / "node_modules").is_dir():
        subprocess.run(["npm", "install", *quiet, "--prefix", str(folder), *NPM], check=True)
    if not (folder / "py").is_dir():
        subprocess.run([sys.executable, "-m", "venv", str(folder / "py")], check=True)
        subprocess.run([folder / "py" / "bin" / "pip", "install", "--quiet", *PYPI], check=True)


@contextmanager
def peer(name: str, folder: Path, data: Path) -> Iterator[int]:
    """One of them on core 0. Yields its process id."""
    port = str(PORTS[name])
    command = [part.format(port=port, data=data) for part in PEERS[name].command]
    key = json_value((root() / "fixtures" / "keys" / f"{BACKEND}.jwk").read_bytes())
    public = json_bytes({k: v for k, v in key.items() if k != "d"} | {"use": "sig"}).decode()
    env = {**os.environ, "FOLDER": str(data), "NODE_ENV": "production", "CLIENT_KEY": public}
    with (folder / "log.txt").open("ab") as log:
        process = subprocess.Popen(
            ["taskset", "-c", "0", *command], cwd=folder, env=env, stdout=log, stderr=log
        )
    try:
        for _ in range(300):
            try:
                httpx.get(f"http://127.0.0.1:{port}/")
                break
            except httpx.TransportError:
                time.sleep(0.2)
        yield process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


# --- what is asked ------------------------------------------------------------------------------------


def fetched(pages: list[Ask], data: Path) -> dict[str, str]:
    """The claims of each page, from our own server, as a file a member. Returns the claim to read of each."""
    read: dict[str, str] = {}
    for ask in pages:
        answer = httpx.get(
            f"http://127.0.0.1:{PORTS['product']}{ask.path}",
            headers={"Authorization": f"Bearer {ask.token}", "Accept-Encoding": "identity"},
        ).raise_for_status()
        claims = [entry["resource"] for entry in answer.json()["entry"]]
        patient = claims[0]["patient"]["reference"].partition("/")[2]
        (data / f"{patient}.json").write_bytes(json_bytes(claims))
        read[patient] = min(claims, key=lambda claim: abs(len(json_bytes(claim)) - READ))["id"]
    return read


def gets(base: str, case: str, read: dict[str, str], tokens: dict[str, str]) -> list[Ask]:
    return [
        Ask(
            f"{base}/{EOB}/{claim}" if case == "read" else f"{base}/{EOB}?patient={patient}&_count=50",
            tokens[patient],
        )
        for patient, claim in read.items()
    ]


def refreshable(ledger: str, username: str, patient: str) -> None:
    """A refresh token of the confidential sample app."""
    now = int(time.time() * 1000)
    book = Ledger(ledger)
    tenant, scope = book.tenant(FOREVER_PAYER), "launch/patient patient/*.rs offline_access"
    tenant.add_grant(Grant("g-peers", "sandbox-web", username, patient, scope, now, None, None))
    times = (now, now + 30 * 86_400_000)
    hashed = digest(REFRESH)
    tenant.add_token(Token(hashed, "refresh", "g-peers", "sandbox-web", scope, *times, None, None, None))
    book.close()


def posts(path: Path, url: str, bodies: list[str], authorization: str) -> Path:
    """A script that sends each of the forms once, then the first again."""
    (path.parent / "bodies.txt").write_text("\n".join(bodies))
    basic = f'["Authorization"]="{authorization}", ' if authorization else ""
    path.write_text(
        "local all, n = {}, 0\n"
        f'function init() for line in io.lines("{path.parent / "bodies.txt"}") do all[#all + 1] = wrk.format('
        f'"POST", "{url}", {{{basic}["Content-Type"]="application/x-www-form-urlencoded"}}, line) end end\n'
        "function request() n = n % #all + 1; return all[n] end\n"
    )
    return path


def basic(client: str, secret: str) -> str:
    return "Basic " + b64encode(f"{client}:{secret}".encode()).decode()


def assertions(audience: str) -> list[str]:
    key = ECKey.import_key(json_value((root() / "fixtures" / "keys" / f"{BACKEND}.jwk").read_bytes()))
    header = {"alg": "ES384", "typ": "JWT", "kid": key.kid}
    now = int(time.time())
    form = {"grant_type": "client_credentials", "scope": "system/*.rs", "client_assertion_type": ASSERTION}
    same = {"iss": BACKEND, "sub": BACKEND, "aud": audience, "iat": now, "exp": now + 280}
    return [
        urlencode(
            form
            | {
                "client_assertion": jwt.encode(
                    header, same | {"jti": secrets.token_urlsafe(9)}, key, algorithms=["ES384"]
                )
            }
        )
        for _ in range(ASSERTIONS)
    ]


def token_script(path: Path, case: str, name: str) -> Path:
    ours = name == "product"
    at = f"http://127.0.0.1:{PORTS[name]}"
    if case == "key":
        url = "/auth/token" if ours else "/token"
        return posts(path, url, assertions(f"{at}{url}"), "")
    if ours:
        form = urlencode({"grant_type": "refresh_token", "refresh_token": REFRESH})
        return posts(
            path, f"/s/{FOREVER_PAYER}/auth/token", [form], basic("sandbox-web", "sandbox-web-secret")
        )
    form = urlencode({"grant_type": "client_credentials", "scope": "system/*.rs"})
    return posts(path, "/token", [form], basic("app", "secret"))


# --- running ------------------------------------------------------------------------------------------


def compare(case: str, pids: dict[str, int], lua: Callable[[str], Path], asked: argparse.Namespace) -> None:
    """Ours and the peers in turn."""
    rounds: list[dict[str, Cost]] = []
    for _ in range(asked.rounds):
        costs = {}
        for name, pid in pids.items():
            patience = PEERS[name].patience if name in PEERS else 1
            callers = 4 if patience == 1 else 1
            costs[name] = measured(name, pid, lua(name), asked.seconds * patience, callers=callers)
        rounds.append(costs)
    for name in pids:
        rate = statistics.median(each[name].rate for each in rounds)
        cpu = statistics.median(each[name].cpu for each in rounds)
        faster = statistics.median(each["product"].rate / each[name].rate for each in rounds)
        cheaper = statistics.median(each[name].cpu / each["product"].cpu for each in rounds)
        print(f"{case:<7}{name:<16}{rate:>9.1f}/s{cpu:>10.3f} ms{faster:>9.2f}{cheaper:>9.2f}", flush=True)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    options.add_argument("--members", type=int, default=300)
    options.add_argument("--many", type=int, default=20, help="how many members are asked for in turn")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=int, default=3)
    options.add_argument("--cases", default="read,page,token,key")
    options.add_argument("--store", default="out/benchmarks", help="where the library is, or is built")
    options.add_argument("--folder", help="where the peers are installed, to be used again")
    asked = options.parse_args()
    for program in ("wrk", "node", "npm"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not there")
    home = Path(tempfile.mkdtemp())
    folder, data = Path(asked.folder or home / "peers").resolve(), home / "data"
    install(folder)
    data.mkdir()
    settings = Settings(members=asked.members, store=asked.store)
    day = anchor(SystemClock())
    if not Path(place(settings, day)).is_file():
        stock(settings, day, lambda done: None)
    settings = replace(settings, library=str(Path(place(settings, day)).resolve()))
    ledger = str(home / "ledger.db")
    pages = asks(settings, ledger, asked.many)["page"]
    patients = {ask.path.partition("patient=")[2].partition("&")[0]: ask.token for ask in pages}
    refreshable(ledger, "maria", next(iter(patients)))
    env = {**os.environ, "BENCH_LIBRARY": settings.library, "BENCH_LEDGER": ledger}
    print(f"{'case':<7}{'server':<16}{'rate':>11}{'cpu':>13}{'ours/its':>9}{'its cpu/ours':>14}")
    with running("product", env) as ours:
        read = fetched(pages, data)
        for case in asked.cases.split(","):
            rivals = [name for name, each in PEERS.items() if case in each.cases]
            others = [peer(name, folder, data) for name in rivals]
            pids = {"product": ours}
            try:
                for name, each in zip(rivals, others, strict=True):
                    pids[name] = each.__enter__()

                def lua(name: str, case: str = case) -> Path:
                    if case in ("token", "key"):
                        return token_script(home / "ask.lua", case, name)
                    base = "/fhir" if name == "product" else PEERS[name].base
                    return script(home / "ask.lua", gets(base, case, read, patients))

                compare(case, pids, lua, asked)
            finally:
                for each in others[: len(pids) - 1]:
                    each.__exit__(None, None, None)
    print(f"load {os.getloadavg()[0]:.1f}")
    shutil.rmtree(home)


if __name__ == "__main__":
    main()
