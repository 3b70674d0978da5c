"""The budget of a request: refused before it is parsed, or, in a batch, before it is answered.

A query string over the budget is put away where the request comes in, so that nothing after that reads
it; `admit` then refuses the request in the shape of its surface. The numbers are in `core/limits.py`.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping
from typing import Any

from flask import Request

from sandbox.core import limits
from sandbox.core.errors import BadRequest, SandboxProblem, TooLong

_OVER = "sandbox.over-budget"
ALLOWANCE = "sandbox.allowance"
"""Where the request of an entry carries what its batch may still spend."""

_FORM = "application/x-www-form-urlencoded"


def inspect(environ: MutableMapping[str, Any]) -> None:
    """Put away the query string of a WSGI request if it is over the budget."""
    query = environ.get("QUERY_STRING", "")
    if len(query) > limits.QUERY_BYTES_MAX or query.count("&") >= limits.PARAMETERS_MAX:
        environ[_OVER], environ["QUERY_STRING"] = query, ""


def is_over(environ: Mapping[str, Any]) -> bool:
    """Whether `inspect` has put something away."""
    return _OVER in environ


def admit(request: Request, body_bytes_max: int) -> None:
    """Read the body, and its form, of a request that is within the budget.

    Raises TooLong, BadRequest or RequestEntityTooLarge for one that is not.
    """
    query = request.environ.get(_OVER)
    if query is not None:
        raise _over(query)
    request.max_content_length = body_bytes_max
    # Kept, since `state` goes back byte for byte.
    body = request.get_data(cache=True)
    if request.mimetype == _FORM and body.count(b"&") >= limits.PARAMETERS_MAX:
        name = body.split(b"&", limits.PARAMETERS_MAX + 1)[limits.PARAMETERS_MAX].partition(b"=")[0]
        raise _too_many(name.decode("utf-8", "replace"))


def _over(query: str) -> SandboxProblem:
    """The refusal of a query string, naming the parameter that is too much."""
    if len(query) > limits.QUERY_BYTES_MAX:
        name = max(query.split("&"), key=len).partition("=")[0]
        text = f"A query string may have at most {limits.QUERY_BYTES_MAX} bytes."
        return TooLong(text, cause="query-too-long", expression=name[: limits.NAME_LENGTH_MAX])
    return _too_many(query.split("&")[limits.PARAMETERS_MAX].partition("=")[0])


def _too_many(name: str) -> BadRequest:
    return limits.too_costly(f"A request may have at most {limits.PARAMETERS_MAX} parameters.", name)


class Allowance:
    """What a batch may still spend: its entries draw on it together."""

    def __init__(self) -> None:
        self._bytes = limits.BATCH_BYTES_MAX
        self._cost = limits.BATCH_COST_MAX

    def weigh(self, answer: bytes) -> None:
        """Count the bytes of an answer."""
        self._bytes -= len(answer)

    @property
    def is_spent(self) -> bool:
        """Whether the answers so far are as much as a batch may be."""
        return self._bytes <= 0

    def charge(self, cost: int) -> None:
        """Count the cost of a search. Raises BadRequest when there is not enough left for it."""
        if cost > self._cost:
            raise exhausted()
        self._cost -= cost


def exhausted() -> BadRequest:
    """The refusal of an entry for which a batch has nothing left."""
    text = "The entries before this one have used up the budget of the batch. Send this one alone."
    return BadRequest(text, cause="batch-exhausted", code="too-costly", expression="Bundle.entry")
