"""The tools of `mcp`: what a coding agent does with the control API of a payer.

They take the name of a session and keep no state, so that several clients can share a server. A result has at
most a few thousand words: lists and texts are cut.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from pydantic import Field

from sandbox.apis.control.client import Remote, fhir_base, list_addresses, select
from sandbox.core.errors import UsageError
from sandbox.core.files import json_bytes
from sandbox.store.secret import new_secret

TEXT_MAX = 400
"""Characters of a text in a result."""
LIST_MAX = 20
"""Items of a list in a result, where no argument says how many."""
JOURNAL_MAX = 50
"""Exchanges in one result."""
_ENTRIES_READ = 1000
"""Exchanges of the journal among which the latest are chosen."""
_OWN_AGENT = "payer-sandbox"

SessionName = Annotated[
    str,
    Field(
        description="Session that start_session returned, such as t7; also a scenario in a session, such as"
        " rate-limited~t7. Empty: the payer without a session, which everyone shares.",
        pattern=r"^[A-Za-z0-9_.,=~-]*$",
        max_length=1100,
    ),
]
Username = Annotated[str, Field(description="User name of a member, such as maria (see list_members).")]
Limit = Annotated[int, Field(ge=1, le=LIST_MAX, description="How many to return.")]


class PayerTools:
    """The tools. Each returns a JSON object and raises UsageError in one line."""

    def __init__(self, locate: Callable[[], str], key: str):
        self._locate, self._key = locate, key

    def _remote(self, session: str) -> Remote:
        if not session:
            return Remote(self._locate(), self._key)
        return Remote(select(self._locate(), session if "~" in session else f"~{session}"), self._key)

    def start_session(
        self,
        name: Annotated[
            str,
            Field(
                pattern=r"^[A-Za-z0-9_-]{0,64}$",
                description="Name of the session, new or used before. Empty: a new name.",
            ),
        ] = "",
        scenarios: Annotated[str, Field(description="Scenarios to choose, as in choose_scenarios.")] = "",
    ) -> dict[str, Any]:
        """Start a session: a payer of your own, with its own clock, tokens, faults and journal.

        Returns its addresses and the client id of an app that is registered already. Configure the app under
        test with `fhir`: it finds the authorization server there (SMART). A session that was used before goes
        on as it was; reset clears it.
        """
        name = name or f"mcp-{_new_name()}"
        remote = self._remote(name)
        is_new = not self._remote("").call("GET", f"sessions/{name}")["payers"]
        if scenarios:
            remote.switch(scenarios)
        return {
            "session": name,
            "is_new": is_new,
            **list_addresses(remote.base),
            "client_id": "sandbox-app",
            "client": "public, PKCE, any http loopback redirect URI",
            **self._in_force(remote),
            "now": remote.clock(),
        }

    def _in_force(self, remote: Remote) -> dict[str, Any]:
        catalog = remote.call("GET", "scenarios")
        ids = catalog["in_force"]
        chosen = [_brief(listed) for listed in catalog["scenarios"] if listed["id"] in ids]
        return {"switched": catalog["switched"], "scenarios_in_force": chosen[:LIST_MAX]}

    def find_scenarios(
        self,
        words: Annotated[
            str,
            Field(
                min_length=1,
                max_length=200,
                description="What you see: an error code, status, parameter, header, spec term or symptom.",
            ),
        ],
        limit: Limit = 5,
    ) -> dict[str, Any]:
        """Find scenarios, each a way in which real payers fail, by words such as "429" or "invalid_grant".

        The best match comes first. `cost` is the effect on the payer's score. Pass `id` to choose_scenarios,
        with parameters where wanted. When nothing fits, `suggestions` has words that match something.
        """
        catalog = self._remote("").call("GET", "scenarios", query={"q": words})
        matches = [
            {
                **_brief(match),
                "parameters": _describe_parameters(match),
                "matched": sorted({reason["text"] for reason in match["why"]})[:LIST_MAX],
                **({"unmatched": match["unmatched"]} if match["unmatched"] else {}),
            }
            for match in catalog["scenarios"][:limit]
        ]
        return {
            "matches": matches,
            "total": len(catalog["scenarios"]),
            "suggestions": catalog["suggestions"][:LIST_MAX],
        }

    def choose_scenarios(
        self,
        session: SessionName,
        selection: Annotated[
            str,
            Field(
                max_length=1000,
                description="Scenario ids joined by dots, each with parameters after commas:"
                " slow-responses,seconds=2.broken-references. Empty: none.",
            ),
        ],
    ) -> dict[str, Any]:
        """Choose which scenarios the session's payer follows from now on. Its addresses stay the same.

        The selection replaces the one before. Scenarios in a session name, as in rate-limited~t7, stay in
        force besides it.
        """
        remote = self._remote(session)
        remote.switch(selection)
        return self._in_force(remote)

    def fail_next(
        self,
        session: SessionName,
        times: Annotated[
            int, Field(ge=0, le=1000, description="How many matching calls fail. 0: clear armed faults.")
        ] = 1,
        when: Annotated[
            dict[str, Any] | None,
            Field(
                description='Which calls: {"path": "/auth/token"}, {"resource": "ExplanationOfBenefit"},'
                ' {"method": "GET", "path": "/fhir/*"}. Without it: token calls.'
            ),
        ] = None,
        then: Annotated[
            dict[str, Any] | None,
            Field(
                description='The fault: {"do": "refuse", "status": 429, "retry_after": 2} or {"do": "delay",'
                ' "seconds": 5}; all verbs are in payer-sandbox://verbs. Without it: a 503.'
            ),
        ] = None,
    ) -> dict[str, Any]:
        """Make the next calls of the session fail, and then work again. Returns the armed faults."""
        remote = self._remote(session)
        if times:
            remote.fail_next(times, when, then)
        else:
            remote.disarm()
        return {"armed": remote.armed()[-LIST_MAX:]}

    def sign_in(
        self,
        session: SessionName,
        member: Username,
        scope: Annotated[str, Field(description="Scopes to request. Empty: those the payer offers.")] = "",
        refresh: Annotated[int, Field(ge=0, le=20, description="Refresh the token this many times.")] = 0,
    ) -> dict[str, Any]:
        """Sign a member in to the app sandbox-app, without a browser.

        `status` and `body` are exactly what the payer's token endpoint answered, faults included. Send
        body.access_token as a Bearer token to the session's `fhir` address; body.patient is the Patient.
        """
        answer = self._remote(session).sign_in(member, scope, refresh)
        try:
            body = answer.json()
        except ValueError:
            body = answer.text[:10_000]
        return {"status": answer.status_code, "body": body}

    def list_members(
        self,
        session: SessionName,
        words: Annotated[
            str,
            Field(max_length=100, description="Only members whose name, role or purpose has these words."),
        ] = "",
        limit: Limit = 10,
    ) -> dict[str, Any]:
        """List synthetic members: user name, password, what each is for, and why one may not connect.

        Words such as "denied claim", "newborn" or "medicaid" find the one you need. `refusal` null: the
        member may connect an app.
        """
        answer = self._remote(session).call("GET", "members", query={"q": words})
        return {"members": [_fill(m) for m in answer["members"][:limit]], "total": answer["total"]}

    def list_apps(self, session: SessionName) -> dict[str, Any]:
        """List the apps (OAuth clients) that the payer knows, with their state and redirect URIs."""
        apps = self._remote(session).clients()
        names = (
            "client_id", "client_name", "client_state", "token_endpoint_auth_method", "grant_types",
            "redirect_uris", "scope", "registered",
        )  # fmt: skip
        listed = [_fill({name: app[name] for name in names if name in app}) for app in apps[:LIST_MAX]]
        return {"apps": listed, "total": len(apps)}

    def revoke_grant(
        self,
        session: SessionName,
        member: Username,
        client_id: Annotated[str, Field(description="Only what this app was granted. Empty: all apps.")] = "",
    ) -> dict[str, Any]:
        """Revoke a member's consent, as the member does in the portal: the app's tokens stop working."""
        return {"revoked": self._remote(session).revoke(member, client_id or None)}

    def read_journal(
        self,
        session: SessionName,
        refused: Annotated[bool, Field(description="Only refused requests.")] = False,
        filters: Annotated[
            dict[str, str] | None,
            Field(
                description="Any of status (401, 4xx), method, path (its beginning, such as /fhir), member,"
                " client, effect, request (an X-Request-Id), since (an instant with its zone)."
            ),
        ] = None,
        after: Annotated[int, Field(ge=0, description="Only requests after this number.")] = 0,
        limit: Annotated[int, Field(ge=1, le=JOURNAL_MAX, description="How many of the latest.")] = 20,
        own: Annotated[bool, Field(description="Also the requests that sign_in sent.")] = False,
    ) -> dict[str, Any]:
        """Read the latest requests to the session's payer, oldest first, each with why it was refused.

        A refused request has `cause`, `why` and `repair`; `effects` names faults that fired on purpose, and
        `because` those that fired when its token was issued. Pass `last` as `after` for what comes next.
        """
        remote, query = self._remote(session), dict(filters or {})
        if unknown := sorted(query.keys() - set(_FILTERS)):
            raise UsageError(f"no filter {unknown[0]!r}: {', '.join(_FILTERS)}")
        query |= {"limit": str(_ENTRIES_READ)} | ({"refused": "true"} if refused else {})
        answer = remote.call("GET", "journal", query=query)
        entries = [entry for entry in answer["entries"] if entry["number"] > after]
        shown = [e for e in entries if own or not e.get("agent", "").startswith(_OWN_AGENT)]
        return {
            "requests": [_describe_exchange(entry) for entry in shown[-limit:]],
            "earlier": max(0, len(shown) - limit),
            "own_left_out": len(entries) - len(shown),
            "last": answer["last"],
        }

    def clock(
        self,
        session: SessionName,
        advance: Annotated[str, Field(description="ISO 8601 duration: P90D, PT5M, -P1D.")] = "",
        to: Annotated[str, Field(description="Instant with its zone: 2027-01-01T00:00:00Z.")] = "",
    ) -> dict[str, Any]:
        """Read the clock of the session's payer, or move it: tokens expire, claims become visible."""
        if advance and to:
            raise UsageError("use either advance or to")
        return self._remote(session).clock_state(advance=advance, to=to)

    def reset(self, session: SessionName) -> dict[str, Any]:
        """Delete what the session's payer remembers: tokens, consents, faults, scenarios, journal, clock."""
        return {"reset": self._remote(session).reset()}

    def score(self, session: SessionName, context: Context) -> dict[str, Any]:
        """Grade a payer with the scenarios of the session from outside: 100 points, 17 metrics.

        The payer is graded in a session of its own: your journal and clock stay as they are. It takes half a
        minute or more. `lost` has each metric that lost points, with the reason and the fix; `full` the
        others.
        """
        from sandbox.score.card import to_data
        from sandbox.score.run import grade

        selection = self._remote(session).call("GET", "scenarios")["selection"]
        graded = select(self._locate(), f"{selection}~mcp-score-{_new_name()}")
        steps = count(1)

        def report(step: str) -> None:
            anyio.from_thread.run(context.report_progress, next(steps), None, step)

        return _describe_card(to_data(grade(fhir_base(graded), progress=report)[0]))

    def review_app(
        self,
        session: SessionName,
        client_id: Annotated[str, Field(description="The app, where several used the session.")] = "",
    ) -> dict[str, Any]:
        """Review the app that used the session: how it signed in, refreshed, paged, waited and recovered.

        `failed` has each rule that it broke, with the requests that show it and the fix.
        """
        query = {"client": client_id} if client_id else None
        card = self._remote(session).call("GET", "review", query=query)
        ids: dict[str, list[str]] = {"pass": [], "not exercised": []}
        failed = []
        for row in card["rows"]:
            if row["result"] != "fail":
                ids[row["result"]].append(row["id"])
                continue
            shown = [
                f"{e['number']} {e['status']} {e['method']} {shorten(e['path'])}" for e in row["evidence"][:3]
            ]
            failed.append(
                {**{name: shorten(row[name]) for name in ("id", "title", "reason", "fix")}, "requests": shown}
            )
        return {
            "client_id": card["client"],
            "requests": card["exchanges"],
            "failed": failed,
            "passed": ids["pass"],
            "not_exercised": ids["not exercised"],
        }

    def scenarios(self) -> str:
        """Return every scenario, briefly, as JSON."""
        listed = self._remote("").call("GET", "scenarios")["scenarios"]
        return json_bytes([_brief(entry) for entry in listed]).decode()


