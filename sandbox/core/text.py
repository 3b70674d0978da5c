"""Text for terminals, logs and reports: whatever strangers wrote is shown and never obeyed.

A payer, an app or a file may hold terminal sequences, signs that reverse the direction of a line, ends of
lines, or commands that a CI system reads from a log. `escape` shows such signs as JSON does (``\\u001b``),
so that output which is JSON stays the same JSON; `say` is the only function that prints.
"""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from rich.console import RenderableType

_RANGES = (
    "\x00-\x1f\x7f-\x9f"  # controls: C0, DEL, C1
    "\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # invisible, direction
    "\U000e0000-\U000e007f"  # tags
    "\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff"  # no characters at all, in XML neither
)
# Patterns as text: `re` compiles them when they are first used, which `--help` does not need.
_ODD = f"[{_RANGES}]"
_ODD_IN_LINES = rf"(?!\n)[{_RANGES}]"
_COMMAND = r"::(?=\s*[A-Za-z][\w-]*(?:[\s,][^\n]*)?::)|##(?=\[|vso\[)"
"""Commands of CI systems in a log: `::error file=x::`, `##[error]`, `##vso[…]`."""


def escape(text: object) -> str:
    """A stranger's text as one line that only shows; ends of lines are escaped as well."""
    return re.sub(_COMMAND, _first_shown, re.sub(_ODD, _shown, str(text)))


def escape_lines(text: str) -> str:
    """The same of text that is made of lines already."""
    return re.sub(_COMMAND, _first_shown, re.sub(_ODD_IN_LINES, _shown, text))


def say(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print to standard output, or to standard error. The lines of `text` are ours; fields of strangers in
    it are escaped by whoever puts them in, and everything but the ends of lines once more here."""
    stream = sys.stderr if err else sys.stdout
    stream.write(escape_lines(str(text)) + ("\n" if nl else ""))
    stream.flush()


def render_plain(content: RenderableType, width: int = 80) -> str:
    """Render what rich shows on a terminal as plain text, for a pipe or a file."""
    from io import StringIO

    from rich.console import Console

    out = StringIO()
    Console(file=out, width=width, color_system=None, force_terminal=False, highlight=False).print(content)
    return "\n".join(line.rstrip() for line in out.getvalue().splitlines()) + "\n"


def render_xml(top: Element) -> str:
    """Render an XML document with its declaration, indented."""
    from xml.etree import ElementTree

    ElementTree.indent(top)
    body: str = ElementTree.tostring(top, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{body}\n'


def status_color(status: int) -> str:
    """Return the color of an HTTP status on a terminal."""
    return {2: "green", 4: "yellow", 5: "red"}.get(status // 100, "cyan")


def quantity(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun: "1 scenario", "2 scenarios"."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"


def _shown(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:  # JSON writes these as two
        code -= 0x10000
        return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"
    return f"\\u{code:04x}"


def _first_shown(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0][0]):04x}{match[0][1:]}"
