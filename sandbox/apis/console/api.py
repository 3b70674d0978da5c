"""The console: which addresses it has, and how they behave."""

from __future__ import annotations

from importlib.resources import files

from flask import Blueprint

from sandbox.apis.console import apps, layout, members, payer, requests, scenarios, score
from sandbox.web.api import Api, Audience, Lookups, NextStep, Operation
from sandbox.web.guard import require_form_token
from sandbox.web.request import current


def _prepare(blueprint: Blueprint) -> None:
    blueprint.template_folder = str(layout.FOLDER / "templates")
    blueprint.before_request(require_form_token)


def _next_step(status: int) -> NextStep | None:
    if status == 403 and current().wiring.control_key:
        return NextStep("Enter the control key", f"{current().address_of('console')}/login")
    return None


CONSOLE = Api(
    name="console",
    prefix="/console",
    title="Console",
    cites=(),
    audience=Audience.OPERATOR,
    operations=(
        Operation("GET", "", "home", requests.home, "Show the requests of this payer as they arrive."),
        Operation("GET", "/requests/rows", "rows", requests.rows, "Return the rows after a number."),
        Operation("GET", "/requests/stream", "stream", requests.stream, "Stream the rows (SSE)."),
        Operation("GET", "/requests/<int:number>", "exchange", requests.exchange, "Show one exchange."),
        Operation("POST", "/requests/<int:number>/replay", "replay", requests.replay),
        Operation("GET", "/scenarios", "scenarios", scenarios.home, "Find, combine and switch scenarios."),
        Operation("POST", "/scenarios", "switch", scenarios.switch),
        Operation("POST", "/fail-next", "fail_next", scenarios.fail_next),
        Operation("GET", "/clock", "clock", payer.home, "Show and move the payer's clock."),
        Operation("POST", "/clock", "move_clock", payer.move),
        Operation("GET", "/members", "members", members.home, "Show the members."),
        Operation("GET", "/members/<username>", "member", members.member, "Show one member."),
        Operation("POST", "/members/<username>", "decide_member", members.decide),
        Operation("POST", "/members/<username>/sign-in", "sign_in", members.sign_in),
        Operation("GET", "/apps", "apps", apps.home, "Show the apps, and register one."),
        Operation("POST", "/apps", "register", apps.register),
        Operation("POST", "/apps/<id>", "decide_app", apps.decide),
        Operation("GET", "/sessions", "sessions", payer.sessions, "Show the session, and open another."),
        Operation("POST", "/sessions", "open_session", payer.open_session),
        Operation("GET", "/score", "score", score.home, "Score this payer."),
        Operation("POST", "/score", "grade", score.grade),
        Operation("GET", "/review", "review", score.review, "Review an app that used this payer."),
        Operation("POST", "/reset", "reset", payer.reset),
        Operation("GET", "/login", "login", layout.login, audience=Audience.PUBLIC),
        Operation("POST", "/login", "log_in", layout.log_in, audience=Audience.PUBLIC),
        Operation("POST", "/logout", "log_out", layout.log_out),
        Operation("GET", "/static/<name>", "asset", layout.asset, audience=Audience.PUBLIC),
    ),
    words=files(__package__) / "words.yaml",
    lookups=Lookups(next_step=_next_step),
    prepare=_prepare,
)

APIS = (CONSOLE,)
