"""The commands as typed in a terminal: exit codes, one-line errors, Ctrl-C, workers."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from support.command import command
from support.running import COMMAND, PATIENCE, served, started
from support.smart_app import SmartApp

import sandbox
from sandbox.settings import unknown_variables

HEAVY = (
    "flask",
    "authlib",
    "joserfc",
    "fhir",
    "faker",
    "gunicorn",
    "pydantic",
    "httpx",
    "sqlalchemy",
    "rich",
    "yaml",
)


def test_help_imports_nothing_heavy() -> None:
    code = f"import sys, sandbox.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    found = subprocess.run([COMMAND[0], "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
    assert subprocess.run([*COMMAND, "--help"], capture_output=True, check=True).stdout


@pytest.mark.slow
def test_two_workers_serve_one_members_authorization_refresh_and_search(env: dict[str, str]) -> None:
    with served("--workers", "2", env=env) as origin, SmartApp(origin) as app:
        app.http.headers["Connection"] = app.browser.headers["Connection"] = "close"
        for _ in range(6):
            app.connect("maria")
            first = app.everything("ExplanationOfBenefit?_count=25")
            assert app.refresh().status_code == 200
            assert app.everything("ExplanationOfBenefit?_count=25") == first
        old = app.tokens["refresh_token"]
        assert app.refresh().status_code == 200
        assert app.refresh(refresh_token=old).status_code == 400
        assert {app.get("Patient").status_code for _ in range(8)} == {401}


@pytest.mark.slow
def test_lines_of_two_workers_are_whole_and_asked_for(env: dict[str, str]) -> None:
    printed: list[str] = []
    with served("--workers", "2", "--log", "always", env=env, printed=printed) as origin:
        assert set(ask_at_once(f"{origin}/fhir/metadata?_format=json", 200)) == {200}
    lines = [line for line in printed[0].splitlines() if "_format" in line]
    assert len(lines) == 200
    assert all(re.fullmatch(r"200 GET +[\d.]+ ms  /fhir/metadata\?_format=json", line) for line in lines)


def ask_at_once(url: str, times: int) -> list[int]:
    with ThreadPoolExecutor(8) as pool, httpx.Client() as http:
        return list(pool.map(lambda _: http.get(url).status_code, range(times)))


@pytest.mark.slow
@pytest.mark.parametrize("flags", [(), ("--log", "never")])
def test_a_pipe_gets_no_lines_unless_it_asks(env: dict[str, str], flags: tuple[str, ...]) -> None:
    printed: list[str] = []
    with served(*flags, env=env, printed=printed) as origin:
        ask_at_once(f"{origin}/fhir/metadata", 2)
    assert "GET" not in printed[0]


def test_serve_says_where_everything_is_in_15_lines(env: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = str(busy.getsockname()[1])
        refused = command("serve", "--port", port, env=env)
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "Address already in use" in refused.stderr
    from sandbox.server.serve import banner
    from sandbox.settings import Settings

    library = next(Path(env["PAYER_SANDBOX_CACHE"]).glob("library-*.db"))
    lines = banner(Settings(library=str(library))).splitlines()
    assert len(lines) <= 15
    told = "\n".join(lines)
    for needed in (
        "http://127.0.0.1:8080/fhir\n",
        "/fhir/.well-known/smart-configuration",
        "sandbox-app",
        "maria / maria-pass",
        "nina / nina-pass",
        "oscar / oscar-pass",
        "/_sandbox/",
        "payer-sandbox score http://127.0.0.1:8080/fhir",
    ):
        assert needed in told


@pytest.mark.parametrize(
    ("args", "says"),
    [
        ("generate --out /proc/nowhere", "/proc/nowhere"),
        ("generate --members -1 --out /tmp/never", "member"),
        ("generate", "--out"),
        ("generate --out /tmp/never --store /tmp/never", "use either"),
        ("generate --store /tmp/never --gzip", "--gzip"),
        ("generate --store ''", "--store"),
        ("generate --store /proc/nowhere", "/proc/nowhere"),
        ("generate --members 0 --store /tmp/never", "member"),
        ("generate --store /tmp/never --carin 9", "--carin"),
        ("score http://127.0.0.1:9/fhir", "cannot be reached"),
        ("score not-a-url", "http"),
        ("score http://127.0.0.1:9/fhir --edition 1999-01", "2025-05"),
        ("score http://127.0.0.1:9/fhir --facts /nowhere.json", "/nowhere.json"),
        ("token --member maria --url http://127.0.0.1:9", "cannot be reached"),
        ("clock --url http://127.0.0.1:9", "cannot be reached"),
        ("score", "--traffic or --replay"),
        ("score http://127.0.0.1:9/fhir --edition 2025-11", "bands are not"),
        ("score http://127.0.0.1:9/fhir --reading A8=no", "exactly-200"),
        ("score http://127.0.0.1:9/fhir --fail-on speed:1", "no metric or level 'speed'"),
        ("score http://127.0.0.1:9/fhir --fail-on status:11", "1 to 10"),
        ("score http://127.0.0.1:9/fhir --traffic /nowhere", "/nowhere"),
        ("score http://127.0.0.1:9/fhir --as-of 2026-01-01", "--as-of needs"),
        ("score --traffic /nowhere --as-of soon", "--as-of must be an instant"),
        ("score http://127.0.0.1:9/fhir --out card.pdf", "ends in .pdf"),
        ("score http://127.0.0.1:9/fhir --base http://127.0.0.1:9", "--base needs"),
        ("score --replay /nowhere", "/nowhere"),
        ("score --replay /dev/null", "not an evidence file"),
        ("score u --replay /dev/null", "cannot be combined"),
        ("score http://127.0.0.1:9/fhir --browser --sign-in-script x", "cannot be combined"),
        ("score http://127.0.0.1:9/fhir --sign-in-script /nowhere.py", "no such file"),
        ("compare /nowhere /nowhere", "/nowhere"),
        ("report", "--demo"),
        ("report /nowhere.yaml", "/nowhere.yaml"),
        ("report --demo --sandbox http://127.0.0.1:9", "not a payer sandbox"),
        ("score --dry-run", "give the URL of a FHIR base"),
        ("score http://127.0.0.1:9/fhir --dry-run --token t", "without --token and --traffic"),
        ("score http://127.0.0.1:9/fhir --dry-run", "cannot be reached"),
        ("score http://127.0.0.1:9/fhir --browser --browser-driver", "cannot be combined"),
        ("score http://127.0.0.1:9/fhir --auth-method magic", "the authentication method must be"),
        ("token", "--member NAME or --system"),
        ("token --system --member p1", "--member NAME or --system"),
        ("token --system --refresh 1", "need --member"),
        ("scenarios show rate-limitd", "rate-limited"),
        ("nonsense", "nonsense"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(tmp_path: Path, args: str, says: str) -> None:
    done = command(args, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stderr.strip().count("\n") == 0


def test_an_unreadable_variable_is_named() -> None:
    done = command("serve", env={**os.environ, "PAYER_SANDBOX_PORT": "eighty"})
    assert done.returncode == 2
    assert "PAYER_SANDBOX_PORT" in done.stderr


def test_token_prints_a_token_that_works(origin: str, session_name: str) -> None:
    token = command(
        "token --member maria --refresh 2", "--url", origin, "--scenario", f"baseline~{session_name}"
    ).stdout.strip()
    assert re.fullmatch(r"[\w-]{40,}", token)
    answer = httpx.get(
        f"{origin}/s/baseline~{session_name}/fhir/Patient", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.json()["total"] == 1


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--member", "nina"), "no active coverage"),
        (("--member", "nobody"), "members"),
        (("--member", "maria", "--password", "wrong"), "could not sign in"),
        (("--member", "maria", "--scenario", "nonsense"), "nonsense"),
        (("--member", "maria@rate-limitd"), "Nearest: rate-limited"),
        (("--member", "nobody@rate-limited"), "members"),
    ],
)
def test_token_says_why_there_is_none(origin: str, flags: tuple[str, ...], says: str) -> None:
    done = command("token", "--url", origin, *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_a_members_name_may_carry_a_scenario(origin: str) -> None:
    token = command(
        "token", "--url", origin, "--member", "maria@token-dies-mid-sync,requests=1"
    ).stdout.strip()
    asked = {"Authorization": f"Bearer {token}"}
    assert [httpx.get(f"{origin}/fhir/Patient", headers=asked).status_code for _ in range(2)] == [200, 401]


def test_clock_journal_and_reset_speak_to_the_control_api(origin: str, session_name: str) -> None:
    here = ("--url", origin, "--scenario", f"baseline~{session_name}")
    before = command("clock", *here).stdout
    after = command("clock", *here, "--advance", "P400D").stdout
    assert int(after[:4]) - int(before[:4]) in (1, 2)
    assert command("clock", *here, "--advance", "soon").returncode == 2
    command("token", "--member", "maria", *here)
    assert "/auth/token" in command("journal", *here).stdout
    assert command("reset", *here).returncode == 0
    assert command("journal", *here).stdout == ""


@pytest.mark.slow
def test_a_generated_folder_can_be_served(tmp_path: Path, env: dict[str, str]) -> None:
    folder = tmp_path / "members"
    done = command("generate --members 6 --seed 9 --today 2026-03-01 --out", str(folder))
    assert done.returncode == 0, done.stderr
    env = {**env, "PAYER_SANDBOX_CACHE": str(tmp_path / "cache")}
    with served("--data", str(folder), env=env) as origin, SmartApp(origin) as app:
        assert app.connect("maria").get("ExplanationOfBenefit").json()["total"] > 10


@pytest.mark.slow
def test_a_generated_store_is_served_as_it_is(tmp_path: Path, env: dict[str, str]) -> None:
    asked = ("--members", "6", "--seed", "9", "--store", str(tmp_path))
    done = command("generate", *asked, "--jobs", "2", env=env)
    assert done.returncode == 0, done.stderr
    assert "6 members, seed 9" in done.stdout
    assert "ExplanationOfBenefit" in done.stdout
    (library,) = tmp_path.iterdir()
    made = library.stat()
    with served(*asked, env=env) as origin, SmartApp(origin) as app:
        assert app.connect("maria").get("ExplanationOfBenefit").json()["total"] > 10
    assert sorted(p.name for p in tmp_path.glob("library-*")) == [library.name]
    now = library.stat()
    assert (now.st_mtime_ns, now.st_ino) == (made.st_mtime_ns, made.st_ino)


def test_a_store_that_is_killed_while_it_is_made_holds_no_library(
    tmp_path: Path, env: dict[str, str]
) -> None:
    asked = ("--members", "4000", "--jobs", "1", "--store", str(tmp_path))
    with started([*COMMAND, "generate", *asked], env=env) as running:
        await_part(tmp_path, running)
        running.kill()
    assert [path.suffix for path in tmp_path.iterdir()] == [".part"]


def await_part(folder: Path, build: subprocess.Popen[str]) -> None:
    while not list(folder.glob("*.part")) and build.poll() is None:
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "number", "code"),
    [
        (("generate", "--jobs", "2"), signal.SIGTERM, 143),
        (("generate", "--jobs", "2"), signal.SIGINT, 130),
        (("serve", "--port", "0"), signal.SIGINT, 130),
        (("serve", "--port", "0"), signal.SIGHUP, 129),
    ],
)
def test_a_build_that_is_stopped_leaves_nothing(
    tmp_path: Path, env: dict[str, str], words: tuple[str, ...], number: int, code: int
) -> None:
    asked = (*words, "--members", "4000", "--store", str(tmp_path))
    with started([*COMMAND, *asked], ctrl_c=True, env=env, stderr=subprocess.PIPE) as running:
        await_part(tmp_path, running)
        running.send_signal(number)
        _, errors = running.communicate(timeout=PATIENCE)
    # Where the interrupt arrives in code that Python has made from text (a dataclass), CPython ends by the
    # signal itself: a shell reports 130 for both.
    told = 128 - running.returncode if running.returncode < 0 else running.returncode
    assert told == code
    assert not list(tmp_path.glob("library-*"))
    assert "Traceback" not in errors


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_well_by_either_signal(env: dict[str, str], number: int) -> None:
    with started([*COMMAND, "serve", "--port", "0"], ctrl_c=True, env=env, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert "Ctrl-C stops it" in running.stdout.readline()
        running.send_signal(number)
        running.communicate(timeout=PATIENCE)
        assert running.returncode == 0


def test_a_broken_line_in_a_served_folder_is_named(tmp_path: Path) -> None:
    command("generate --members 2 --out", str(tmp_path))
    with (tmp_path / "Coverage.ndjson").open("a") as file:
        file.write("{broken\n")
    cache = {**os.environ, "PAYER_SANDBOX_CACHE": str(tmp_path)}
    done = command("serve --port 0 --data", str(tmp_path), env=cache)
    assert done.returncode == 2
    assert "Coverage.ndjson, line 3" in done.stderr
    assert not list(tmp_path.glob("library-*"))


@pytest.mark.slow
def test_what_became_of_other_peoples_data_is_said_at_every_start(
    tmp_path: Path, env: dict[str, str]
) -> None:
    patient = {"resourceType": "Patient", "name": [{"family": "\x1b[31mRed"}]}
    lost = {"resourceType": "Coverage", "id": "c", "beneficiary": {"reference": "urn:uuid:p-1"}}
    lost["payor"] = [{"reference": "Organization/gone"}]
    entries = [{"fullUrl": "urn:uuid:p-1", "resource": patient}, {"resource": lost}]
    file = tmp_path / "some.bundle"
    file.write_text(json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}))
    serve = [*COMMAND, "serve", "--port", "0", "--data", str(file), "--store", str(tmp_path / "store")]
    for _ in range(2):
        with started(serve, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env) as process:
            assert process.stdout is not None
            told = "".join(itertools.takewhile(lambda line: "FHIR base" not in line, process.stdout))
            assert "1 reference to resources that are not there: Coverage/c to Organization/gone" in told
            assert "1 login (<id>, <id>-pass): p-1" in told
    listed = command("members", "--data", str(file)).stdout
    assert listed.split()[:2] == ["p-1", "p-1-pass"]
    assert "\x1b" not in listed


def test_scenarios_can_be_listed_shown_and_linted(tmp_path: Path) -> None:
    assert "token-expires-early" in command("scenarios list").stdout
    assert command("scenarios show rate-limited").stdout.startswith("id: rate-limited")
    assert command("scenarios lint").returncode == 0
    wrong = tmp_path / "odd.yaml"
    wrong.write_text(
        "id: odd\ntitle: t\nstory: s\narea: data\nexpect: {everything: 9, nonsense: 1}\n"
        "shows: [{get: Patient}]\nreproduce: x\n"
    )
    done = command("scenarios", "lint", str(wrong))
    assert done.returncode == 1
    assert "expect.everything: 9" in done.stdout
    assert "expect.nonsense: no such metric" in done.stdout


def test_members_lists_logins_and_what_each_is_for() -> None:
    listed = command("members").stdout
    for name in ("maria", "nina", "oscar", "lapsed-4000"):
        assert f"{name}-pass" in listed


OWN = """
id: own-one
title: The connection breaks
story: It hurts.
area: transport
parameters: {cut: {kind: number, default: 0.5, min: 0, max: 0.9, help: the share that arrives}}
rules: [{when: {path: /fhir/metadata}, then: {do: drop_connection, keep: $cut}}]
expect: {}
shows: [{fetch: fhir/metadata, then: {broken: connection}}]
reproduce: payer-sandbox serve
"""


def test_data_of_nobody_lists_nobody_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text('{"resourceType":"Organization","id":"o1"}\n')
    done = command("members", "--data", str(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "token --system" in done.stderr


def test_settings_that_nobody_knows_are_named_in_one_line() -> None:
    strange = {"PAYER_SANDBOX_MEMBER": "5", "PAYER_SANDBOX_COLOUR": "red", "PAYER_SANDBOX_TOKEN": "t"}
    done = command("serve", "--today", "soon", env={**os.environ, **strange})
    assert done.stdout.splitlines() == [
        "warning: there are no settings of these names: PAYER_SANDBOX_COLOUR,"
        " PAYER_SANDBOX_MEMBER (did you mean PAYER_SANDBOX_MEMBERS?)"
    ]
    assert unknown_variables({}) == []


def test_every_variable_that_is_read_is_known() -> None:
    read = {
        name
        for path in Path(sandbox.__file__).parent.rglob("*.py")
        for name in re.findall(r"\bPAYER_SANDBOX_[A-Z_]*[A-Z]\b", path.read_text())
    }
    assert len(read) > 3
    assert unknown_variables(dict.fromkeys(read, "")) == []


@pytest.mark.slow
def test_scenarios_of_ones_own_are_served_and_really_break_connections(
    tmp_path: Path, env: dict[str, str]
) -> None:
    (tmp_path / "own-one.yaml").write_text(OWN)
    with served("--scenarios", str(tmp_path), env=env) as origin:
        for selection in ("own-one", "own-one,cut=0"):
            with pytest.raises(httpx.RemoteProtocolError):
                httpx.get(f"{origin}/s/{selection}/fhir/metadata")
        assert httpx.get(f"{origin}/fhir/metadata").status_code == 200
    listed = command("scenarios", "list", env={**env, "PAYER_SANDBOX_OWN_SCENARIOS": str(tmp_path)}).stdout
    assert "cut=0.5: the share that arrives (a number from 0 to 0.9)" in listed


def test_a_scenario_is_tried_from_its_file_or_refused_with_reasons(tmp_path: Path) -> None:
    (tmp_path / "own-one.yaml").write_text(OWN.replace("drop_connection", "drop_conection"))
    done = command("scenarios", "try", str(tmp_path / "own-one.yaml"))
    assert done.returncode == 1
    assert "did you mean drop_connection?" in done.stdout
    (tmp_path / "baseline.yaml").write_text(OWN.replace("id: own-one", "id: baseline"))
    done = command("scenarios", "try", str(tmp_path / "baseline.yaml"), "--port", "0", "--members", "60")
    assert done.returncode == 2
    assert "the scenario 'baseline' already exists" in done.stderr
    assert command("serve", "--port", "0", "--scenarios", str(tmp_path / "none")).returncode == 2


@pytest.mark.slow
def test_a_scenario_that_is_tried_is_the_payers_own(tmp_path: Path, env: dict[str, str]) -> None:
    (tmp_path / "own-one.yaml").write_text(OWN)
    attempt = [*COMMAND, "scenarios", "try", str(tmp_path / "own-one.yaml"), "--port", "0"]
    with started(attempt, stdout=subprocess.PIPE, env=env) as process:
        assert process.stdout is not None
        banner = [process.stdout.readline() for _ in range(2)]
    assert "scenario own-one" in banner[0]
    assert "FHIR base" in banner[1]


def test_the_journal_is_filtered_explained_and_followed(origin: str, session_name: str) -> None:
    here = ("--url", origin, "--scenario", f"baseline~{session_name}")
    base = f"{origin}/s/baseline~{session_name}"
    follow = [*COMMAND, "journal", *here, "--follow", "--json", "--filter", "status=401"]
    with started(follow, ctrl_c=True, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        httpx.get(f"{base}/fhir/metadata")
        httpx.get(f"{base}/fhir/Patient")
        assert json.loads(process.stdout.readline())["path"] == "/fhir/Patient"
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE)
        assert process.returncode in (0, 130)
    explained = command("journal", *here, "--filter", "refused=true", "--explain").stdout.splitlines()
    assert "/fhir/Patient" in explained[0]
    assert explained[1].strip().startswith("No bearer token came with the request.")
    for wrong in ("status", "status=teapot", "colour=red"):
        assert command("journal", *here, "--filter", wrong).returncode == 2


def test_a_token_is_had_from_a_payer_whose_dials_are_turned(origin: str, session_name: str) -> None:
    slow = f"slow-responses,seconds=0.01~{session_name}"
    assert command("token", "--member", "maria", "--url", origin, "--scenario", slow).returncode == 0
    wrong = command("token", "--member", "maria", "--url", origin, "--scenario", "slow-responses,seconds=0")
    assert wrong.returncode == 2
    assert "a number from 0.01 to 120" in wrong.stderr


HOSTILE = ("%1b]0;x%07%1b[2J", "%0a::error::x", "%e2%80%aegpj", "%c2%9b2J")


@pytest.mark.parametrize(
    "words",
    [("journal", "--explain"), ("journal", "--json"), ("review",), ("review", "--format", "markdown"),
     ("review", "--format", "junit"), ("review", "--format", "json")],
)  # fmt: skip
def test_what_strangers_sent_is_shown_and_not_obeyed(
    origin: str, session_name: str, words: tuple[str, ...]
) -> None:
    base = f"{origin}/s/baseline~{session_name}"
    for text in HOSTILE:
        httpx.get(f"{base}/fhir/{text}")
    httpx.get(f"{base}/auth/authorize?client_id={''.join(HOSTILE)}")
    where = (
        ("--scenario", f"baseline~{session_name}") if words[0] == "journal" else (f"baseline~{session_name}",)
    )
    printed = command(*words, "--url", origin, *where).stdout
    assert r"\u001b" in printed
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", printed)
    assert not [line for line in printed.splitlines() if line.strip().startswith("::error")]
    if "--json" in words:
        assert any(json.loads(line)["path"] == "/fhir/\x1b]0;x\x07\x1b[2J" for line in printed.splitlines())


def test_an_error_that_quotes_a_stranger_is_one_harmless_line(tmp_path: Path) -> None:
    done = command("clock", "--url", "http://127.0.0.1:9/\n::error::x\x1b[2J")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "\x1b" not in done.stderr


@pytest.mark.parametrize(
    "path", ["fhir/Patient?name=x", "fhir/metadata", "auth/token", "auth/authorize", "portal"]
)
def test_a_wrong_header_is_explained_as_the_header(origin: str, session_name: str, path: str) -> None:
    base = f"{origin}/s/baseline~{session_name}"
    assert httpx.get(f"{base}/{path}", headers={"X-Sandbox-Fail-Next": "tokens"}).status_code == 400
    done = command("journal", "--url", origin, "--scenario", f"baseline~{session_name}", "--explain")
    assert "The X-Sandbox-Fail-Next header cannot be read" in done.stdout


@pytest.mark.parametrize(
    ("args", "more", "says"),
    [
        (("--colour",), {}, "No such option"),
        (("--scenario", "rate-limitd"), {}, "There is no scenario 'rate-limitd'. Nearest: rate-limited"),
        (("--scenario", "slow-responses,seconds=0"), {}, "a number from 0.01 to 120"),
        (("--scenarios", "/nowhere"), {}, "/nowhere"),
        (("--scenarios", "{tmp}/own"), {}, "broken.yaml"),
        (("--port", "70000"), {}, "cannot listen"),
        (("--port", "{busy}"), {}, "Address already in use"),
        (("--host", "203.0.113.7"), {}, "cannot listen"),
        (("--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.pem"), {}, "/nowhere.pem"),
        (("--tls-cert", "/nowhere.pem"), {}, "go together"),
        (("--tls-key", "/nowhere.pem"), {}, "go together"),
        (("--public-url", "payer.example.com"), {}, "--public-url"),
        (("--public-url", "https://payer.example.com/fhir"), {}, "begin with /fhir"),
        (("--allowed-host", "a.example", "--allowed-host", "http://b.example"), {}, "--allowed-host"),
        (("--trusted-proxies", "nginx"), {}, "--trusted-proxies"),
        (("--carin", "9"), {}, "--carin is one of"),
        (("--us-core", "9"), {}, "--us-core is one of"),
        (("--members", "0"), {}, "--members"),
        (("--today", "soon"), {}, "--today"),
        (("--data", "/nowhere"), {}, "/nowhere"),
        (("--data", "{tmp}/own"), {}, "no .ndjson or .json file"),
        (("--store", "/proc/nowhere"), {}, "/proc/nowhere"),
        (("--store", "mysql://x"), {}, "postgresql://"),
        (("--workers", "0"), {}, "--workers"),
        ((), {"PAYER_SANDBOX_CONTROL_KEY": "two\nlines"}, "control_key"),
        ((), {"PAYER_SANDBOX_FIXTURES": "/nowhere"}, "/nowhere"),
        ((), {"PAYER_SANDBOX_CACHE": "/proc/nowhere"}, "PAYER_SANDBOX_CACHE"),
    ],
)
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")  # by socket.create_server itself
def test_serve_tells_what_is_wrong_before_it_builds(
    tmp_path: Path,
    env: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    args: tuple[str, ...],
    more: dict[str, str],
    says: str,
) -> None:
    monkeypatch.setattr("sandbox.synth.population.generate", None)
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "broken.yaml").write_text("id: broken")
    with socket.create_server(("127.0.0.1", 0)) as busy:
        known = {"tmp": tmp_path, "busy": busy.getsockname()[1]}
        flags = [arg.format(**known) for arg in args]
        port = () if "--port" in args else ("--port", "0")
        cache = {"PAYER_SANDBOX_CACHE": str(tmp_path / "cache")}
        done = command("serve", *flags, *port, env=env | cache | more)
    assert done.returncode == 2, done.stdout
    assert says in done.stderr
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""
    assert list((tmp_path / "cache").glob("library*")) == []


@pytest.mark.slow
def test_without_a_home_the_library_is_kept_in_a_folder_of_ones_own(
    tmp_path: Path, env: dict[str, str]
) -> None:
    bare = {k: v for k, v in env.items() if not k.startswith(("PAYER_", "XDG_"))}
    bare |= {"HOME": "/proc/nowhere", "TMPDIR": str(tmp_path)}
    serve = [*COMMAND, "serve", "--port", "0", "--members", "1"]
    with started(serve, env=bare, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdout is not None
        banner = [running.stdout.readline() for _ in range(2)]
    (folder,) = tmp_path.iterdir()
    assert "cannot be written: keeping the library in" in banner[0]
    assert "PAYER_SANDBOX_CACHE" in banner[0]
    assert str(folder) in banner[0]
    assert "1 member, scenario baseline" in banner[1]
    assert folder.stat().st_mode & 0o777 == 0o700
    assert list(folder.glob("library-*.db"))


@pytest.mark.parametrize("words", [(), ("scenarios",)])
def test_help_fits_a_terminal_of_80_columns_and_cuts_nothing_off(words: tuple[str, ...]) -> None:
    listed = command(*words, "--help", env={**os.environ, "COLUMNS": "80"}).stdout
    summaries = listed.partition("Commands:")[2]
    assert len(summaries.splitlines()) > 5
    assert "..." not in summaries
    assert max(map(len, listed.splitlines())) <= 80


@pytest.mark.parametrize("words", [(), ("scenarios",)])
def test_a_group_without_a_command_is_its_help(words: tuple[str, ...]) -> None:
    done = command(*words)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == command(*words, "--help").stdout


@pytest.mark.parametrize("words", [(), ("serve",), ("score",), ("scenarios",), ("scenarios", "lint")])
def test_every_command_tells_the_version(words: tuple[str, ...]) -> None:
    done = command(*words, "--version")
    assert (done.returncode, done.stdout) == (0, command("--version").stdout)
    assert re.fullmatch(r"payer-sandbox, version \d+\.\d+\.\d+\n", done.stdout)


def test_one_thing_is_counted_as_one(tmp_path: Path) -> None:
    (tmp_path / "own-one.yaml").write_text(OWN)
    assert command("scenarios", "lint", str(tmp_path)).stdout == "1 scenario, 0 complaints\n"
    done = command("generate --members 1 --out", str(tmp_path / "out"))
    assert ": 1 member, seed 1" in done.stdout
