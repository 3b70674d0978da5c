"""`payer-sandbox mcp`: real clients of the protocol fail, read why, repair, review and score."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client, StdioServerParameters, stdio_client
from support.command import command
from support.running import COMMAND, PATIENCE, started

from sandbox.cli.mcp import build_server
from sandbox.cli.mcp_tools import JOURNAL_MAX

HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "old", "version": "1"}}
"""What a client of an earlier edition of the protocol begins with."""

Scenario = Callable[["Agent"], Awaitable[None]]
CHARACTERS_MAX = 30_000
"""Of a result: a client shows all of it to a model."""


class Agent:
    """A client of the protocol that calls tools by name."""

    def __init__(self, client: Client):
        self.client = client

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Return the result of a tool, which must not be an error."""
        result = await self.client.call_tool(tool, arguments)
        text = result.content[0].text  # type: ignore[union-attr]
        assert not result.is_error, text
        assert json.loads(text) == result.structured_content
        assert ": " not in text.partition(":")[0]
        assert len(text) < CHARACTERS_MAX
        return result.structured_content

    async def error(self, tool: str, **arguments: Any) -> str:
        """Return the one line of a tool's error."""
        result = await self.client.call_tool(tool, arguments)
        assert result.is_error
        text: str = result.content[0].text  # type: ignore[union-attr]
        assert "\n" not in text
        assert "Traceback" not in text
        assert len(text) <= 400
        return text


def converse(origin: str, scenario: Scenario) -> None:
    """Run a scenario with a client and a server in this process."""

    async def run() -> None:
        async with Client(build_server(lambda: origin)) as client:
            await scenario(Agent(client))

    asyncio.run(run())


@asynccontextmanager
async def agent_of(env: dict[str, str], *flags: str) -> AsyncIterator[Agent]:
    """Yield an agent whose client started `payer-sandbox mcp` as coding agents do."""
    parameters = StdioServerParameters(command=COMMAND[0], args=[*COMMAND[1:], "mcp", *flags], env=env)
    async with Client(stdio_client(parameters), read_timeout_seconds=PATIENCE) as client:
        yield Agent(client)


class App:
    """The app under test. Repaired, it waits as X-RateLimit-Reset says; `wait` stands for sleeping."""

    def __init__(self, fhir: str, token: str, wait: Callable[[int], Awaitable[Any]] | None = None):
        self.wait = wait
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/fhir+json"}
        self.http = httpx.AsyncClient(base_url=fhir, headers=headers | {"User-Agent": "my-app/1.0"})

    async def sync(self, patient: str) -> list[int]:
        """Return the status of each request."""
        statuses = []
        for kind in ("Coverage", "ExplanationOfBenefit", "Condition", "Observation"):
            address = f"/{kind}?patient={patient}&_count=1"
            answer = await self.http.get(address)
            if answer.status_code == 429 and self.wait:
                await self.wait(int(answer.headers["X-RateLimit-Reset"]))
                answer = await self.http.get(address)
            statuses.append(answer.status_code)
        return statuses


