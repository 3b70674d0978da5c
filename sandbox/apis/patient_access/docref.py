"""`DocumentReference/$docref` (US Core 6.1.0 "US Core Fetch DocumentReference"): a member's documents.

`start` and `end` are days of care, so they are asked of `context.period`. With neither of them the
operation is about the most recent document. Documents are not made on demand here: who asks for those
only gets none. `profile` names a profile of the DocumentReference: those we serve narrow nothing, any
other finds nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sandbox.core.errors import bad_request
from sandbox.core.limits import check_search
from sandbox.fhir import dates
from sandbox.fhir.library import Page
from sandbox.fhir.schema.types import TYPES
from sandbox.fhir.search.query import Query, parse

KIND = "DocumentReference"
PARAMETERS = ("patient", "start", "end", "type", "on-demand", "profile", "_count")

_ONCE = frozenset(PARAMETERS) - {"type", "profile"}
_NO_QUESTION = frozenset({"_page", "_format", "_pretty"})


@dataclass(frozen=True)
class Docref:
    """The search that answers it. `latest`: only the most recent; `nothing`: no document can."""

    query: Query
    latest: bool
    nothing: bool

    def shown(self, page: Page) -> Page:
        """The page of the answer, from the page that the search found."""
        if not self.latest:
            return page
        return replace(page, total=min(page.total or 0, 1), more=False)


def docref(
    arguments: Sequence[tuple[str, str]], page_size: int, page_size_max: int, strict: bool, base: str
) -> Docref:
    """What is asked. Raises BadRequest naming the parameter."""
    check_search(arguments)
    args: dict[str, str] = {}
    for name, text in arguments:
        if text and name in _ONCE and name in args:
            bad_request(f"{name} is there more than once. Send it once.", name)
        if text:
            args[name] = text
    if "patient" not in args:
        bad_request("$docref needs the parameter patient.", "patient", cause="patient-missing")
    if args.get("on-demand", "false") not in ("true", "false"):
        bad_request("on-demand must be true or false.", "on-demand")
    search_arguments = [("patient", args["patient"])]
    for name, prefix in (("start", "ge"), ("end", "le")):
        if name in args:
            dates.parse_parameter(args[name], name)
            search_arguments.append(("period", prefix + args[name]))
    search_arguments += [("type", text) for name, text in arguments if name == "type" and text]
    latest = "start" not in args and "end" not in args
    search_arguments += [("_count", args["_count"])] if "_count" in args else []
    search_arguments += [("_sort", "-period,-date")] if latest else []
    query = parse(KIND, search_arguments, page_size=page_size, page_size_max=page_size_max, base=base)
    if latest:
        query = replace(query, count=1)
    ignored = tuple(n for n, text in arguments if text and n not in PARAMETERS and n not in _NO_QUESTION)
    if ignored and strict:
        bad_request(f"$docref has no parameter {ignored[0][:64]}.", ignored[0][:64])
    profiles = {text.partition("|")[0] for name, text in arguments if name == "profile" and text}
    return Docref(
        replace(query, args=tuple(arguments), ignored=ignored),
        latest,
        args.get("on-demand") == "true" or not profiles <= set(TYPES[KIND].profiles),
    )
