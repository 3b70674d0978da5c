"""Finds the labels of a page's controls, as a member sees them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from selectolax.lexbor import LexborHTMLParser, LexborNode, SelectolaxError

from sandbox.score.signin.pages.visibility import Visibility

NOT_LABELS = frozenset({"script", "style", "h1", "h2", "title", "noscript"})


class Labels:
    """The labels, groups and visible words of one parsed page."""

    def __init__(self, tree: LexborHTMLParser, visibility: Visibility) -> None:
        self._tree, self._visibility = tree, visibility
        self._pointing: dict[str, str] = {}
        for label in tree.css("label[for]"):
            named = label.attributes.get("for") or ""
            self._pointing[named] = f"{self._pointing.get(named, '')} {self.shown_text(label)}".strip()

    def pointing_at(self, node: LexborNode) -> str:
        """Return the words of the labels that name the control by its id."""
        return self._pointing.get(node.attributes.get("id") or "", "")

    def label_of(self, node: LexborNode) -> str:
        """Return a control's name: its label, what `aria-labelledby` names, its words, or text beside it."""
        attributes = node.attributes
        label = self.pointing_at(node)
        if not label and (wrapping := ancestor(node, "label")) is not None:
            label = self.shown_text(wrapping)
        label = label or self._labelled_by(node)
        if not label and node.tag not in ("input", "select", "textarea"):
            label = self.shown_text(node)
        label = (
            label
            or attributes.get("aria-label")
            or attributes.get("placeholder")
            or attributes.get("title")
            or ""
        )
        return line(label or self._neighbour(node), 200)

    def _neighbour(self, node: LexborNode) -> str:
        """Return the text beside a control without a label: before a field, after a box."""
        if (node.attributes.get("type") or "").lower() == "hidden":
            return ""
        if (node.attributes.get("type") or "").lower() in ("checkbox", "radio"):
            after = node.next
            while after is not None and after.tag not in ("input", "button", "br", "select"):
                if text := line(after.text(), 200):
                    return text
                after = after.next
            return ""
        place: LexborNode | None = node
        for _ in range(3):  # next to it, in the cell before, in the line before
            before = place.prev if place is not None else None
            while before is not None:
                if before.tag in ("input", "select", "textarea", "button") or (
                    before.is_element_node and before.css_first("input,select,textarea,button") is not None
                ):
                    return ""
                if (text := line(before.text(), 200)) and before.tag not in NOT_LABELS:
                    return text
                before = before.prev
            place = place.parent if place is not None else None
        return ""

    def group_of(self, node: LexborNode) -> str:
        """Return the name of a group of boxes: a fieldset's legend, or the label of a group."""
        place = node.parent
        while place is not None and place.tag not in ("form", "body"):
            attributes = place.attributes
            if place.tag == "fieldset" and (legend := place.css_first("legend")) is not None:
                return line(self.shown_text(legend), 200)
            is_group = attributes.get("role") in ("group", "radiogroup")
            label = (attributes.get("aria-label") or self._labelled_by(place)) if is_group else ""
            if text := line(label, 200):
                return text
            place = place.parent
        return ""

    def has(self, identifier: str) -> bool:
        """Return whether an element of the page has this id."""
        return self._find(identifier) is not None

    def _labelled_by(self, node: LexborNode) -> str:
        """Return the words of the elements that `aria-labelledby` names."""
        names = (node.attributes.get("aria-labelledby") or "").split()[:4]
        elements = (self._find(name) for name in names)
        return " ".join(text for e in elements if e is not None and (text := self.shown_text(e)))

    def _find(self, identifier: str) -> LexborNode | None:
        quoted = identifier.replace("\\", "").replace('"', "")
        try:
            return self._tree.css_first(f'[id="{quoted}"]')
        except (SelectolaxError, ValueError, RuntimeError):  # an id that no selector can hold
            return None

    def shown_text(self, node: LexborNode) -> str:
        parts: list[str] = []
        stack = [node]
        while stack:
            place = stack.pop()
            if place.is_text_node:
                parts.append(place.text_content or "")
            elif place.is_element_node and (place is node or not self._visibility.hides(place)):
                if place.tag in ("select", "textarea"):
                    continue
                if place.tag == "img" and (text := place.attributes.get("alt")):
                    parts.append(text)
                stack.extend(children(place))
        return line(" ".join(parts), 400)


def children(node: LexborNode) -> Iterator[LexborNode]:
    """Yield the children, last to first, as a stack needs them."""
    child = node.last_child
    while child is not None:
        yield child
        child = child.prev


def ancestor(node: LexborNode, tag: str) -> LexborNode | None:
    place = node.parent
    while place is not None and place.tag != tag:
        place = place.parent
    return place


def line(text: str | None, most: int) -> str:
    return re.sub(r"\s+", " ", text or "").strip()[:most]