@pytest.mark.slow
def test_an_agent_makes_an_app_fail_reads_why_repairs_it_and_reviews_it(env: dict[str, str]) -> None:
    """The whole session, with the SDK's client, over standard input and output, and a payer of its own."""
    began = time.monotonic()

    async def run() -> None:
        async with agent_of(env, "--start") as agent:
            session = await agent("start_session")
            name = {"session": session["session"]}
            assert session["is_new"]
            assert session["scenarios_in_force"][0]["id"] == "baseline"

            matches = (await agent("find_scenarios", words="429"))["matches"]
            match = next(m for m in matches if m["id"] == "rate-limit-untold")
            assert match["cost"].endswith("of 100 left")
            assert match["parameters"]["limit"].startswith("10 (a whole number from 1 to 1000)")
            chosen = await agent(
                "choose_scenarios", **name, selection="rate-limit-untold,limit=3,seconds=600"
            )
            assert [entry["id"] for entry in chosen["scenarios_in_force"]] == ["rate-limit-untold"]

            token = (await agent("sign_in", **name, member="maria"))["body"]
            naive = App(session["fhir"], token["access_token"])
            assert await naive.sync(token["patient"]) == [200, 200, 200, 429]

            journal = await agent("read_journal", **name, refused=True)
            refusal = journal["requests"][-1]
            assert (refusal["status"], refusal["path"]) == (429, "/fhir/Observation")
            assert refusal["effects"] == ["rate-limit-untold:rate_limit"]
            assert refusal["cause"]
            assert refusal["why"]
            assert refusal["repair"]

            async def wait(seconds: int) -> None:
                await agent("clock", **name, advance=f"PT{seconds}S")

            repaired = App(session["fhir"], token["access_token"], wait)
            assert await repaired.sync(token["patient"]) == [200] * 4
            assert (await agent("clock", **name))["ahead_seconds"] > 500

            review = await agent("review_app", **name)
            assert review["client_id"] == "sandbox-app"
            assert review["requests"] >= 8
            assert review["passed"]

            await agent("choose_scenarios", **name, selection="portal-opt-in-required")
            steps: list[str | None] = []

            async def progress(done: float, total: float | None, step: str | None) -> None:
                steps.append(step)

            result = await agent.client.call_tool("score", name, progress_callback=progress)
            card = result.structured_content
            assert not result.is_error
            assert card["score"] < card["max"] == 100
            loss = next(entry for entry in card["lost"] if entry["metric"] == "portal-opt-in")
            assert loss["points"] == "0 of 6"
            assert loss["fix"]
            assert "status" in card["full"]
            assert steps
            assert (await agent("read_journal", **name))["last"] >= refusal["number"]
            for app in (naive, repaired):
                await app.http.aclose()

    asyncio.run(run())
    print(f"an MCP session: {time.monotonic() - began:.1f} s")


def test_every_tool_says_what_it_does_and_takes(origin: str) -> None:
    async def scenario(agent: Agent) -> None:
        tools = (await agent.client.list_tools()).tools
        assert len(tools) == 13
        for tool in tools:
            assert tool.description
            assert "\n    " not in tool.description
            assert all("description" in p for p in tool.input_schema["properties"].values()), tool.name
            assert "context" not in tool.input_schema["properties"]
        readers = {tool.name for tool in tools if tool.annotations and tool.annotations.read_only_hint}
        assert readers == {"find_scenarios", "list_members", "list_apps", "read_journal", "review_app"}
        instructions = agent.client.instructions or ""
        assert "find_scenarios" in instructions

    converse(origin, scenario)


def test_sessions_are_named_and_go_on(origin: str, session_name: str) -> None:
    async def scenario(agent: Agent) -> None:
        name = {"session": session_name}
        session = await agent("start_session", name=session_name, scenarios="broken-references")
        assert session["fhir"] == f"{origin}/s/~{session_name}/fhir"
        assert session["switched"] == "broken-references"
        await agent("clock", **name, advance="P90D")
        assert httpx.get(f"{session['fhir']}/metadata").status_code == 200
        again = await agent("start_session", name=session_name)
        assert not again["is_new"]
        assert again["switched"] == "broken-references"
        assert (await agent("clock", **name))["ahead_seconds"] == 90 * 86400
        await agent("reset", **name)
        assert (await agent("clock", **name))["ahead_seconds"] == 0
        assert (await agent("start_session", name=session_name))["switched"] == ""

    converse(origin, scenario)


def test_a_sign_in_returns_what_the_token_endpoint_answered(origin: str, session_name: str) -> None:
    async def scenario(agent: Agent) -> None:
        name = {"session": session_name}
        answer = await agent("sign_in", **name, member="maria", scope="patient/Coverage.rs")
        assert answer["status"] == 200
        assert answer["body"]["scope"] == "patient/Coverage.rs"
        assert answer["body"]["patient"]
        refused = {"do": "refuse", "status": 400, "code": "invalid_grant"}
        armed = (await agent("fail_next", **name, then=refused))["armed"]
        assert [(fault["times"], fault["left"]) for fault in armed] == [(1, 1)]
        answer = await agent("sign_in", **name, member="maria")
        assert (answer["status"], answer["body"]["error"]) == (400, "invalid_grant")
        own = await agent("read_journal", **name, refused=True, own=True)
        assert own["requests"][-1]["path"] == "/auth/token"
        assert (await agent("read_journal", **name))["requests"] == []
        await agent("fail_next", **name, times=3)
        assert (await agent("fail_next", **name, times=0))["armed"] == []

    converse(origin, scenario)


