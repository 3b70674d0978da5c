"""Limits of one request: parameters, values, clauses and bytes, each with its reason.

Anybody may send anything, so what a request costs follows from these numbers and not from what was
sent. All of them are far above what apps need and low enough that the largest request costs tens of
milliseconds. `web/budget.py` applies the first group to every request before it is parsed; the others
are applied where a search, an operation or a batch is understood.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from urllib.parse import quote_plus

from sandbox.core.errors import BadRequest, TooLarge

# --- every request ----------------------------------------------------------------------------------

QUERY_BYTES_MAX = 8_000
"""Bytes of a query string: HTTP servers and proxies stop at 8 kB for the whole request line."""

BODY_BYTES_MAX = 1 << 16
"""Bytes of a body. The largest that apps send are signed assertions (16 kB) and registrations."""

BATCH_BODY_BYTES_MAX = 1 << 20
"""Bytes of a batch: its entries may have the longest addresses."""

PARAMETERS_MAX = 100
"""Parameters of a query or form, or of a Parameters resource. Real searches have fewer than ten."""

NAME_LENGTH_MAX = 200
"""Characters of a parameter's name: chains and modifiers included, ours have fewer than 80."""

HEADER_LENGTH_MAX = 2_000
"""Characters of a header that is parsed into a list (Accept, Prefer). Browsers send about 150."""

SELECTION_LENGTH_MAX = 1_000
"""Characters of an expression that selects scenarios: fifteen of them with their parameters."""

# --- a search ---------------------------------------------------------------------------------------

SEARCH_BYTES_MAX = 7_600
"""Bytes of a search written as a query, in a form too: the links to its pages are addresses, and these
with a page token must stay below QUERY_BYTES_MAX."""

VALUES_MAX = 200
"""Values of all parameters together: each is a condition of the database."""

CLAUSES_MAX = 10
"""Parameters that narrow a search, each step of a chain counted: each is a subquery."""

BROAD_CLAUSES_MAX, BROAD_VALUES_MAX, BROAD_SORTS_MAX = 3, 20, 3
"""Of a search over all members: parameters that no index answers (dates, parts of texts, negations) with
their values, and keys of `_sort`. Each is looked at for every resource of the type: a period of time and
one more are enough. A search that names a patient may have as many as that of a member."""

TEXT_LENGTH_MAX = 1_000
"""Characters of a text that is searched for: names and addresses have fewer than 100."""

SORTS_MAX = 8
"""Keys of `_sort`: each is a subquery for every match."""

ELEMENTS_MAX = 100
"""Names in `_elements`: no type has more elements."""

INCLUDES_MAX = 20
"""`_include` and `_revinclude` together. No type has more references than that."""

IGNORED_MAX = 20
"""Parameters that were not understood and are named in the answer; the others are counted."""

# --- an answer --------------------------------------------------------------------------------------

PAGE_BYTES_MAX = 4 << 20
"""Bytes of the matches on one page; a page that would have more is shorter than `_count`."""

INCLUDED_MAX = 1_000
"""Resources that `_include` and `_revinclude` may add to a page."""

# --- a batch ----------------------------------------------------------------------------------------

ENTRIES_MAX = 100
"""Entries of a batch."""

BATCH_BYTES_MAX = 16 << 20
"""Bytes of what a batch answers: it is built in memory. Entries after that are refused."""

BATCH_COST_MAX = 1_000
"""What the searches of a batch may cost together, in the unit of `Query.cost`: a plain search costs
about 5, the largest about 100."""

BROAD_COST_FACTOR = 5
"""How much more a search over all members costs than that of a member."""


_QUOTED_MAX = 12
"""Bytes of one character in a query string, at most."""


def check_parameters(pairs: Sequence[tuple[str, str]]) -> None:
    """Raises BadRequest for more parameters, or a longer name, than a request may have."""
    if len(pairs) > PARAMETERS_MAX:
        raise too_costly(f"A request may have at most {PARAMETERS_MAX} parameters.", pairs[PARAMETERS_MAX][0])
    for name, _ in pairs:
        if len(name) > NAME_LENGTH_MAX:
            raise BadRequest(
                f"The name of a parameter may have at most {NAME_LENGTH_MAX} characters.",
                cause="too-costly",
                code="too-long",
                expression=name[:NAME_LENGTH_MAX],
            )


def check_search(pairs: Sequence[tuple[str, str]]) -> None:
    """Raises TooLarge naming the longest parameter of a search that is too long for a link."""
    check_parameters(pairs)
    if _QUOTED_MAX * sum(len(name) + len(text) + 2 for name, text in pairs) <= SEARCH_BYTES_MAX:
        return
    sizes = [
        (len(quote_plus(name)) + len(quote_plus(text)) + 2, name) for name, text in pairs if name != "_page"
    ]
    if sum(size for size, _ in sizes) > SEARCH_BYTES_MAX:
        text = f"A search may have at most {SEARCH_BYTES_MAX} bytes, written as a query string."
        raise TooLarge(text, cause="query-too-long", expression=max(sizes)[1])


def check_number(count: int, most: int, things: str, name: str) -> None:
    """Raises BadRequest for more `things` in the parameter `name` than a request may have."""
    if count > most:
        raise too_costly(f"A search may have at most {most} {things}.", name)


def too_costly(text: str, name: str) -> BadRequest:
    """The refusal of more than a request may have, naming the parameter (cut where it is long)."""
    return BadRequest(text, cause="too-costly", code="too-costly", expression=name[:NAME_LENGTH_MAX])


def shorten(names: Iterable[str]) -> str:
    """A list of foreign names for people: the first ones, each cut, and how many more there are."""
    distinct = list(dict.fromkeys(names))
    shown = ", ".join(name[:64] for name in distinct[:IGNORED_MAX])
    more = len(distinct) - IGNORED_MAX
    return f"{shown} and {more} more" if more > 0 else shown
