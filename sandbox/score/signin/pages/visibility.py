"""Decides which elements a browser would show, by attributes, inline style and the page's style rules.

External style sheets are not fetched. A check box or radio button is often drawn by its label, so what
hides only the box itself does not count for those (see `page`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import tinycss2
from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

MOST_RULES = 500
NEVER_SHOWN = frozenset({"template", "head", "script", "style", "title", "datalist", "object", "svg"})
_FAR_AWAY = re.compile(r"(?:left|right|top|bottom|text-indent|margin-left|margin-top):-\d{3,}")
_NO_SIZE = re.compile(r"(?:^|;)(?:max-)?(?:width|height):[01](?:px)?(?:;|$)")
_GONE = re.compile(r"display:none|visibility:(?:hidden|collapse)|content-visibility:hidden")
_UNSEEN = re.compile(
    r"(?:^|;)opacity:0(?:\.0+)?(?:;|$)|clip:rect\(0|clip-path:inset\((?:50|100)%|transform:scale\(0"
)


class Visibility:
    """The visibility of elements. `rendered`: a browser has marked it in `data-shown`."""

    def __init__(self, tree: LexborHTMLParser, rendered: bool = False) -> None:
        self._rendered = rendered
        self._styles: dict[int, str] = {} if rendered else _styles(tree)

    def hides(self, node: LexborNode) -> bool:
        """Return whether this element hides itself and its descendants."""
        attributes = node.attributes
        if self._rendered:
            return attributes.get("data-shown") == "0"
        if node.tag in NEVER_SHOWN or "inert" in attributes:
            return True
        if "hidden" in attributes and attributes["hidden"] != "until-found":
            return True
        if (attributes.get("aria-hidden") or "").lower() == "true":
            return True
        if node.tag == "dialog" and "open" not in attributes:
            return True
        return bool(_GONE.search(self._style(node)))

    def displaces(self, node: LexborNode) -> bool:
        """Return whether it is off the page, without a size, or transparent."""
        if self._rendered:
            return False
        style = self._style(node)
        return bool(_FAR_AWAY.search(style) or _NO_SIZE.search(style) or _UNSEEN.search(style))

    def _style(self, node: LexborNode) -> str:
        inline = _squeezed(node.attributes.get("style") or "")
        return f"{self._styles.get(node.mem_id, '')};{inline}" if node.mem_id in self._styles else inline


def _squeezed(style: str) -> str:
    return re.sub(r"\s+", "", style).lower().replace("!important", "")


def _styles(tree: LexborHTMLParser) -> dict[int, str]:
    """Return the declarations of the page's rules by element; later rules win over earlier ones."""
    styles: dict[int, dict[str, str]] = {}
    rules = 0
    for selector, declarations in _rules(tree):
        rules += 1
        if rules > MOST_RULES:
            break
        try:
            matched = tree.css(selector)
        except (SelectolaxError, ValueError, RuntimeError):  # an outdated selector
            continue
        for node in matched:
            styles.setdefault(node.mem_id, {}).update(declarations)
    return {
        key: ";".join(f"{name}:{value}" for name, value in declared.items())
        for key, declared in styles.items()
    }


_PROPERTIES = (
    "display", "visibility", "opacity", "left", "right", "top", "text-indent", "clip", "clip-path", "width",
    "height", "max-height", "max-width", "transform", "margin-left", "margin-top",
)  # fmt: skip
"""CSS properties that may hide an element."""


def _rules(tree: LexborHTMLParser) -> Iterator[tuple[str, dict[str, str]]]:
    for sheet in tree.css("style"):
        for rule in _qualified(
            tinycss2.parse_stylesheet(sheet.text(), skip_comments=True, skip_whitespace=True)
        ):
            declared = {
                entry.lower_name: _squeezed(tinycss2.serialize(entry.value))
                for entry in tinycss2.parse_blocks_contents(rule.content)
                if entry.type == "declaration" and entry.lower_name in _PROPERTIES
            }
            if declared:
                yield tinycss2.serialize(rule.prelude).strip(), declared


def _qualified(rules: list[Any]) -> Iterator[Any]:
    """Yield plain rules, and those for screens of any size."""
    for rule in rules:
        is_media = rule.type == "at-rule" and rule.lower_at_keyword == "media" and rule.content is not None
        if rule.type == "qualified-rule":
            yield rule
        elif is_media and tinycss2.serialize(rule.prelude).strip().lower() in ("all", "screen"):
            yield from (r for r in tinycss2.parse_rule_list(rule.content) if r.type == "qualified-rule")
