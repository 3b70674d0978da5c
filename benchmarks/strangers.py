"""What schemathesis must see in every answer, beside its own checks; `schemathesis.sh` loads this.

schemathesis reads the OpenAPI of a running payer and sends requests that fit it, and ones that do not.
No answer may be a 5xx, and every failure is an OperationOutcome with its request id. Ids that it makes up
find nothing: every other one is replaced by one that the member of the token (`TOKEN`) has.
"""

from __future__ import annotations

import atexit
import os
import sys
from collections import Counter
from functools import lru_cache
from typing import Any
from zlib import crc32

import requests
import schemathesis

_SEEN: Counter[int] = Counter()
_WRONG: Counter[str] = Counter()


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    _SEEN[response.status_code] += 1
    if response.status_code >= 500:
        _WRONG[f"{response.status_code} {case.method} {case.operation.path}"] += 1


@atexit.register
def _tell() -> None:
    """How many requests there were is not what schemathesis counts (cases): said at the very end."""
    statuses = ", ".join(f"{status}: {count}" for status, count in sorted(_SEEN.items()))
    print(f"{_SEEN.total()} requests ({statuses})", file=sys.stderr)
    for what, count in _WRONG.most_common():
        print(f"WRONG: {count} x {what}", file=sys.stderr)
    verdict = "something is WRONG" if _WRONG else "no 5xx, and every failure is an OperationOutcome"
    print(verdict, file=sys.stderr)


@schemathesis.check
def every_failure_is_an_outcome(ctx: Any, response: Any, case: Any) -> None:
    if response.status_code < 400:
        return
    try:
        told = response.json()
        assert told["resourceType"] == "OperationOutcome", told
        assert told["issue"][0]["diagnostics"], told
        assert told["issue"][0]["details"]["text"], told
        assert response.headers["content-type"][0].startswith("application/fhir+json")
    except (AssertionError, LookupError, TypeError, ValueError):
        _WRONG[f"no outcome in {response.status_code} of {case.method} {case.operation.path}"] += 1
        raise


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
