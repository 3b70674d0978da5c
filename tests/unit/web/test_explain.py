"""The cause that the journal gives for a refusal is the right one, wherever the refusal happens."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox.web.causes import CAUSES, explain

PATHS = (
    "/", "/fhir", "/fhir/", "/fhir/Patient", "/fhir/Patient/1", "/fhir/Patient/1/$everything",
    "/fhir/metadata", "/fhir/Patient/_search", "/auth/authorize", "/auth/login", "/auth/pick",
    "/auth/consent", "/auth/token", "/auth/revoke", "/auth/introspect", "/auth/register", "/auth/par",
    "/portal", "/portal/login", "/developer",
)  # fmt: skip


def why(path: str, status: int, said: str, error: str = "invalid", **more: Any) -> str:
    return explain({"path": path, "status": status, "said": said, "error": error, "effects": [], **more}, {})[
        "why"
    ]


ANYWHERE = [
    (400, "X-Sandbox-Fail-Next is <place>=<times>[:<status>], not 'x'", "Fail-Next header cannot"),
    (403, "X-Sandbox-Fail-Next needs the control key off loopback", "without the control key"),
    (400, "The body of the request cannot be read", "broke off, or is malformed"),
    (400, "The request has too many parameters", "more parameters than this payer takes"),
    (400, "The body must be application/x-www-form-urlencoded", "not of the media type"),
    (500, "The server failed; its log names the cause", "a mistake of the sandbox"),
]  # fmt: skip


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(("status", "said", "cause"), ANYWHERE)
@pytest.mark.parametrize("error", ["invalid", "invalid_request", "forbidden", "exception", ""])
def test_what_can_be_refused_anywhere_has_one_cause_everywhere(
    path: str, status: int, said: str, cause: str, error: str
) -> None:
    assert cause in why(path, status, said, error)


@pytest.mark.parametrize(
    ("path", "status", "said", "error", "cause"),
    [
        ("/fhir/Patient/1/_history/9", 404, "No such version of this Patient", "not-found", "such version"),
        ("/fhir/Patient/1", 410, "This Patient was deleted", "deleted", "was deleted"),
        ("/fhir/Patient", 410, "This page is too old: search again", "expired", "is gone"),
        ("/fhir", 404, "Searches are by type here: [type]?…", "not-supported", "names the type"),
        ("/fhir", 400, "Bundle.entry is a list", "invalid", "no Bundle of type batch"),
        ("/fhir/Patient/1/$everything", 400, "The body of an operation is a Parameters resource", "",
         "no Parameters resource"),
        ("/fhir/Patient/_search", 415, "A _search body is application/x-www-form-urlencoded", "not-supported",
         "media type"),
        ("/fhir/Patient", 400, "The value is not a FHIR date", "invalid", "parameter or its value"),
        ("/auth/register", 404, "This payer registers apps by hand", "invalid_request", "by hand"),
        ("/auth/authorize", 303, "aud is not a parameter of this payer", "invalid_request", "takes no `aud`"),
        ("/auth/login", 403, "This form is out of date: load the page again", "", "out of date"),
        ("/auth/pick", 400, "Choose one of the people in the list", "", "sign-in is over"),
    ],
)  # fmt: skip
def test_some_refusals_have_a_cause_of_their_own(
    path: str, status: int, said: str, error: str, cause: str
) -> None:
    assert cause in why(path, status, said, error)


def test_no_cause_is_hidden_by_one_before_it() -> None:
    """A row that only repeats the conditions of an earlier one would never be told."""
    conditions = [(c.path, c.status, c.error, c.text, c.token, c.refusal) for c in CAUSES]
    assert len(set(conditions)) == len(conditions)