def _new_name() -> str:
    return new_secret(6).strip("-_")


_FILTERS = ("status", "method", "path", "member", "client", "effect", "request", "since")


def _brief(listed: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": listed["id"], "title": listed["title"], "cost": listed["cost"]["text"]}


def _describe_parameters(listed: Mapping[str, Any]) -> dict[str, str]:
    """Return the parameters of a scenario in words: name → default, range and help."""
    return {
        name: f"{parameter['default']} ({parameter['range']}): {parameter['help']}"
        for name, parameter in listed["parameters"].items()
    }


def _describe_exchange(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry of the journal without what is empty or only identifies a secret."""
    names = (
        "number", "at", "method", "path", "sent", "status", "ms", "member", "client", "effects", "because",
        "error", "said", "cause", "why", "repair", "request",
    )  # fmt: skip
    described = _fill({name: entry[name] for name in names if name in entry})
    if "said" in described:
        described["message"] = described.pop("said")
    return described


def _describe_card(card: Mapping[str, Any]) -> dict[str, Any]:
    """Return the score, the security findings, and each loss with its reason, fix and one request."""
    metrics = {metric["id"]: metric for metric in card["metrics"]}
    lost = []
    for gain in card["gains"]:
        metric, evidence = metrics[gain["metric"]], card["details"][gain["metric"]]["evidence"]
        fields = {
            "metric": metric["id"],
            "points": f"{metric['points']} of {metric['max']}",
            "band": metric["band"],
            "reason": metric["reason"],
            "fix": gain["fix"],
            "next": gain["next"] if gain["next"] != gain["fix"] else "",
            "example": "{method} {url} {status}".format_map(evidence[0]) if evidence else "",
        }
        lost.append(_fill(fields))
    critical = [finding for finding in card["lint"] if finding["level"] == "critical"]
    names = {loss["metric"] for loss in lost}
    return {
        "score": card["score"],
        "max": card["max"],
        "range": card["range"],
        "edition": card["edition"],
        "target": card["target"],
        "critical": [
            _fill({n: finding[n] for n in ("rule", "text", "fix")}) for finding in critical[:LIST_MAX]
        ],
        "lost": lost,
        "full": [metric for metric in metrics if metric not in names],
        "notes": [shorten(note) for note in card["notes"][:5]],
    }


def _fill(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that are not empty, with long texts cut. False, zero and null stay."""
    return {name: shorten(value) for name, value in fields.items() if value not in ("", [], {})}


def shorten(value: Any) -> Any:
    """Return a text of at most TEXT_MAX characters, also in lists and objects."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_MAX else f"{value[: TEXT_MAX - 1]}…"
    if isinstance(value, list):
        return [shorten(item) for item in value[:LIST_MAX]]
    if isinstance(value, dict):
        return {name: shorten(item) for name, item in list(value.items())[:LIST_MAX]}
    return value
