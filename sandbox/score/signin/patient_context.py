"""Finds whose token it is: by `patient`, else the id_token, else the one Patient that it opens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sandbox.score.evidence import Exchange
from sandbox.score.fhir import bundles
from sandbox.score.http.answers import word
from sandbox.score.http.client import HttpClient
from sandbox.score.signin.tokens import Bearer, TokenReply, claims_of

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True)
class Context:
    """The patient's id; if it is empty, `why` continues the sentence "names no patient"."""

    patient: str = ""
    why: str = ""
    exchanges: tuple[Exchange, ...] = ()


def find(http: HttpClient, base: str, reply: TokenReply) -> Context:
    """Find the patient of a token response; what is missing or malformed is noted as a finding."""
    patient = reply.body.get("patient")
    if isinstance(patient, str) and patient:
        name = id_of(patient)
        if name != patient:
            kind = "a URL" if "://" in patient else "a reference" if "/" in patient else "not an id"
            http.watch.note("token-patient", f"patient is {kind}, not the id of a Patient", "token endpoint")
        return Context(name)
    # The id_token came from the token endpoint itself, so its signature need not be checked
    # (OpenID Connect Core §3.1.3.7, 6).
    user = claims_of(reply.body.get("id_token")).get("fhirUser")
    kind, _, name = word(user or "").rstrip("/").rpartition("/")
    if kind.endswith("Patient"):
        return Context(name)
    ids, exchange = only_patient(http, base, Bearer(reply.text("access_token")))
    if len(ids) == 1:
        text = "the token response names no patient; the only Patient was used"
        http.watch.note("token-patient", text, "token endpoint")
        return Context(ids[0], "", (exchange,))
    status = exchange.status or exchange.note
    what = f"shows {len(ids)} patients" if exchange.status == 200 else f"answered {status}"
    return Context("", f", and Patient {what}", (exchange,))


def id_of(reference: str) -> str:
    """Return the id in a reference to a Patient, absolute or relative, of any version."""
    path = reference.partition("?")[0].partition("#")[0].rstrip("/").partition("/_history")[0]
    kind, _, name = path.rpartition("/")
    last = name if kind.endswith("Patient") or "://" in reference else path
    return last if _ID.fullmatch(last) else reference.removeprefix("Patient/")


def only_patient(http: HttpClient, base: str, bearer: Bearer) -> tuple[tuple[str, ...], Exchange]:
    """Return the ids of the Patients that a token opens, and the exchange."""
    answer = http.read(f"{base}/Patient", bearer, step="probe", resource="Patient")[-1]
    resources = bundles.page(answer).resources
    ids = (word(r["id"]) for r in resources if r.get("resourceType") == "Patient" and r.get("id"))
    return tuple(dict.fromkeys(ids)), answer.exchange
