"""`mcp`: a server of the Model Context Protocol, by which a coding agent uses the control API of a payer.

A result is one JSON object, and an error is one line. Source: the specification of the protocol and its
Python SDK, https://modelcontextprotocol.io.
"""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from inspect import getdoc
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NoReturn

import uvicorn
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent, ToolAnnotations
from pydantic import ValidationError

from sandbox import __version__
from sandbox.cli.mcp_tools import PayerTools, shorten
from sandbox.cli.scenario_lint import verbs
from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.core.text import escape, say
from sandbox.settings import Settings

INSTRUCTIONS = """\
payer-sandbox is a US health payer (SMART on FHIR, FHIR R4, CARIN Blue Button, US Core) that can be made to
misbehave, and a grader. Use it to test an app against a payer: start_session and give the app the `fhir`
address; find_scenarios for a failure ("429", "invalid_grant", "revoked") and choose_scenarios, or fail_next
for a single failure; run the app, or sign_in to get a token and call the FHIR API; read_journal with
refused=true for why requests failed and how to repair the app; clock to jump to when tokens or consents
expire; review_app to see what the app does wrong. score grades the payer, not the app.
Pass the name of your session to every tool. list_members has the names and passwords of synthetic members."""

HTTP_HOST = "127.0.0.1"
"""Where `--http` listens; the SDK refuses other hosts and pages of other origins there."""


def run(settings: Settings, origin: str, http_port: int | None) -> None:
    """Serve MCP on standard input and output, or by HTTP on a port of this machine, until it is stopped.

    An empty `origin` starts a payer in this process: the server answers at once, and a tool waits for it.
    """
    with ExitStack() as stack:
        locate = (lambda: origin) if origin else stack.enter_context(_started_payer(settings))
        server = build_server(locate, settings.control_key)
        if http_port is None:
            # The SDK reads standard input in a thread that no exception ends.
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, lambda number, frame: _exit(stack, 128 + number))
            server.run("stdio")
        else:
            _serve_http(server, http_port)


def _exit(stack: ExitStack, code: int) -> NoReturn:
    """Stop the payer, remove its files, and end the process."""
    stack.close()
    os._exit(code)


def _serve_http(server: MCPServer[Any], port: int) -> None:
    """Serve on a port of loopback. Raises UsageError in one line for a port that is in use."""
    try:
        listener = socket.create_server((HTTP_HOST, port))
    except OSError as problem:
        raise UsageError(f"cannot listen on {HTTP_HOST}:{port}: {problem.strerror}") from None
    with listener:
        say(f"MCP at http://{HTTP_HOST}:{listener.getsockname()[1]}/mcp", err=True)
        app = server.streamable_http_app(host=HTTP_HOST)
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run([listener])


@contextmanager
def _started_payer(settings: Settings) -> Iterator[Callable[[], str]]:
    """Start a payer in another thread. Yields a callable that waits for it and returns its origin."""
    from sandbox.server.embedded import listening

    with TemporaryDirectory() as folder, ExitStack() as stack, ThreadPoolExecutor(1) as executor:
        payer = listening(settings, Path(folder) / "ledger.db")
        yield executor.submit(stack.enter_context, payer).result


class ToolServer(MCPServer[Any]):
    """An MCP server whose results are compact JSON, and whose errors are one line."""

    async def call_tool(self, name: str, arguments: dict[str, Any], context: Context | None = None) -> Any:
        """Call a tool. Raises ToolError with one line for unknown arguments and what the tool refuses."""
        schemas = {tool.name: tool.input_schema for tool in await self.list_tools()}
        parameters = schemas.get(name, {}).get("properties", {})
        if name in schemas and (unknown := sorted(arguments.keys() - parameters)):
            raise ToolError(
                f"{name} has no argument {unknown[0]!r}: {', '.join(parameters) or 'it has none'}"
            )
        try:
            result = await super().call_tool(name, arguments, context)
        except ToolError as problem:
            cause = problem.__cause__
            if isinstance(cause, UsageError):
                raise ToolError(shorten(escape(cause))) from cause
            if isinstance(cause, ValidationError):
                error = cause.errors()[0]
                raise ToolError(shorten(f"{'.'.join(map(str, error['loc']))}: {error['msg']}")) from cause
            raise
        if isinstance(result, CallToolResult) and result.structured_content is not None:
            text = json_bytes(result.structured_content).decode()
            return result.model_copy(update={"content": [TextContent(type="text", text=text)]})
        return result


def build_server(locate: Callable[[], str], key: str = "") -> ToolServer:
    """Return the server for the payer whose origin `locate` returns; `key` is that of its control API."""
    server = ToolServer(
        "payer-sandbox",
        title="Payer sandbox",
        instructions=INSTRUCTIONS,
        version=__version__,
        log_level="WARNING",
    )
    tools = PayerTools(locate, key)
    for tool, is_read_only in (
        (tools.start_session, False),
        (tools.find_scenarios, True),
        (tools.choose_scenarios, False),
        (tools.fail_next, False),
        (tools.sign_in, False),
        (tools.list_members, True),
        (tools.list_apps, True),
        (tools.revoke_grant, False),
        (tools.read_journal, True),
        (tools.clock, False),
        (tools.reset, False),
        (tools.review_app, True),
        (tools.score, False),
    ):
        annotations = ToolAnnotations(
            read_only_hint=is_read_only, destructive_hint=tool == tools.reset, open_world_hint=False
        )
        server.add_tool(tool, description=getdoc(tool), annotations=annotations)
    server.resource(
        "payer-sandbox://scenarios",
        title="All scenarios",
        description="Every scenario: id, title and cost in the score. find_scenarios has the parameters.",
        mime_type="application/json",
    )(tools.scenarios)
    server.resource(
        "payer-sandbox://verbs",
        title="Fault verbs",
        description="What `then` of fail_next may be: each verb with its parameters.",
        mime_type="text/markdown",
    )(verbs)
    server.prompt(title="Test my app against a failure")(test_my_app)
    return server


def test_my_app(failure: str) -> str:
    """Test the app of this project against a failure of a payer, and repair it."""
    return (
        f"Test this project's app against a payer that fails like this: {failure}\n"
        "1. start_session, and configure the app with its addresses and client_id.\n"
        "2. find_scenarios for the failure, and choose_scenarios with the best match; where none fits,"
        " fail_next.\n"
        "3. Run the app, then read_journal with refused=true. Repair the app as `repair` says, and run it"
        " again.\n"
        "4. review_app, and repair what failed there. Report what you changed, with the journal as evidence."
    )
