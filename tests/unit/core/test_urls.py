"""URLs compared without the case of scheme and host, and without default ports."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.core.urls import canonical_url, relative_to, same_url


@pytest.mark.parametrize(
    ("url", "canonical"),
    [
        ("http://LOCALHOST:8080/Fhir?A=B", "http://localhost:8080/Fhir?A=B"),
        ("HTTP://h.example:80/fhir", "http://h.example/fhir"),
        ("https://H.example:443", "https://h.example"),
        ("https://h.example:/x", "https://h.example/x"),
        ("https://h.example:80/x", "https://h.example:80/x"),
        ("http://h.example:443/x", "http://h.example:443/x"),
        ("http://[2001:DB8::1]:80/x", "http://[2001:db8::1]/x"),
        ("http://[0:0::1]:8080/x", "http://[::1]:8080/x"),
        ("http://localhost.:8080/x", "http://localhost:8080/x"),
        ("http://a..:8080/x", "http://a..:8080/x"),
        ("http://User:Pass@HOST/x", "http://User:Pass@host/x"),
        ("http://h.example?Q", "http://h.example?Q"),
        ("http://h.example:8o/x", "http://h.example:8o/x"),
        ("http://a:1:2/x", "http://a:1:2/x"),
        ("Patient/1", "Patient/1"),
        ("urn:UUID:1", "urn:UUID:1"),
        ("", ""),
    ],
)
def test_the_one_spelling(url: str, canonical: str) -> None:
    assert canonical_url(url) == canonical
    assert canonical_url(canonical) == canonical


@given(
    st.text(max_size=40), st.sampled_from(["http", "https", "HTTP"]), st.text("ABab.:[]@0248", max_size=12)
)
def test_canonical_is_idempotent_and_keeps_what_is_behind_the_authority(
    rest: str, scheme: str, at: str
) -> None:
    url = f"{scheme}://{at}/{rest}"
    assert canonical_url(canonical_url(url)) == canonical_url(url)
    assert canonical_url(url).endswith(f"/{rest}")
    assert same_url(url, canonical_url(url))


def test_what_is_below_a_base() -> None:
    base = "http://localhost:8080/fhir"
    assert relative_to("HTTP://LocalHost:8080/fhir/Patient/1", base) == "Patient/1"
    assert relative_to("http://localhost:8080/FHIR/Patient/1", base) == "http://localhost:8080/FHIR/Patient/1"
    assert relative_to("http://localhost:8080/fhirs/x", base) == "http://localhost:8080/fhirs/x"
    assert relative_to("http://h.example:80/Patient/1", "http://h.example") == "Patient/1"
    assert relative_to("Patient/1", base) == "Patient/1"
    assert relative_to("http://h/Patient/1", "") == "http://h/Patient/1"
