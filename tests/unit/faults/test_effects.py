"""The vocabulary: what each verb does to its value, and that it leaves the original alone."""

from __future__ import annotations

import copy
import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from unit.faults.fault_samples import FHIR, act, gates, world

from sandbox.auth.authorization.decision import Decision
from sandbox.auth.tokens.access_token import TokenPlan
from sandbox.core.clock import FrozenClock, OffsetClock, SystemClock
from sandbox.core.errors import BadRequest, SandboxProblem
from sandbox.core.gates import Facts, Reply, Stage
from sandbox.core.waits import Pause
from sandbox.faults.scenario import VERBS
from sandbox.fhir.library import Page, Stored, entry_address
from sandbox.fhir.search.query import parse

QUERY = parse("ExplanationOfBenefit", [("patient", "p1"), ("type", "a"), ("_include", "*"), ("_count", "40")])
PLAN = TokenPlan(3600, 3600, "openid", True, None, {"patient": "p1", "tenant": "x"})
YES = Decision("maria", "p1", ("openid", "patient/*.rs"), "http://localhost/cb", {"state": "s", "iss": "i"})
REPLY = Reply(200, (("Content-Type", "a/b"), ("ETag", 'W/"1"')), b"0123456789")
CLAIM = {
    "resourceType": "ExplanationOfBenefit",
    "provider": {"reference": "Organization/o1"},
    "contained": [{"reference": "#x"}],
    "careTeam": [
        {"provider": {"reference": "Practitioner/d1"}},
        {"provider": {"reference": "https://h/fhir/Practitioner/d2"}},
    ],
    "item": [{"a": 1, "b": {"c": 2}}, {"b": [{"c": 3}, {"c": 4}]}, {"d": None}],
}


def stored(id: str) -> Stored:
    return Stored(1, "Patient", id, id, b"{}", "1", 0, entry_address("Patient", id))


PAGE = Page((stored("a"), stored("b")), total=2, more=True, last=2)


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(CLAIM), **changes}


DATED = Page(
    tuple(
        stored(str(number))._replace(body=body)
        for number, body in enumerate(
            (
                b'{"billablePeriod":{"start":"2025-06-10"}}',
                b'{"period":{"start":"2024-06-10T00:00:00Z"}}',
                b"{}",
            )
        )
    ),
    total=9,
)
CLAIMS = {
    "iss": "i",
    "aud": "app",
    "iat": 1_000_000,
    "exp": 1_003_600,
    "fhirUser": "http://h/fhir/Patient/p1",
}
OUTCOME = Stored(
    0, "OperationOutcome", "search", None,
    b'{"resourceType":"OperationOutcome","issue":[{"severity":"warning","code":"incomplete",'
    b'"details":{"text":"no"}}]}',
    "1", 0, b"OperationOutcome/search",
)  # fmt: skip
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
POINTS = {"r": {"reference": "Patient/p1", "display": "d"}}


