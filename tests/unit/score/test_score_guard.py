"""Where the examiner does not go, whoever asks it to."""

from __future__ import annotations

import pytest
from conftest import no_resolver

from sandbox.score.http.guard import Guard, Reach


@pytest.mark.parametrize(
    ("target", "url", "reach", "allowed"),
    [
        ("https://payer.example/fhir", "https://payer.example/fhir?page=2", "data", True),
        ("https://payer.example/fhir", "https://payer.example:443/other", "data", True),
        ("http://payer.example/fhir", "https://payer.example/fhir", "data", True),
        ("https://payer.example/fhir", "http://payer.example/fhir", "data", False),
        ("https://payer.example/fhir", "https://payer.example:8443/fhir", "data", False),
        ("https://payer.example/fhir", "https://93.184.216.34/fhir", "data", False),
        ("http://127.0.0.1:8080/fhir", "http://127.0.0.1:6379/", "data", False),
        ("https://payer.example/fhir", "http://169.254.169.254/latest/meta-data", "data", False),
        ("https://payer.example/fhir", "https://93.184.216.34/authorize", "page", True),
        ("https://payer.example/fhir", "https://inside.example/authorize", "page", False),
        ("https://payer.example/fhir", "https://127.0.0.1/authorize", "page", False),
        ("https://payer.example/fhir", "https://[::1]/authorize", "page", False),
        ("https://payer.example/fhir", "https://[::ffff:10.0.0.1]/", "page", False),
        ("https://payer.example/fhir", "http://93.184.216.34/login", "page", False),
        ("https://payer.example/fhir", "https://169.254.169.254/", "page", False),
        ("https://payer.example/fhir", "https://0.0.0.0/", "page", False),
        ("https://payer.example/fhir", "https://nowhere.example/", "page", False),
        ("https://payer.example/fhir", "https://ann:pw@payer.example/fhir", "data", False),
        ("https://payer.example/fhir", "file:///etc/passwd", "page", False),
        ("https://payer.example/fhir", "ftp://payer.example/", "page", False),
        ("https://payer.example/fhir", "https://payer.example:port/", "data", False),
        ("http://127.0.0.1:8080/fhir", "http://localhost:8080/fhir?page=2", "data", True),
        ("http://127.0.0.1:8080/fhir", "http://localhost:9000/authorize", "page", True),
        ("http://127.0.0.1:8080/fhir", "http://10.0.0.5/authorize", "page", True),
        ("http://127.0.0.1:8080/fhir", "http://169.254.169.254/", "page", False),
    ],
)
def test_guard(target: str, url: str, reach: Reach, allowed: bool) -> None:
    assert (Guard(target, resolve=no_resolver).refuses(url, reach) == "") is allowed


def test_a_facts_file_vouches_for_an_origin() -> None:
    guard = Guard("https://payer.example/fhir", ["http://10.0.0.5:9000/_sandbox/clock"], no_resolver)
    assert guard.refuses("http://10.0.0.5:9000/elsewhere", "data") == ""
    assert guard.refuses("http://10.0.0.5:9001/elsewhere", "data")
