"""The search of scenarios: what words find first, in a small catalog and in the sandbox's own."""

from __future__ import annotations

import pytest
from unit.faults.fault_samples import scenario

from sandbox.faults.catalog import Catalog, load
from sandbox.faults.search import QUERY_LENGTH_MAX, normalize, search, suggest
from sandbox.settings import root

SMALL = Catalog(
    [
        scenario("access-revoked", title="Something ends", keywords=["reconnect", "withdrawn"]),
        scenario("grant-ends", title="The member disconnects", keywords=["revoked", "invalid_grant"]),
        scenario("late-pages", title="Pages are revoked later", keywords=["pagination", "revoked links"]),
        scenario("quiet", story="Nobody tells that it was revoked.", title="Nothing is said"),
        scenario("sync-slows", keywords=["_lastUpdated", "time out"], cites=["rfc6585#section-4"]),
        scenario("sync-waits", keywords=["504", "clock skew", "_lastUpdated"], expect={"sync-speed": 0}),
        scenario("agent", keywords=["User-Agent", "can't connect"], payer={"portal_opt_in": True}),
        scenario(
            "drops",
            rules=[
                {"when": {"param": "_count"}, "then": {"do": "refuse", "status": 418, "code": "teapot"}},
                {"then": {"do": "omit_total"}},
            ],
            shows=[{"get": "x", "then": {"status": 410, "header": {"X-Left": "0"}}}],
            parameters={"share": {"kind": "number", "default": 1, "help": "how many"}},
        ),
    ]
)
REAL = load(root() / "scenarios")


def ids(query: str, catalog: Catalog = SMALL) -> list[str]:
    return [match.scenario.id for match in search(catalog, query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        # a whole keyword, a word of the name, of a keyword, of the title, of the story
        ("revoked", ["grant-ends", "access-revoked", "late-pages", "quiet"]),
        ("access-revoked", ["access-revoked"]),
        ("ACCESS_revoked", ["access-revoked"]),
        ("revoke", ["grant-ends", "access-revoked", "late-pages", "quiet"]),
        ("revo", ["access-revoked", "grant-ends", "late-pages", "quiet"]),  # the beginning of a word
        ("re", []),  # too short for it
        ("revoked grant", ["grant-ends"]),
        ("invalid_grant", ["grant-ends"]),
        ("Invalid Grant", ["grant-ends"]),
        ("invalid-grants", ["grant-ends"]),
        ("page", ["late-pages"]),
        ("_lastUpdated", ["sync-slows", "sync-waits"]),  # the earlier keyword decides
        ("lastupdated", ["sync-slows", "sync-waits"]),
        ("last updated", ["sync-slows", "sync-waits"]),
        ("timeout", ["sync-slows"]),
        ("timed out", ["sync-slows"]),
        ("TIME-OUTS", ["sync-slows"]),
        ("504", ["sync-waits"]),
        ("50", []),
        ("clock skew", ["sync-waits"]),
        ("user-agent", ["agent"]),
        ("user agent", ["agent"]),
        ("cant connect", ["agent"]),
        ("agent: user", ["agent"]),
        ("portal_opt_in", ["agent"]),
        ("418", ["drops"]),
        ("410", ["drops"]),
        ("teapot", ["drops"]),
        ("x-left", ["drops"]),
        ("omit_total", ["drops"]),
        ("_count", ["drops"]),
        ("share", ["drops"]),
        ("sync-speed", ["sync-waits"]),
        ("rfc6585", ["sync-slows"]),
        ("paginated", ["late-pages"]),
        ("revocation", ["grant-ends", "access-revoked", "late-pages", "quiet"]),
        ("when is it revoked", ["grant-ends", "access-revoked", "late-pages", "quiet"]),
        ("xyzzy", []),
        ("xyzzy-revoked", []),  # one word
        ("", []),
        ("?! —", []),
    ],
)
def test_what_a_query_finds_in_order(query: str, expected: list[str]) -> None:
    assert ids(query) == expected