def test_a_member_is_searched_signed_in_and_revoked(origin: str, session_name: str) -> None:
    async def scenario(agent: Agent) -> None:
        name = {"session": session_name}
        listed = await agent("list_members", **name, words="newborn", limit=20)
        newborn = next(member for member in listed["members"] if member["username"] == "newborn")
        assert newborn["password"] == "newborn-pass"
        assert newborn["refusal"] is None
        assert (await agent("list_members", **name))["total"] == 100
        nina = (await agent("list_members", **name, words="nina"))["members"][0]
        assert nina["refusal"]
        apps = {app["client_id"]: app for app in (await agent("list_apps", **name))["apps"]}
        assert apps["sandbox-app"]["client_state"] == "approved"

        token = (await agent("sign_in", **name, member="newborn"))["body"]["access_token"]
        app = App(f"{origin}/s/~{session_name}/fhir", token)
        address = "/Patient"
        assert (await app.http.get(address)).status_code == 200
        assert await agent("revoke_grant", **name, member="newborn", client_id="legacy-app") == {"revoked": 0}
        assert await agent("revoke_grant", **name, member="newborn") == {"revoked": 1}
        assert (await app.http.get(address)).status_code == 401
        await app.http.aclose()
        journal = await agent("read_journal", **name, filters={"status": "401", "path": "/fhir"})
        assert journal["requests"][0]["repair"]

    converse(origin, scenario)


def test_the_journal_is_bounded_and_followed_by_number(origin: str, session_name: str) -> None:
    async def scenario(agent: Agent) -> None:
        name = {"session": session_name}
        long = f"Patient?name={'a' * 3000}"
        for address in ["metadata"] * JOURNAL_MAX + [long] * 3:
            httpx.get(f"{origin}/s/~{session_name}/fhir/{address}")
        journal = await agent("read_journal", **name, limit=JOURNAL_MAX)
        assert (len(journal["requests"]), journal["earlier"]) == (JOURNAL_MAX, 3)
        after = journal["requests"][-3]["number"]
        later = await agent("read_journal", **name, after=after)
        assert [entry["number"] for entry in later["requests"]] == [
            entry["number"] for entry in journal["requests"][-2:]
        ]
        assert (await agent("read_journal", **name, after=journal["last"]))["requests"] == []

    converse(origin, scenario)


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        (
            "choose_scenarios",
            {"session": "t", "selection": "rate-limitd"},
            "There is no scenario 'rate-limitd'",
        ),
        ("choose_scenarios", {"selection": ""}, "session: Field required"),
        (
            "clock",
            {"session": "t", "advanse": "P1D"},
            "clock has no argument 'advanse': session, advance, to",
        ),
        ("clock", {"session": "t", "advance": "P1D", "to": "2027-01-01T00:00:00Z"}, "either advance or to"),
        ("clock", {"session": "t", "advance": "tomorrow"}, "ISO 8601"),
        ("clock", {"session": "../x"}, "session: String should match"),
        ("clock", {"session": "nope~t"}, "There is no scenario 'nope'"),
        ("fail_next", {"session": "t", "then": {"do": "refus"}}, "did you mean refuse?"),
        ("sign_in", {"session": "t", "member": "mario"}, "no member 'mario'"),
        ("read_journal", {"session": "t", "filters": {"stat": "4xx"}}, "no filter 'stat'"),
        ("read_journal", {"session": "t", "limit": 5000}, "limit: Input should be less than or equal to 50"),
        ("revoke_grant", {"session": "t", "member": "mario"}, "No member"),
        ("review_app", {"session": "unused", "client_id": "nope"}, "no requests of 'nope'"),
        ("no_such_tool", {}, "Unknown tool"),
    ],
)
def test_what_is_wrong_is_an_error_in_one_line(
    origin: str, tool: str, arguments: dict[str, Any], says: str
) -> None:
    async def scenario(agent: Agent) -> None:
        assert says in await agent.error(tool, **arguments)

    converse(origin, scenario)