def said(body: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    sent = body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()
    named = {"Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
    return Reply(status, tuple(named.items()), sent)


BUNDLE: dict[str, Any] = {
    "resourceType": "Bundle",
    "link": [
        {"relation": "self", "url": "http://h/fhir/X?patient=p&_page=a"},
        {"relation": "next", "url": "http://h/fhir/X?patient=p&_page=b"},
    ],
}


def linked(url: str, relation: str = "next") -> dict[str, Any]:
    return {**BUNDLE, "link": [BUNDLE["link"][0], {"relation": relation, "url": url}]}


BACK = Reply(303, (("Location", "http://127.0.0.1/cb?code=c&state=s"),), b"")
REFUSED = Reply(303, (("Location", "http://127.0.0.1/cb?error=access_denied"),), b"")
ANSWERS: list[tuple[str, dict[str, Any], Reply | None, Reply]] = [
    ("redirect", {}, None, Reply(302, (("Location", "?_page=a"),), b"")),
    ("redirect", {"to": "https://new.example/api/", "status": 301}, None,
     Reply(301, (("Location", "https://new.example/api/fhir/Patient?_page=a"),), b"")),
    ("change_status", {"status": 200}, said({"error": "x"}, 400), said({"error": "x"})),
    ("change_status", {"status": 304, "empty": True}, said({}), said(b"", 304)),
    ("redress", {"dress": "empty"}, Reply(400, (("Content-Type", "x"), ("X-A", "1")), b"y"),
     Reply(400, (("X-A", "1"),), b"")),
    ("redress", {"dress": "text", "text": "no"}, said({}, 500),
     Reply(500, (("Content-Type", "text/plain; charset=utf-8"),), b"no")),
    ("redress", {"dress": "html"}, said({}), said({})),
    ("dead_end", {}, BACK, BACK),
    ("callback_in_fragment", {}, BACK,
     Reply(303, (("Location", "http://127.0.0.1/cb#code=c&state=s"),), b"")),
    ("callback_in_fragment", {}, Reply(303, (("Location", "/login?request=1"),), b""),
     Reply(303, (("Location", "/login?request=1"),), b"")),
    ("set_header", {"name": "ETag", "value": "x"}, said({}, ETag="y"), said({}, ETag="x")),
    ("set_field", {"path": "expires_in", "value": "3600"}, said({"expires_in": 3600}),
     said({"expires_in": "3600"})),
    ("set_field", {"path": "error", "value": "y"}, said({"error": "x"}, 400), said({"error": "x"}, 400)),
    ("set_field", {"path": "a", "value": 1}, said(b"<html>"), said(b"<html>")),
    ("set_field", {"path": "a", "value": 1}, said(b"[1]"), said(b"[1]")),
    ("drop_field", {"path": "entry.search"}, said({"entry": [{"search": 1, "x": 2.50}, {}]}),
     said({"entry": [{"x": 2.5}, {}]})),
    ("rename_field", {"path": "expires_in", "to": "expires"}, said({"expires_in": 1}), said({"expires": 1})),
    ("rename_field", {"path": "absent", "to": "x"}, said({"a": 1}), said({"a": 1})),
    ("rewrite_field", {"path": "scope", "find": "patient/", "by": "Patient/"},
     said({"scope": "openid patient/*.rs"}), said({"scope": "openid Patient/*.rs"})),
    ("alter_id_token", {"set": {"iss": "x"}, "drop": ["fhirUser"]},
     said({"id_token": "h.eyJpc3MiOiJpIiwiZmhpclVzZXIiOiJmIn0.s"}),
     said({"id_token": "h.eyJpc3MiOiJ4In0.s"})),
    ("alter_id_token", {"set": {"iss": "x"}}, said({"a": 1}), said({"a": 1})),
    ("damage_json", {"how": "bom"}, said({}), said(b"\xef\xbb\xbf{}")),
    ("damage_json", {"how": "trailing_comma"}, said({"a": [1]}), said(b'{"a":[1],}')),
    ("damage_json", {"how": "nan"}, said({"value": 1.5}), said(b'{"value":NaN}')),
    ("damage_json", {"how": "duplicate_key"}, said({"id": "x", "a": 1}), said(b'{"id":"x","id":"x","a":1}')),
    ("damage_json", {"how": "single_quotes"}, said({"a": 1}), said(b"{'a':1}")),
    ("damage_json", {"how": "latin1"}, said('{"a":"é"}'.encode()), said('{"a":"é"}'.encode("latin-1"))),
    ("damage_json", {"how": "nul"}, said({}), said(b"{}\x00")),
    ("damage_json", {"how": "nul"}, REPLY, REPLY),
    ("loop_next_link", {}, said(BUNDLE), said(linked("http://h/fhir/X?patient=p&_page=a"))),
    ("loop_next_link", {}, said({"a": 1}), said({"a": 1})),
    ("rename_link_relation", {"to": "nxt"}, said(BUNDLE), said(linked(BUNDLE["link"][1]["url"], "nxt"))),
    ("rewrite_link", {"host": "192.0.2.5:8080", "scheme": "https"}, said(BUNDLE),
     said(linked("https://192.0.2.5:8080/fhir/X?patient=p&_page=b"))),
    ("rewrite_link", {"pad": 3}, said(BUNDLE), said(linked("http://h/fhir/X?patient=p&_page=b&_pad=xxx"))),
    ("forget_link_params", {"params": ["patient"]}, said(BUNDLE), said(linked("http://h/fhir/X?_page=b"))),
    ("add_link", {}, said({"resourceType": "Bundle"}),
     said({"resourceType": "Bundle", "link": [{"relation": "next", "url": ""}]})),
    ("rewrite_link", {"style": "relative"}, said(BUNDLE), said(linked("X?patient=p&_page=b"))),
    ("rewrite_link", {"style": "with-port"}, said(BUNDLE),
     said(linked("http://h:80/fhir/X?patient=p&_page=b"))),
    ("rewrite_link", {"style": "with-port", "scheme": "https"}, said(BUNDLE),
     said(linked("https://h:443/fhir/X?patient=p&_page=b"))),
    ("rewrite_link", {"style": "with-port", "host": "[::1]:8080"}, said(BUNDLE),
     said(linked("http://[::1]:8080/fhir/X?patient=p&_page=b"))),
    ("shift_date", {"seconds": -600}, said({}), said({}, Date="Sat, 14 Jun 2025 23:50:00 GMT")),
    ("announce_end", {"ahead": 86400, "successor": "https://new.example/fhir"}, said({}),
     said({}, Deprecation="@1749945600", Sunset="Mon, 16 Jun 2025 00:00:00 GMT",
          Link='<https://new.example/fhir>; rel="successor-version"')),
    ("gzip_body", {}, said({}), said({}, Content_Encoding="gzip")),
    ("drop_connection", {}, said({}), said({})),
    ("stall_body", {"seconds": 1}, said({}), said({})),
    ("lie_about_length", {}, said({}), said({})),
]  # fmt: skip


TABLE: list[tuple[str, dict[str, Any], Any, Any]] = [
    # request and response
    ("reply_with", {"status": 500}, REPLY, Reply(500)),
    (
        "reply_with",
        {"status": 200, "content_type": "text/html", "body": "é", "headers": {"X": "1"}},
        REPLY,
        Reply(200, (("X", "1"), ("Content-Type", "text/html")), "é".encode()),
    ),
    ("truncate_body", {}, REPLY, replace(REPLY, body=b"01234")),
    ("truncate_body", {"keep": 0}, REPLY, replace(REPLY, body=b"")),
    ("truncate_body", {"keep": 0.99}, replace(REPLY, body=iter([b"01", b"23"])), replace(REPLY, body=b"012")),
    ("wrong_content_type", {}, REPLY, REPLY.with_header("Content-Type", "text/html")),
    ("drop_header", {"name": "etag"}, REPLY, Reply(200, (("Content-Type", "a/b"),), REPLY.body)),
    ("drop_header", {"name": "absent"}, REPLY, REPLY),
    # authorize and token
    ("deny", {}, YES, replace(YES, error="access_denied")),
    (
        "deny",
        {"error": "server_error", "description": "no"},
        YES,
        replace(YES, error="server_error", description="no"),
    ),
    ("drop_state", {}, YES, replace(YES, params={"iss": "i"})),
    ("narrow_scopes", {"drop": ["openid", "absent"]}, YES, replace(YES, scope=("patient/*.rs",))),
    ("expire_early", {"after_seconds": 60}, PLAN, replace(PLAN, lifetime=60)),
    ("expire_early", {"after_seconds": 9999}, PLAN, PLAN),
    ("expire_early", {"after_requests": 6}, PLAN, replace(PLAN, uses=6)),
    ("expire_early", {"after_requests": 0}, PLAN, replace(PLAN, uses=0)),
    ("expire_early", {"after_seconds": 60}, replace(PLAN, uses=3), replace(PLAN, uses=3, lifetime=60)),
    ("expire_early", {"after_requests": 6}, replace(PLAN, uses=3), replace(PLAN, uses=3)),
    ("omit_patient", {}, PLAN, replace(PLAN, extras={"tenant": "x"})),
    ("withhold_refresh", {}, PLAN, replace(PLAN, refresh=False)),
    ("restyle_patient", {}, PLAN, replace(PLAN, extras={"patient": "Patient/p1", "tenant": "x"})),
    ("restyle_patient", {"style": "url"}, PLAN,
     replace(PLAN, extras={"patient": "http://h/fhir/Patient/p1", "tenant": "x"})),
    ("restyle_patient", {}, replace(PLAN, extras={}), replace(PLAN, extras={})),
    ("shape_token", {"shape": "jwt"}, PLAN, replace(PLAN, is_jwt=True, length=4000)),
    ("shape_token", {"length": 100}, PLAN, replace(PLAN, length=100)),
    # id_token
    ("drop_claim", {"claim": "fhirUser"}, CLAIMS, {k: v for k, v in CLAIMS.items() if k != "fhirUser"}),
    ("drop_claim", {"claim": "absent"}, CLAIMS, CLAIMS),
    ("misstate_claim", {"claim": "aud"}, CLAIMS, CLAIMS | {"aud": "another-app"}),
    ("misstate_claim", {"claim": "nonce"}, CLAIMS, CLAIMS),
    ("misstate_claim", {"claim": "nonce"}, CLAIMS | {"nonce": "n"},
     CLAIMS | {"nonce": "nonce-of-another-sign-in"}),
    ("misstate_claim", {"claim": "exp"}, CLAIMS, CLAIMS | {"iat": 1_000_000 - 172_800, "exp": 913_600}),
    ("misstate_claim", {"claim": "iat"}, CLAIMS,
     CLAIMS | {"iat": 1_086_400, "nbf": 1_086_400, "exp": 1_090_000}),
    ("shift_times", {"seconds": -600}, CLAIMS, CLAIMS | {"iat": 999_400, "nbf": 999_400, "exp": 1_003_000}),
    ("relative_fhir_user", {}, CLAIMS, CLAIMS | {"fhirUser": "Patient/p1"}),
    ("relative_fhir_user", {}, {"iss": "i"}, {"iss": "i"}),
    ("forget_tokens", {"ahead": 60}, PLAN, replace(PLAN, lifetime=60, refresh_lifetime=60)),
    ("forget_tokens", {"ahead": 9000}, PLAN, replace(PLAN, refresh_lifetime=9000)),
    ("narrow_types", {"keep": ["Patient", "Coverage"], "drop": ["Patient"]}, YES,
     replace(YES, scope=("openid", "patient/Coverage.rs"))),
    ("narrow_types", {"keep": ["Patient"]}, replace(YES, scope=("user/Patient.r", "patient/Goal.rs")),
     replace(YES, scope=("user/Patient.r",))),
    ("keep_scopes", {"keep": ["openid"]}, YES, replace(YES, scope=("openid",))),
    ("alter_state", {}, replace(YES, params={"state": "abcd"}), replace(YES, params={"state": "ab"})),
    ("alter_state", {"how": "encode_twice"}, replace(YES, params={"state": "a b"}),
     replace(YES, params={"state": "a%20b%3D"})),
    ("alter_state", {"how": "lower_case"}, replace(YES, params={"state": "aB"}),
     replace(YES, params={"state": "ab"})),
    ("alter_state", {"how": "replace"}, YES, replace(YES, params={"state": "undefined", "iss": "i"})),
    ("alter_state", {}, replace(YES, params={}), replace(YES, params={})),
    ("add_callback_param", {"name": "error", "value": "x"}, YES,
     replace(YES, params={**YES.params, "error": "x"})),
    ("drop_callback_param", {"name": "iss"}, YES, replace(YES, params={"state": "s"})),
    ("wrong_patient", {"patient": "p2"}, YES, replace(YES, patient="p2")),
    ("refuse_data", {"text": "no"}, YES, replace(YES, refused="no")),
    ("announce", {"seconds": 7200}, PLAN, replace(PLAN, announced=7200)),
    ("narrow_token", {"drop": ["openid"]}, replace(PLAN, scope="openid patient/*.rs"),
     replace(PLAN, scope="patient/*.rs")),
    ("set_token_field", {"name": "patient", "value": "p9"}, PLAN,
     replace(PLAN, extras={"patient": "p9", "tenant": "x"})),
    # query and bundle
    ("require_param", {"params": ["absent", "type"]}, QUERY, QUERY),
    ("fix_count", {"count": 7}, QUERY, replace(QUERY, count=7)),
    ("reverse_entries", {}, PAGE, replace(PAGE, matches=PAGE.matches[::-1])),
    ("count_includes", {}, replace(PAGE, included=(stored("i"),)),
     replace(PAGE, included=(stored("i"),), total=3)),
    ("omit_total", {}, PAGE, replace(PAGE, total=None)),
    ("drop_included", {}, replace(PAGE, included=(stored("i"),)), PAGE),
    ("empty_search", {}, PAGE, Page((), total=0)),
    ("truncate_bundle", {"most": 1}, PAGE, replace(PAGE, matches=PAGE.matches[:1], more=False)),
    ("hide_share", {"share": 1}, PAGE, replace(PAGE, matches=(), total=0)),
    ("hide_share", {"share": 1, "types": ["Coverage"]}, PAGE, PAGE),
    ("hide_by_age", {"older_than_days": 30}, DATED,
     replace(DATED, matches=(DATED.matches[0], DATED.matches[2]), total=8)),
    ("hide_by_age", {"newer_than_days": 30}, DATED, replace(DATED, matches=DATED.matches[1:], total=8)),
    ("hide_by_age", {"older_than_days": 30, "types": ["Coverage"]}, DATED, DATED),
    ("copy_entry", {"prefixes": ["A-"]}, Page((stored("a"),)),
     Page((stored("a"), stored("a")._replace(id="A-a", body=b'{"id":"A-a"}', address=b"Patient/A-a")))),
    ("copy_entry", {"type": "Coverage"}, PAGE, PAGE),
    ("forget_includes", {}, QUERY, replace(QUERY, includes=())),
    ("ignore_param", {"param": "type"}, QUERY, replace(QUERY, clauses=QUERY.clauses[:1])),
    ("ignore_param", {"param": "absent"}, QUERY, QUERY),
    ("reject_param", {"param": "absent"}, QUERY, QUERY),
    ("cap_count", {"most": 10}, QUERY, replace(QUERY, count=10)),
    ("cap_count", {"most": 100}, QUERY, QUERY),
    ("lie_about_total", {"total": 7}, PAGE, replace(PAGE, total=7)),
    ("drop_next_link", {}, PAGE, replace(PAGE, more=False)),
    ("repeat_entry", {}, PAGE, replace(PAGE, matches=(*PAGE.matches, stored("b")))),
    ("repeat_entry", {}, Page(()), Page(())),
    ("insert_empty_page", {}, PAGE, Page((), total=2, more=True)),
    ("insert_empty_page", {}, Page(()), Page(())),
    ("mix_in_patient", {"patient": "p2", "type": "Patient"}, PAGE,
     replace(PAGE, matches=(*PAGE.matches, stored("p2")), total=3)),
    ("mix_in_patient", {"patient": "a", "type": "Patient"}, PAGE, PAGE),
    ("mix_in_patient", {"patient": "p2"}, PAGE, PAGE),
    ("add_outcome", {"code": "incomplete", "text": "no", "severity": "warning"},
     Page((stored("a"),), total=1), Page((OUTCOME, stored("a")), total=1)),
    ("add_outcome", {"code": "incomplete", "text": "no", "severity": "warning", "only": True}, PAGE,
     Page((OUTCOME,), total=0)),
    # resource
    ("rename_element", {"path": "item.a", "to": "b"}, {"item": [{"a": 1}, {}]}, {"item": [{"b": 1}, {}]}),
    ("data_absent", {"path": "status", "reason": "masked"}, {"status": "active"},
     {"_status": {"extension": [{"url": ABSENT, "valueCode": "masked"}]}}),
    ("data_absent", {"path": "status"}, {"id": "x"}, {"id": "x"}),
    ("swap_code_system", {"system": "s", "to": "t", "codes": {"a": "b"}},
     {"c": [{"system": "s", "code": "a"}, {"system": "s", "code": "z"}, {"system": "u", "code": "a"}]},
     {"c": [{"system": "t", "code": "b"}, {"system": "t", "code": "z"}, {"system": "u", "code": "a"}]}),
    ("reformat_date", {"path": "p.start"}, {"p": {"start": "2025-01-31T10:00:00Z"}},
     {"p": {"start": "01/31/2025"}}),
    ("reformat_date", {"path": "p.start"}, {"p": {"start": "2025-01"}}, {"p": {"start": "2025-01"}}),
    ("drop_offset", {"path": "a.at"}, {"a": [{"at": "2025-01-31T10:00:00Z"}, {"at": "2025-01-31"}]},
     {"a": [{"at": "2025-01-31T10:00:00"}, {"at": "2025-01-31"}]}),
    ("drop_offset", {"path": "at"}, {"at": "2025-01-31T10:00:00.5-05:00"}, {"at": "2025-01-31T10:00:00.5"}),
    ("restless_version", {}, {"id": "x", "meta": {"profile": ["p"]}},
     {"id": "x", "meta": {"profile": ["p"], "versionId": "1749945600000",
                          "lastUpdated": "2025-06-15T00:00:00.000Z"}}),
    ("alias_id", {}, {"resourceType": "Patient", "id": "p1"}, {"resourceType": "Patient", "id": "SRC1-p1"}),
    ("alias_id", {"references": True}, {"resourceType": "Coverage", "b": {"reference": "Patient/p1"}},
     {"resourceType": "Coverage", "b": {"reference": "Patient/SRC1-p1"}}),
    ("alias_id", {}, {"resourceType": "Coverage", "b": {"reference": "Patient/p1"}},
     {"resourceType": "Coverage", "b": {"reference": "Patient/p1"}}),
    ("alias_id", {"prefix": "-", "fill_to": 5}, {"resourceType": "Patient", "id": "p1"},
     {"resourceType": "Patient", "id": "-p1--"}),
    ("read_alias", {"prefix": "-"}, "-p1--", "p1"),
    ("read_alias", {"prefix": "-"}, "p1", "p1"),
    ("read_alias", {"prefix": "-", "type": "Coverage"}, "-p1", "-p1"),
    ("restyle_reference", {"style": "absolute"}, POINTS, {"r": {"reference":
     "http://192.0.2.5:8080/fhir/Patient/p1", "display": "d"}}),
    ("restyle_reference", {"style": "versioned"}, POINTS,
     {"r": {"reference": "Patient/p1/_history/1", "display": "d"}}),
    ("restyle_reference", {"style": "logical", "base": "urn:x"}, POINTS,
     {"r": {"identifier": {"system": "urn:x/identifiers/Patient", "value": "p1"}, "display": "d",
            "type": "Patient"}}),
    ("restyle_reference", {"style": "missing"}, {"r": {"reference": "Patient/p1"}},
     {"r": {"display": "Patient"}}),
    ("restyle_reference", {"style": "contained"}, POINTS,
     {"r": {"reference": "#patient-d6d079", "display": "d"}}),
    ("restyle_reference", {"style": "urn", "targets": ["Coverage"]}, POINTS, POINTS),
    ("drop_element", {"path": "careTeam.provider"}, CLAIM, changed(careTeam=[{}, {}])),
    (
        "drop_element",
        {"path": "item.b.c"},
        CLAIM,
        changed(item=[{"a": 1, "b": {}}, {"b": [{}, {}]}, {"d": None}]),
    ),
    ("drop_element", {"path": "item.d"}, CLAIM, changed(item=[*CLAIM["item"][:2], {}])),
    ("drop_element", {"path": "absent.path"}, CLAIM, CLAIM),
    ("set_element", {"path": "status", "value": "draft"}, CLAIM, changed(status="draft")),
    ("set_element", {"path": "provider.display", "value": [1]}, CLAIM,
     changed(provider={"reference": "Organization/o1", "display": [1]})),
    ("set_element", {"path": "absent.path", "value": 1}, CLAIM, CLAIM),
    (
        "break_reference",
        {"targets": ["Practitioner"]},
        CLAIM,
        changed(
            careTeam=[
                {"provider": {"reference": "Practitioner/missing-d1"}},
                {"provider": {"reference": "Practitioner/missing-d2"}},
            ]
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("verb", "parameters", "before", "after"), TABLE)
def test_a_verb_does_what_its_name_says(
    verb: str, parameters: dict[str, Any], before: Any, after: Any
) -> None:
    original = copy.deepcopy(before) if isinstance(before, dict) else before
    assert act(verb, before, **parameters) == after
    assert before == original


@pytest.mark.parametrize(
    ("verb", "parameters", "before", "after"), [row for row in ANSWERS if row[0] not in ("drop_connection",
    "stall_body", "lie_about_length")]
)  # fmt: skip
def test_an_answer_becomes_what_the_verb_says(
    verb: str, parameters: dict[str, Any], before: Reply | None, after: Reply
) -> None:
    made = act(verb, before, replace(FHIR, params={"_page": "a"}), **parameters)
    assert (made.status, sorted(made.headers), made.body) == (after.status, sorted(after.headers), after.body)


def sent(reply: Reply) -> tuple[bytes, bool]:
    """What reaches the caller, and whether the connection breaks then."""
    got = b""
    try:
        for chunk in reply.chunks():
            got += chunk
    except ConnectionResetError:
        return got, True
    return got, False


AGENT = "python-requests/2.32"


@pytest.mark.parametrize(
    ("parameters", "agent", "status", "kind"),
    [
        ({}, AGENT, 403, "text/plain"),
        ({}, "", 403, "text/plain"),
        ({"answer": "page"}, "okhttp/4.12", 403, "text/html"),
        ({}, "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", None, ""),
        ({"callers": "all"}, "Mozilla/5.0 (X11; Linux x86_64) Firefox/130.0", 403, "text/plain"),
    ],
)
def test_a_bot_filter_looks_at_the_user_agent(
    parameters: dict[str, Any], agent: str, status: int | None, kind: str
) -> None:
    reply = act("block_bots", None, replace(FHIR, agent=agent), **parameters)
    assert (reply and reply.status) == status
    assert reply is None or (reply.header("Content-Type") or "").startswith(kind)
    assert act("block_bots", REPLY, replace(FHIR, agent=agent)) is REPLY


def test_a_silent_bot_filter_closes_the_connection_at_last() -> None:
    at = world()
    begun = at.clock.now()
    reply = act("block_bots", None, replace(FHIR, agent=AGENT), at, answer="silence", seconds=20)
    assert sent(reply) == (b"", True)
    assert at.clock.now() - begun == timedelta(seconds=20)


def test_a_step_comes_between_login_and_consent_until_it_is_answered() -> None:
    consent = Facts(method="GET", path="/auth/consent", params={"request": "a&b"})
    for step, text in (
        ("one-time-code", 'type="text"'),
        ("security-question", "Answer"),
        ("new-terms", 'type="checkbox"'),
        ("password-reset", 'type="password"'),
    ):
        page = act("insert_step", None, consent, step=step)
        assert (page.status, text in page.body.decode()) == (200, True)
        assert 'action="?request=a%26b&amp;step=answer"' in page.body.decode()
    answered = replace(consent, method="POST", params={"request": "a&b", "step": "answer"})
    reply = act("insert_step", None, answered)
    assert (reply.status, reply.header("Location")) == (303, "consent?request=a%26b&step=done")
    for passing in (
        replace(consent, params={"request": "a", "step": "done"}),
        replace(consent, params={}),
        replace(answered, params={"request": "a"}),
    ):
        assert act("insert_step", None, passing) is None
    assert act("insert_step", REPLY, consent) is REPLY


def test_a_grant_is_revoked_before_the_request_is_processed() -> None:
    revoked: list[str] = []
    at = replace(world(), revoke=lambda: revoked.append("grant"))
    assert act("revoke_grant", None, at=at) is None
    assert revoked == ["grant"]
    assert act("revoke_grant", REPLY) is REPLY


def test_a_connection_breaks_before_the_first_byte_or_in_the_middle() -> None:
    assert sent(act("drop_connection", REPLY)) == (b"", True)
    half = act("drop_connection", REPLY, keep=0.5)
    assert sent(half) == (b"01234", True)
    assert half.header("Content-Length") == "10"


def test_a_stated_length_may_be_a_lie() -> None:
    lie = act("lie_about_length", REPLY, by=5)
    assert (lie.header("Content-Length"), sent(lie)) == ("15", (REPLY.body, True))


def test_a_body_may_stall_and_still_arrive() -> None:
    at = world()
    begun = at.clock.now()
    stalled = act("stall_body", REPLY, at=at, seconds=30)
    assert sent(stalled) == (REPLY.body, False)
    assert at.clock.now() - begun == timedelta(seconds=30)


def test_gzip_is_told_and_done_wrongly() -> None:
    double = act("gzip_body", REPLY, how="double")
    assert double.header("Content-Encoding") == "gzip"
    assert gzip.decompress(gzip.decompress(double.body)) == REPLY.body
    silent = act("gzip_body", REPLY, how="silent")
    assert silent.header("Content-Encoding") is None
    assert gzip.decompress(silent.body) == REPLY.body


def test_a_dead_end_shows_a_page_where_the_app_waits() -> None:
    page = act("dead_end", REFUSED, text="Call us")
    assert (page.status, page.header("Location")) == (200, None)
    assert b"Call us" in page.body
    assert act("dead_end", BACK, instead_of="code").status == 200
    assert act("dead_end", BACK, instead_of="any", status=403).status == 403
    assert act("dead_end", REPLY, instead_of="any") is REPLY


@pytest.mark.parametrize(
    ("path", "parameters", "status", "kind", "holds"),
    [
        ("/fhir/X", {}, 503, "application/fhir+json", '"code":"transient"'),
        ("/fhir/X", {"status": 418}, 418, "application/fhir+json", '"code":"invalid"'),
        ("/fhir/X", {"status": 599}, 599, "application/fhir+json", '"code":"exception"'),
        ("/auth/token", {"status": 401}, 401, "application/json", '"error":"invalid_client"'),
        ("/auth/token", {"code": "odd"}, 503, "application/json", '"error":"odd"'),
        ("/fhir/X", {"dress": "html", "text": "blocked"}, 503, "text/html", "<h1>blocked</h1>"),
        ("/fhir/X", {"dress": "xml", "status": 400}, 400, "application/xml", "<code>400</code>"),
        ("/fhir/X", {"dress": "empty"}, 503, None, ""),
    ],
)
def test_a_refusal_wears_the_dress_it_is_given(
    path: str, parameters: dict[str, Any], status: int, kind: str | None, holds: str
) -> None:
    reply = act("refuse", None, Facts(path=path), retry_after=3, headers={"X-A": "b"}, **parameters)
    assert (reply.status, reply.header("Retry-After"), reply.header("X-A")) == (status, "3", "b")
    assert (reply.header("Content-Type") or "").startswith(kind or "")
    assert holds in reply.body.decode()
    assert act("refuse", REPLY) is REPLY


@pytest.mark.parametrize(
    ("told", "header", "value"),
    [("date", "Retry-After", "Sun, 15 Jun 2025 00:00:06 GMT"), ("reset", "X-RateLimit-Reset", "5"),
     ("zero", "Retry-After", "0"), ("seconds", "Retry-After", "5")],
)  # fmt: skip
def test_the_wait_is_told_in_many_ways(told: str, header: str, value: str) -> None:
    at = world()
    replies = [act("rate_limit", None, at=at, limit=1, per_seconds=5, told=told) for _ in range(2)]
    assert replies[1].header(header) == value


def test_a_firewall_blocks_with_a_page() -> None:
    at = world()
    blocked = [act("rate_limit", None, at=at, limit=1, status=403, dress="html") for _ in range(2)][1]
    assert (blocked.status, blocked.header("Content-Type")) == (403, "text/html; charset=utf-8")


def test_a_search_without_what_it_needs_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match="category or status"):
        act("require_param", QUERY, params=["category", "status"])
    with pytest.raises(SandboxProblem) as caught:
        act("refuse_search", QUERY)
    assert (caught.value.status, caught.value.code) == (410, "expired")


def test_a_urn_is_the_same_for_the_same_target() -> None:
    first = act("restyle_reference", POINTS, style="urn")["r"]["reference"]
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}", first)
    assert act("restyle_reference", POINTS, style="urn")["r"]["reference"] == first


def test_a_share_of_the_matches_is_always_the_same_one() -> None:
    many = Page(tuple(stored(str(number)) for number in range(200)), total=200)
    kept = act("hide_share", many, share=0.3)
    assert 110 < len(kept.matches) < 170
    assert kept.total == len(kept.matches)
    assert act("hide_share", many, share=0.3) == kept


def test_a_moment_that_is_over_ends_no_token() -> None:
    later = replace(world(), ahead=timedelta(seconds=100))
    assert act("forget_tokens", PLAN, at=later, ahead=100) == PLAN
    assert act("forget_tokens", PLAN, at=later, ahead=130).refresh_lifetime == 30


def test_dropping_a_type_leaves_every_other() -> None:
    scope = act("narrow_types", YES, drop=["Patient"]).scope
    assert "patient/Coverage.rs" in scope
    assert not {"patient/Patient.rs", "patient/*.rs"} & set(scope)


ASKED = {"redirect_uri": "http://127.0.0.1/cb", "state": "a b", "scope": "openid internal"}
LOGIN = Reply(303, (("Location", "http://h/auth/login?request=1"),), b"")


@pytest.mark.parametrize(
    ("answer", "params", "rule", "where"),
    [
        (LOGIN, ASKED, {}, "http://127.0.0.1/cb?error=no&error_description=why&state=a+b"),
        (LOGIN, {"redirect_uri": "app:/cb?x=1"}, {}, "app:/cb?x=1&error=no&error_description=why"),
        (LOGIN, ASKED, {"unless_scope": "internal"}, "http://h/auth/login?request=1"),
        (LOGIN, {}, {}, "http://h/auth/login?request=1"),
        (BACK, ASKED, {}, BACK.header("Location")),
        # A page of refusal: the redirect URI may be a stranger's.
        (Reply(400, (), b"x"), ASKED, {}, None),
    ],
)
def test_only_a_request_that_was_good_is_sent_back(
    answer: Reply, params: dict[str, str], rule: dict[str, str], where: str | None
) -> None:
    facts = Facts(path="/auth/authorize", params=params)
    sent = act("send_back", answer, facts, error="no", description="why", **rule)
    assert (sent.status, sent.header("Location")) == (answer.status, where)


def test_every_verb_is_tested_here() -> None:
    elsewhere = {"delay", "rate_limit", "maintenance", "refuse", "refuse_search", "send_back"}
    elsewhere |= {"block_bots", "insert_step", "revoke_grant"}
    assert {row[0] for row in (*TABLE, *ANSWERS)} | elsewhere == set(VERBS)


def test_every_verb_is_at_a_gate_and_says_what_it_does() -> None:
    for verb in VERBS.values():
        assert isinstance(verb.stage, Stage)
        assert verb.__doc__


@pytest.mark.parametrize(
    ("verb", "parameters"),
    [
        ("delay", {"seconds": 0}),
        ("delay", {"seconds": 121}),
        ("delay", {}),
        ("rate_limit", {"limit": 0}),
        ("truncate_body", {"keep": 1}),
        ("reply_with", {"status": 99}),
        ("break_reference", {"share": 0}),
        ("break_reference", {"share": 1.1}),
        ("cap_count", {"most": 0}),
        ("drop_state", {"why": "x"}),
    ],
)
def test_parameters_that_make_no_sense_are_refused(verb: str, parameters: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        VERBS[verb].model_validate({"do": verb, **parameters})


def test_a_delay_lets_the_payers_time_pass_and_answers_nothing() -> None:
    at = world()
    begun = at.clock.now()
    assert act("delay", None, at=at, seconds=1.5) is None
    assert act("delay", REPLY, at=at, seconds=2) is REPLY
    assert at.clock.now() - begun == timedelta(seconds=3.5)


def test_a_delay_by_a_clock_that_goes_by_itself_is_left_to_the_server() -> None:
    at = replace(world(), clock=OffsetClock(SystemClock(), timedelta(days=1)))
    act("delay", None, at=at, seconds=90)
    act("delay", None, at=at, seconds=0.5)
    assert at.delays == [90, 0.5]
    slow = act("stall_body", REPLY, at=at, seconds=60)
    assert [chunk.seconds for chunk in slow.chunks() if isinstance(chunk, Pause)] == [60]


def test_a_rejected_parameter_is_named() -> None:
    with pytest.raises(BadRequest) as caught:
        act("reject_param", QUERY, param="type")
    assert caught.value.expression == "type"


@pytest.mark.parametrize(("path", "word"), [("/fhir/Patient", "throttled"), ("/auth/token", "slow_down")])
def test_more_requests_than_the_limit_are_told_to_wait(path: str, word: str) -> None:
    at, facts = world(), replace(FHIR, path=path)
    answers = [act("rate_limit", None, facts, at, limit=2, per_seconds=5) for _ in range(3)]
    assert answers[:2] == [None, None]
    assert (answers[2].status, answers[2].header("Retry-After")) == (429, "5")
    assert word in answers[2].body.decode()
    assert act("rate_limit", None, replace(facts, caller="c2"), at, limit=2, per_seconds=5) is None


def test_a_limit_begins_again_when_its_window_is_over() -> None:
    at = world()
    assert isinstance(at.clock, FrozenClock)
    assert [bool(act("rate_limit", None, FHIR, at, limit=1, per_seconds=2)) for _ in range(2)] == [
        False,
        True,
    ]
    at.clock.advance(timedelta(milliseconds=1999))
    assert act("rate_limit", None, FHIR, at, limit=1, per_seconds=2).header("Retry-After") == "1"
    at.clock.advance(timedelta(milliseconds=1))
    assert act("rate_limit", None, FHIR, at, limit=1, per_seconds=2) is None


def test_a_limit_may_keep_to_itself_how_long_to_wait_and_yields_to_an_answer() -> None:
    at = world()
    replies = [act("rate_limit", None, FHIR, at, limit=1, retry_after=False) for _ in range(2)]
    assert replies[1].header("Retry-After") is None
    assert act("rate_limit", REPLY, FHIR, at, limit=1) is REPLY


def test_maintenance_closes_each_surface_in_its_own_words() -> None:
    fhir = act("maintenance", None)
    assert (fhir.status, fhir.header("Retry-After")) == (503, "120")
    assert json.loads(fhir.body)["issue"][0]["code"] == "transient"
    auth = act("maintenance", None, Facts(path="/auth/token"), retry_after=None)
    assert json.loads(auth.body)["error"] == "temporarily_unavailable"
    assert auth.header("Retry-After") is None
    assert act("maintenance", REPLY) is REPLY


def _references(share: float, seed: str = "1") -> Iterator[bool]:
    at = world(seed)
    for number in range(400):
        claim = {"provider": {"reference": f"Organization/o{number}"}}
        yield act("break_reference", claim, at=at, share=share) != claim


def test_the_same_share_of_references_is_broken_every_time() -> None:
    broken = list(_references(0.3))
    assert 0.2 < sum(broken) / 400 < 0.4
    assert broken == list(_references(0.3))
    assert broken != list(_references(0.3, seed="2"))
    assert all(more for less, more in zip(broken, _references(0.6), strict=True) if less)


def test_a_broken_reference_still_looks_like_one() -> None:
    long = {"reference": "Organization/" + "x" * 64}
    broken = act("break_reference", {"provider": long})["provider"]["reference"]
    assert broken.startswith("Organization/missing-x")
    assert len(broken) == len(long["reference"])


def test_fired_names_the_verbs_that_changed_something_once_and_in_order() -> None:
    bound = gates(
        {"then": {"do": "forget_includes"}},
        {"then": {"do": "ignore_param", "param": "absent"}},
        {"then": {"do": "cap_count", "most": 1}},
    )
    assert bound.armed(Stage.QUERY)
    assert not bound.armed(Stage.RESOURCE)
    for _ in range(2):
        assert bound.run(Stage.QUERY, QUERY, FHIR) == replace(QUERY, includes=(), count=1)
    assert bound.run(Stage.BUNDLE, PAGE, FHIR) is PAGE
    assert bound.fired() == ("some:forget_includes", "some:cap_count")


def test_fired_names_verbs_that_wait_or_refuse() -> None:
    bound = gates({"then": {"do": "delay", "seconds": 1}}, {"then": {"do": "reject_param", "param": "type"}})
    assert bound.run(Stage.REQUEST, None, FHIR) is None
    with pytest.raises(BadRequest):
        bound.run(Stage.QUERY, QUERY, FHIR)
    assert bound.fired() == ("some:delay", "some:reject_param")