def test_a_match_has_the_reason_of_each_word() -> None:
    (match,) = search(SMALL, "when invalid_grant member")
    assert [(reason.word, reason.field, reason.text) for reason in match.reasons] == [
        ("invalid_grant", "keyword", "invalid_grant"),
        ("member", "title", ""),
    ]
    assert (match.why, match.unmatched) == ("keyword invalid_grant, title", ())
    (match,) = search(SMALL, "418 teapot")
    assert match.why == "rule 418, rule teapot"
    (match,) = search(SMALL, "clock skew")
    assert match.why == "keyword clock skew"


def test_without_a_scenario_for_every_word_those_for_most_are_returned() -> None:
    matches = search(SMALL, "revoked xyzzy links")
    assert [(match.scenario.id, match.unmatched) for match in matches] == [("late-pages", ("xyzzy",))]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("revokd", ["revoked"]),
        ("pagnation", ["pagination"]),
        ("invalid_garnt", ["invalid_grant"]),
        ("grant-end", []),  # is the beginning of a name
        ("revoked", []),
        ("xyzzy", []),
        ("the", []),
    ],
)
def test_a_word_that_matches_nothing_gets_the_nearest(query: str, words: list[str]) -> None:
    assert suggest(SMALL, query)[: len(words) or None] == words


def test_a_long_query_and_an_empty_catalog_are_no_problem() -> None:
    assert ids("revoked " + "a" * QUERY_LENGTH_MAX * 100) == ids("revoked")
    assert search(Catalog([]), "revoked") == []
    assert suggest(Catalog([]), "revoked") == []


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        (("_lastUpdated", "last updated", "LastUpdate"), "lastupdat"),
        (("expires", "expired", "expiring", "expire"), "expir"),
        (("retries", "retry"), "retry"),
        (("pages", "page"), "page"),
        (("address",), "address"),
        (("iss",), "iss"),
        (("can't", "cant", "can’t"), "cant"),
        (("401",), "401"),
        (("$everything",), "everyth"),
        (("—",), ""),
    ],
)
def test_spellings_of_a_word_have_one_key(texts: tuple[str, ...], key: str) -> None:
    assert {normalize(text) for text in texts} == {key}


WORDS = {
    "invalid_grant": {"access-revoked", "refresh-ends-early"},
    "pagination": {"next-missing", "next-loops"},
    "duplicate": {"corrections-not-linked", "entries-repeat"},
    "timeout": {"everything-times-out", "slow-responses"},
    "504": {"everything-times-out", "token-endpoint-hiccups"},
    "revoked": {"access-revoked"},
    "CORS": {"browser-apps-locked-out"},
    "clock skew": {"clock-skew"},
    "server_error": {"callback-server-error"},
    "dependent": {"dependents-not-offered"},
    "_lastUpdated": {"last-updated-ignored"},
    "MFA": {"step-between-login-and-consent"},
    "OTP": {"step-between-login-and-consent"},
    "certificate": {"certificate-invalid"},
    "user-agent": {"bot-filter"},
    "too many requests": {"rate-limited", "rate-limit-untold"},
    "token expired": {"token-expires-early", "token-dies-mid-sync"},
    "redirect loop": {"login-redirects-for-ever"},
    "refresh token missing": {"refresh-token-withheld"},
    "state mismatch": {"state-dropped", "state-altered"},
    "Retry-After": {"rate-limit-untold", "maintenance-tomorrow"},
    "connection reset": {"connections-reset"},
    "EOB missing": {"type-not-served", "old-claims-missing"},
    "trailing slash": {"aud-without-slash"},
    "WAF": {"firewall-blocks-bursts"},
    "private IP": {"next-on-internal-host", "references-internal-host"},
    "OIDC": {"id-token-missing"},
    "wrong patient": {"wrong-member"},
}
"""Words of developers, and the scenarios of which one at least is among the first five."""


@pytest.mark.parametrize("words", WORDS)
def test_developers_words_find_the_scenario(words: str) -> None:
    best = search(REAL, words)[:5]
    assert WORDS[words] & {match.scenario.id for match in best}
    assert not best[0].unmatched
    assert [match.scenario.id for match in best] == ids(words.upper(), REAL)[:5]


def test_every_scenario_is_found_by_its_name_and_by_each_of_its_keywords() -> None:
    for id, shipped in REAL.by_id.items():
        assert ids(id, REAL)[0] == id
        for keyword in shipped.keywords:
            assert id in ids(keyword, REAL), (id, keyword)
