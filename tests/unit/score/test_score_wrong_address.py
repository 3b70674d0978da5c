"""A wrong address ends with one line that names the right one; a FHIR base that lacks documents is graded."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from conftest import Grade
from fake_payer import BASE, HOST, FakePayer

from sandbox.core.errors import UsageError
from sandbox.score.http.client import _no_answer

Answer = Callable[[httpx.Request], httpx.Response]


class Website(FakePayer):
    """A payer whose FHIR base stands at `at`; everything else is what `elsewhere` answers."""

    at = "/fhir"
    elsewhere: Answer = staticmethod(lambda request: httpx.Response(404, html="<h1>Not found</h1>"))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if not request.url.path.startswith(f"{self.at}/"):
            self.requests.append(request)
            return self.elsewhere(request)
        inner = request.url.copy_with(path=f"/fhir{request.url.path.removeprefix(self.at)}")
        return super().__call__(httpx.Request(request.method, inner, headers=request.headers))


def website(at: str = "/fhir", elsewhere: Answer | None = None) -> Website:
    made = Website()
    made.at = at
    if elsewhere:
        made.elsewhere = elsewhere
    return made


@pytest.mark.parametrize(
    ("at", "asked"),
    [("/fhir", HOST), ("/fhir", f"{HOST}/"), ("/fhir", f"{HOST}/fhir/metadata"),
     ("/fhir", f"{HOST}/fhir/.well-known/smart-configuration"), ("/fhir", f"{HOST}/fhir/Patient"),
     ("/fhir", f"{HOST}/fhir/Patient/123"), ("/fhir", f"{HOST}/developer"), ("/fhir", f"{HOST}/fhir/r4"),
     ("/fhir/r4", HOST), ("/fhir/r4", f"{HOST}/fhir"), ("/api/fhir", HOST),
     ("/interop/fhir", f"{HOST}/interop")],
)  # fmt: skip
def test_the_right_base_is_named(grade_fake: Grade, at: str, asked: str) -> None:
    payer = website(at)
    payer.facts = False
    with pytest.raises(UsageError) as problem:
        grade_fake(payer, asked)
    assert re.search("does not look like a FHIR base|is a document of a FHIR base", str(problem.value))
    assert str(problem.value).endswith(f"did you mean {HOST}{at}?")
    assert "\n" not in str(problem.value)


@pytest.mark.parametrize(
    "elsewhere",
    [
        lambda request: httpx.Response(200, html="<h1>Welcome</h1>"),
        lambda request: httpx.Response(404),
        lambda request: httpx.Response(403, json={"message": "Missing Authentication Token"}),
        lambda request: httpx.Response(200, json={"hello": "world"}),
    ],
    ids=["a page", "nothing", "a gateway", "an API"],
)
def test_a_site_without_fhir_gets_no_card(grade_fake: Grade, elsewhere: Answer) -> None:
    payer = website("/nowhere/else", elsewhere)
    with pytest.raises(UsageError, match="does not look like a FHIR base"):
        grade_fake(payer, f"{HOST}/portal")
    assert len(payer.requests) < 30


def test_a_fhir_server_says_404_below_an_address_that_is_none(grade_fake: Grade) -> None:
    outcome = {"resourceType": "OperationOutcome", "issue": []}
    payer = website("/fhir", lambda request: httpx.Response(404, json=outcome))
    with pytest.raises(UsageError, match=f"does not look like a FHIR base .* did you mean {BASE}"):
        grade_fake(payer, f"{HOST}/s/no-such-scenario/fhir")


def test_a_facts_file_makes_no_fhir_base(grade_fake: Grade, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text('{"claims": {"status": "live"}}')
    with pytest.raises(UsageError, match="did you mean"):
        grade_fake(website(), HOST, facts=file)


@pytest.mark.parametrize("metadata", [True, False])
@pytest.mark.parametrize("smart", [True, False])
def test_a_fhir_base_that_lacks_documents_is_graded(grade_fake: Grade, metadata: bool, smart: bool) -> None:
    card, _ = grade_fake(FakePayer(metadata=metadata, smart=smart, facts=False))
    assert card.target == BASE


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_a_payer_that_is_down_is_graded(grade_fake: Grade, status: int) -> None:
    card, _ = grade_fake(website("/nowhere", lambda request: httpx.Response(status)))
    assert card.score <= 2


def speaks(scheme: str) -> Website:
    """A payer of one scheme: another one breaks the connection as TLS and HTTP servers do."""

    class OneScheme(Website):
        def __call__(self, request: httpx.Request) -> httpx.Response:
            if request.url.scheme != scheme:
                if scheme == "http":
                    raise httpx.ConnectError("[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)")
                raise httpx.RemoteProtocolError("illegal status line")
            return super().__call__(request)

    return OneScheme()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_other_scheme_is_named(grade_fake: Grade, scheme: str) -> None:
    asked = "https" if scheme == "http" else "http"
    with pytest.raises(UsageError) as problem:
        grade_fake(speaks(scheme), f"{asked}://127.0.0.1:8080/fhir")
    assert str(problem.value) == (
        f"{asked}://127.0.0.1:8080/fhir cannot be reached: the port speaks {scheme}, not {asked}:"
        f" did you mean {scheme}://127.0.0.1:8080/fhir?"
    )


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: self-signed certificate (_ssl.c:1)",
            "no connection: the certificate is not trusted: self-signed certificate",
        ),
        (
            "[SSL] record layer failure (_ssl.c:1006)",
            "no connection: the port does not speak TLS (record layer failure)",
        ),
        ("[Errno 111] Connection refused", "no connection: [Errno 111] Connection refused"),
    ],
)
def test_tls_is_told_in_readable_words(said: str, told: str) -> None:
    assert _no_answer(httpx.ConnectError(said)) == told