def test_a_payer_that_does_not_run_is_an_error_in_one_line() -> None:
    async def scenario(agent: Agent) -> None:
        assert "http://127.0.0.1:9 cannot be reached" in await agent.error("find_scenarios", words="429")
        assert "cannot be reached" in await agent.error("score", session="t")

    converse("http://127.0.0.1:9", scenario)


def test_resources_list_scenarios_and_verbs_and_a_prompt_says_how_to_test(origin: str) -> None:
    async def scenario(agent: Agent) -> None:
        texts = {}
        for resource in (await agent.client.list_resources()).resources:
            contents = (await agent.client.read_resource(resource.uri)).contents
            texts[str(resource.uri)] = contents[0].text  # type: ignore[union-attr]
        scenarios = json.loads(texts["payer-sandbox://scenarios"])
        assert "rate-limited" in {listed["id"] for listed in scenarios}
        assert all(len(text) < 2 * CHARACTERS_MAX for text in texts.values())
        assert "`refuse`" in texts["payer-sandbox://verbs"]
        prompt = await agent.client.get_prompt("test_my_app", {"failure": "the member revoked access"})
        assert "the member revoked access" in prompt.messages[0].content.text  # type: ignore[union-attr]

    converse(origin, scenario)


@pytest.mark.slow
def test_it_serves_by_http_and_refuses_pages_of_other_origins(origin: str, env: dict[str, str]) -> None:
    async def run(url: str) -> None:
        async with Client(url) as client:
            assert (await Agent(client)("find_scenarios", words="invalid_grant"))["matches"]

    flags = ("mcp", "--url", origin, "--http", "0")
    with started([*COMMAND, *flags], env=env, ctrl_c=True, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        url = process.stderr.readline().strip().removeprefix("MCP at ")
        assert re.fullmatch(r"http://127\.0\.0\.1:[1-9][0-9]*/mcp", url)
        page = httpx.post(url, json={}, headers={"Origin": "https://evil.example"})
        assert page.status_code == 403
        other = httpx.post(url, json={}, headers={"Host": "evil.example"})
        assert other.status_code == 421
        asyncio.run(run(url))
        second = command("mcp", "--url", origin, "--http", url.split(":")[2].removesuffix("/mcp"))
        assert second.returncode == 2
        assert second.stderr.count("\n") == 1
        assert "Address already in use" in second.stderr
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=PATIENCE) in (0, 130)
        assert "Traceback" not in process.stderr.read()


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_while_its_client_is_there(
    env: dict[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    environment = env | {"TMPDIR": str(tmp_path)}
    flags = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with started([*COMMAND, "mcp", "--start"], env=environment, ctrl_c=True, **flags) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        start = {"name": "start_session", "arguments": {}}
        messages = (
            {"method": "initialize", "params": HELLO, "id": 1},
            {"method": "notifications/initialized"},
            {"method": "tools/call", "params": start, "id": 2},
        )
        for message in messages:
            process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
            process.stdin.flush()
        assert json.loads(process.stdout.readline())["result"]["serverInfo"]["name"] == "payer-sandbox"
        assert "/s/~mcp-" in process.stdout.readline()
        assert list(tmp_path.iterdir())
        process.send_signal(number)
        assert process.wait(timeout=PATIENCE) == 128 + number
        assert process.stderr.read() == ""
        process.stdin.close()
    assert list(tmp_path.iterdir()) == []


def test_the_extra_and_contradicting_options_are_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    both = command("mcp", "--start", "--url", "http://127.0.0.1:8080")
    assert both.returncode == 2
    assert both.stderr == "payer-sandbox mcp: --url and --start cannot be combined\n"
    for name in ("sandbox.cli.mcp", "sandbox.cli.mcp_tools"):
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp.server", None)
    bare = command("mcp")
    assert bare.returncode == 2
    assert bare.stderr == "payer-sandbox: the MCP SDK is not installed: pip install 'payer-sandbox[mcp]'\n"
