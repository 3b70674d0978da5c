"""What the journal says of a refusal: the cause that it names, or the general one of its status."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sandbox.apis.discovery import published
from sandbox.core.errors import FileProblem
from sandbox.web.causes import explain, files_of_causes, load_causes

CAUSES = load_causes(files_of_causes(published()))


def explained(status: int, titles: dict[str, str] | None = None, **entry: Any) -> dict[str, str]:
    return explain({"status": status, "effects": [], **entry}, titles or {}, CAUSES)


@pytest.mark.parametrize(
    ("status", "cause"),
    [(400, "request-invalid"), (401, "token-refused"), (404, "address-unknown"), (413, "body-too-large"),
     (418, "refused"), (429, "quota-exceeded"), (500, "server-failed"), (303, "refused")],
)  # fmt: skip
@pytest.mark.parametrize("named", [{}, {"cause": ""}, {"cause": "of-an-unknown-package"}])
def test_a_refusal_without_a_cause_gets_that_of_its_status(
    status: int, cause: str, named: dict[str, str]
) -> None:
    assert explained(status, **named)["cause"] == cause


def test_the_cause_that_is_named_counts() -> None:
    assert explained(403, cause="scope-missing") == {
        "cause": "scope-missing",
        "why": "The token's scopes do not reach this.",
        "repair": "Ask for the scope at /auth/authorize; a token never gains scopes later.",
    }


def test_what_a_scenario_did_comes_before_every_other_cause() -> None:
    effects = ["rate-limited:rate_limit"]
    answer = explained(429, {"rate-limited": "Few requests"}, effects=effects, cause="scope-missing")
    assert answer == {
        "cause": "scenario-effect",
        "why": "The scenario rate-limited did this on purpose (rate_limit; “Few requests”).",
        "repair": "Wait as long as Retry-After says, then send the same request again.",
    }
    assert explained(418, effects=effects)["repair"] == "A client of this payer must cope."


def test_what_was_done_to_the_token_is_added() -> None:
    answer = explained(401, cause="token-expired", because=["token-expires-early:expire_early"])
    assert answer["cause"] == "token-expired"
    assert answer["why"].startswith("The access token had expired by the payer's clock. The scenario token-")


@pytest.mark.parametrize(
    ("text", "says"),
    [("a: {why: W.}", "repair"), ("a: {why: W., repair: R., when: x}", "when"), ("- a", "dict"),
     ("a: [", "causes.yaml, line")],
)  # fmt: skip
def test_a_file_that_is_wrong_is_refused(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "causes.yaml"
    file.write_text(text)
    with pytest.raises(FileProblem, match=says):
        load_causes([file])


def test_two_files_cannot_have_the_same_cause(tmp_path: Path) -> None:
    file = tmp_path / "causes.yaml"
    file.write_text("a: {why: W., repair: R.}")
    with pytest.raises(FileProblem, match="a is a cause of another file"):
        load_causes([file, file])
