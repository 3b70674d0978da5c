"""Reads the controls and buttons of a page from their elements."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from selectolax.lexbor import LexborNode

from sandbox.score.signin.pages.labels import Labels, line
from sandbox.score.signin.pages.page import Button, Control, Option
from sandbox.score.signin.pages.words import split_name

_KINDS = frozenset(
    {
        *("text", "password", "email", "tel", "url", "number", "search", "date", "month", "week", "time"),
        *("color", "range", "datetime-local", "hidden", "checkbox", "radio", "file"),
        *("submit", "image", "reset", "button"),
    }
)
_TICKED = ("checkbox", "radio")
_PRESSED = ("submit", "image", "button")
_TYPED_HINTS = ("name", "id", "placeholder", "autocomplete")
_HINTS = ("name", "id", "value", "placeholder", "class", "formaction", "data-testid", "data-se")


class Unseen(NamedTuple):
    """Why a member may not see an element.

    `hidden`: it or an ancestor is hidden. `displaced`: it is laid out off the page. `above`: an ancestor is
    hidden.
    """

    hidden: bool
    displaced: bool
    above: bool


def kind_of(node: LexborNode) -> str:
    """Return what a control is: an input's type as browsers take it, `select` or `textarea`."""
    tag = node.tag
    kind = (node.attributes.get("type") or ("submit" if tag == "button" else "text")).lower().strip()
    if tag == "button":
        return kind if kind in ("button", "reset") else "submit"
    if tag == "input":
        return kind if kind in _KINDS else "text"
    return str(tag)


def is_disabled(node: LexborNode) -> bool:
    """Return whether it is disabled, or in a disabled fieldset and not in its first legend."""
    if "disabled" in node.attributes:
        return True
    inside, place = node, node.parent
    while place is not None:
        if place.tag == "fieldset" and "disabled" in place.attributes:
            first = place.css_first("legend")
            if not (inside.tag == "legend" and first is not None and first.mem_id == inside.mem_id):
                return True
        inside, place = place, place.parent
    return False


def read_button(node: LexborNode, ref: int, kind: str, labels: Labels) -> Button:
    """Read a button of kind `submit`, `image` or `button`."""
    attributes = node.attributes
    value = attributes.get("value") or ""
    label = labels.shown_text(node) if node.tag == "button" else value if kind != "image" else ""
    label = label or attributes.get("aria-label") or attributes.get("alt") or attributes.get("title") or ""
    if not label and (picture := node.css_first("img[alt]")) is not None:
        label = picture.attributes.get("alt") or ""
    if not label and node.tag == "input" and kind == "submit":
        label = "Submit"
    return Button(
        ref,
        line(label, 120),
        attributes.get("name") or "",
        value,
        hint_of(node),
        attributes.get("formaction") or "",
        (attributes.get("formmethod") or "").lower(),
        kind == "image",
        kind != "button",
    )


def read_control(node: LexborNode, ref: int, kind: str, unseen: Unseen, labels: Labels) -> Control:
    """Read a control that is no button."""
    attributes = node.attributes
    label = labels.label_of(node)
    is_required = "required" in attributes or attributes.get("aria-required") == "true"
    return Control(
        ref,
        attributes.get("name") or "",
        kind,
        _value(node, kind),
        label,
        hint_of(node),
        labels.group_of(node),
        (attributes.get("autocomplete") or "").lower(),
        "checked" in attributes,
        is_required or label.rstrip().endswith("*"),
        _is_shown(node, kind, unseen, labels),
        "readonly" in attributes,
        "multiple" in attributes,
        tuple(_options(node)) if kind == "select" else (),
    )


def _is_shown(node: LexborNode, kind: str, unseen: Unseen, labels: Labels) -> bool:
    if kind in _TICKED:  # a box is often drawn by its label
        return not unseen.above and (not unseen.hidden or bool(labels.pointing_at(node)))
    attributes = node.attributes
    if unseen.displaced or (attributes.get("tabindex") == "-1" and attributes.get("autocomplete") == "off"):
        return False
    return kind != "hidden" and not unseen.hidden


def _value(node: LexborNode, kind: str) -> str:
    if kind == "textarea":
        return node.text() or ""
    if kind in _TICKED and "value" not in node.attributes:
        return "on"
    return node.attributes.get("value") or ""


def _options(select: LexborNode) -> Iterator[Option]:
    for option in select.css("option"):
        attributes = option.attributes
        if "disabled" in attributes or (option.parent is not None and "disabled" in option.parent.attributes):
            continue
        label = line(attributes.get("label") or option.text(), 120)
        value = attributes.get("value", label)
        yield Option(value or "", label, "selected" in attributes)


def hint_of(node: LexborNode) -> str:
    """Return the names in the markup of an element, as words."""
    attributes = node.attributes
    kind = (attributes.get("type") or "").lower()
    is_typed = node.tag == "input" and kind not in (*_PRESSED, *_TICKED)
    names = _TYPED_HINTS if is_typed else _HINTS
    return line(split_name(" ".join(attributes.get(name) or "" for name in names)), 200)
