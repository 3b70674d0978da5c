"""How much of a page is read: what goes beyond any page that people use is cut off."""

from __future__ import annotations

import re

LARGEST_PAGE = 1_000_000  # characters
DEEPEST = 1_000  # elements within each other, by count of tags: a browser draws 512
MOST_OPTIONS = 3_000
_TAG = re.compile(r"<(/?)[a-zA-Z]")
_VOID = re.compile(
    r"<(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|p|li|option|td|tr)\b", re.I
)


def bounded(html: str) -> str:
    """Cut where there is more than in any page: parsing takes the square of the depth, and of a list."""
    html = html[:LARGEST_PAGE].replace("\0", "")
    depth = options = 0
    for tag in _TAG.finditer(html):
        if html.startswith(("option", "OPTION"), tag.start() + 1):
            options += 1
            if options > MOST_OPTIONS:
                return html[: tag.start()]
        elif tag[1]:
            depth = max(0, depth - 1)
        elif not _VOID.match(html, tag.start()):
            depth += 1
            if depth > DEEPEST:
                return html[: tag.start()]
    return html
