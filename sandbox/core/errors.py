"""What can go wrong, as exceptions. Handlers raise; `web.errors` answers; the CLI prints one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from pydantic import ValidationError


class SandboxError(Exception):
    """Root of the tree."""


class UsageError(SandboxError):
    """Wrong usage or unreadable input; the message is one line a person can act on."""


class FileProblem(UsageError):
    """A file that is missing, unreadable or malformed; the message names it (and the line)."""


class SandboxProblem(SandboxError):
    """A request that cannot be answered.

    `cause` is an id of a causes.yaml, which says why and how to repair it (empty: the general one of the
    status); `code` is from http://hl7.org/fhir/issue-type; `headers` are added to the answer; `expression`
    names the parameter or element at fault. The text never contains member data.
    """

    status = 500
    code = "exception"

    def __init__(
        self,
        text: str,
        *,
        cause: str = "",
        code: str | None = None,
        headers: dict[str, str] | None = None,
        expression: str | None = None,
    ):
        super().__init__(text)
        self.text = text
        self.cause = cause
        self.code = code or type(self).code
        self.headers = headers or {}
        self.expression = expression


class BadRequest(SandboxProblem):
    status, code = 400, "invalid"


class Unauthorized(SandboxProblem):
    status, code = 401, "login"


class Forbidden(SandboxProblem):
    status, code = 403, "forbidden"


class NotFound(SandboxProblem):
    status, code = 404, "not-found"


class NotAllowed(SandboxProblem):
    status, code = 405, "not-supported"


class NotAcceptable(SandboxProblem):
    status, code = 406, "not-supported"


class UnsupportedMedia(SandboxProblem):
    status, code = 415, "not-supported"


class TooLarge(SandboxProblem):
    status, code = 413, "too-long"


class TooLong(SandboxProblem):
    status, code = 414, "too-long"


class Conflict(SandboxProblem):
    status, code = 409, "conflict"


class Gone(SandboxProblem):
    status, code = 410, "deleted"


class Misdirected(SandboxProblem):
    status, code = 421, "invalid"


class TooManyRequests(SandboxProblem):
    """A quota is used up; `seconds` is when the next try may succeed."""

    status, code = 429, "throttled"

    def __init__(self, text: str, seconds: int):
        super().__init__(text, cause="quota-exceeded", headers={"Retry-After": str(seconds)})
        self.seconds = seconds


class Unavailable(SandboxProblem):
    """The ledger cannot be read or written at the moment."""

    status, code = 503, "transient"

    def __init__(self) -> None:
        super().__init__(
            "The server cannot read or write its records at the moment. Try again in 5 seconds.",
            cause="records-unavailable",
            headers={"Retry-After": "5"},
        )


def bad_request(text: str, expression: str | None = None, *, cause: str = "parameter-invalid") -> NoReturn:
    """Raise a 400 for a parameter or value that cannot be understood."""
    raise BadRequest(text, cause=cause, expression=expression)


def not_found(text: str, code: str = "not-found", *, cause: str = "resource-unknown") -> NoReturn:
    """Raise a 404: unknown id (`not-found`), or unknown type or operation (`not-supported`)."""
    raise NotFound(text, cause=cause, code=code)


def forbidden(
    text: str, scope: str | None = None, expression: str | None = None, *, cause: str = "scope-missing"
) -> NoReturn:
    """Raise a 403 for a token that does not cover the request. `scope` would cover it (RFC 6750 §3.1)."""
    headers = {}
    if scope:
        headers["WWW-Authenticate"] = f'Bearer error="insufficient_scope", scope="{scope}"'
    raise Forbidden(text, cause=cause, headers=headers, expression=expression)


def describe_first(problem: ValidationError, top: str) -> str:
    """Return place and text of the first error in a document; `top` names the document itself."""
    first = problem.errors(include_input=False, include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"]) or top
    return f"{place}: {first['msg'].removeprefix('Value error, ')}"
