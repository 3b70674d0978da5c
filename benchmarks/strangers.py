"""What schemathesis must see in every answer, beside its own checks; `schemathesis.sh` loads this.

schemathesis reads the OpenAPI of a running payer and sends requests that fit it, and ones that do not.
No answer may be a 5xx, and every failure is an OperationOutcome with its request id. Ids that it makes up
find nothing: every other one is replaced by one that the member of the token (`TOKEN`) has.
"""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Any
from zlib import crc32

import requests
import schemathesis


@schemathesis.check
def every_failure_is_an_outcome(ctx: Any, response: Any, case: Any) -> None:
    if response.status_code < 400:
        return
    told = response.json()
    assert told["resourceType"] == "OperationOutcome", told
    assert told["issue"][0]["diagnostics"], told
    assert told["issue"][0]["details"]["text"], told
    assert response.headers["content-type"][0].startswith("application/fhir+json")


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: dict[str, Any] | None) -> dict[str, Any] | None:
    made_up = str((path_parameters or {}).get("id", ""))
    if path_parameters is None or crc32(made_up.encode("utf-8", "replace")) % 2:
        return path_parameters
    known = an_id(context.operation.path.split("/")[1])
    return path_parameters | ({"id": known} if known else {})


@lru_cache
def an_id(kind: str) -> str | None:
    bearer = {"Authorization": f"Bearer {os.environ['TOKEN']}"}
    where = f"{os.environ['BASE']}/{kind}?_count=1"
    found = requests.get(where, headers=bearer, timeout=30).json().get("entry")
    return str(found[0]["resource"]["id"]) if found else None
