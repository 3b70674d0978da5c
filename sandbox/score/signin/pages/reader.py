"""Reads HTML into a WebPage. Broken HTML is read as a browser would, without an exception."""

from __future__ import annotations

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from sandbox.core.urls import join_url
from sandbox.score.signin.pages.controls import (
    Unseen,
    hint_of,
    is_disabled,
    kind_of,
    read_button,
    read_control,
)
from sandbox.score.signin.pages.labels import Labels, ancestor, children, line
from sandbox.score.signin.pages.page import Button, Link, WebForm, WebPage
from sandbox.score.signin.pages.visibility import Visibility
from sandbox.score.signin.pages.words import split_name, tone

MOST_TEXT = 20_000
LARGEST_PAGE = 1_000_000  # characters
DEEPEST = 1_000  # elements within each other, by count of tags: a browser draws 512
MOST_OPTIONS = 3_000
_TAG = re.compile(r"<(/?)[a-zA-Z]")
_VOID = re.compile(
    r"<(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr|p|li|option|td|tr)\b", re.I
)
_DATA_SCRIPTS = (
    "application/ld+json", "application/json", "importmap", "text/template", "text/html", "speculationrules",
)  # fmt: skip
_ROBOTS = (
    "recaptcha", "hcaptcha", "h-captcha", "turnstile", "arkoselabs", "funcaptcha", "geetest",
    "captcha-delivery", "perimeterx", "px-captcha", "challenge-platform", "friendlycaptcha", "frc-captcha",
)  # fmt: skip
_POST_BACK = re.compile(
    r"javascript:\s*(?:__doPostBack\(|WebForm_DoPostBackWithOptions\(\s*new WebForm_PostBackOptions\()"
    r"\s*['\"]([^'\"]+)['\"]\s*(?:,\s*['\"]([^'\"]*)['\"])?",
    re.IGNORECASE,
)
_ASKING = "input[type=password], input[type=email], form[method=post] input[type=text]"
_PRESSED_ROLES = ("link", "option", "menuitem")


def read(html: str, url: str, *, rendered: bool = False, refresh: str = "") -> WebPage:
    """Read the page at `url`. `rendered`: a browser drew it and marked its elements (see `chromium`).

    `refresh` is the header of that name, which does what the meta element does.
    """
    reading = _Reading(LexborHTMLParser(_bound(html)), url, rendered)
    reading.run()
    reading.refresh(refresh)
    return reading.page()


def _bound(html: str) -> str:
    """Cut a page that is too large. Parsing time grows with the square of depth and of list length."""
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


class _Reading:
    """One walk over the elements of a page, in document order."""

    def __init__(self, tree: LexborHTMLParser, url: str, rendered: bool) -> None:
        self._tree, self._url, self._rendered = tree, url, rendered
        self._visibility = Visibility(tree, rendered)
        self._forms: dict[int, WebForm] = {}
        self._by_id: dict[str, WebForm] = {}
        self._loose = WebForm(-1)
        self._links: list[Link] = []
        self._frames: list[str] = []
        self._text: list[str] = []
        self._alerts: list[str] = []
        self._title = self._above = ""
        self._heading = self._refresh = self._robots = self._base = ""
        self._seconds, self._scripted, self._pressable = 0.0, False, False
        self._pointer: tuple[WebForm, int] | None = None
        self._labels = Labels(tree, self._visibility)

    def run(self) -> None:
        base = self._tree.css_first("base[href]")
        self._base = join_url(self._url, base.attributes.get("href") or "") if base is not None else self._url
        title = self._tree.css_first("title")
        self._title = self._above = line(title.text(), 120) if title is not None else ""
        for number, form in enumerate(self._tree.css("form")):
            attributes = form.attributes
            method = (attributes.get("method") or "get").lower()
            names = [attributes.get(n) or "" for n in ("id", "class", "name", "aria-label", "role")]
            about = " ".join((*names, _end_of_path(attributes.get("action") or "")))
            web_form = WebForm(
                number,
                attributes.get("action") or "",
                method if method in ("get", "post", "dialog") else "get",
                split_name(about),
            )
            self._forms[form.mem_id] = web_form
            self._by_id.setdefault(attributes.get("id") or f"#{number}", web_form)
        root = self._tree.root
        if root is not None:
            self._walk(root)

    def page(self) -> WebPage:
        return WebPage(
            self._url,
            self._title,
            self._heading,
            " ".join(self._text)[:MOST_TEXT],
            " ".join(self._alerts)[:1000],
            self._base,
            tuple(self._forms.values()),
            self._loose,
            tuple(self._links),
            tuple(self._frames),
            self._pressable,
            self._refresh,
            self._seconds,
            self._scripted,
            self._robots,
        )

    def _walk(self, root: LexborNode) -> None:
        """Visit elements depth first, without recursion. Descendants of hidden elements are hidden."""
        stack: list[tuple[LexborNode, bool, bool, WebForm | None]] = [(root, False, False, None)]
        number = 0
        while stack:
            node, hidden, displaced, owner = stack.pop()
            if node.is_text_node:
                if not hidden and (text := line(node.text_content or "", 2000)):
                    self._text.append(text)
                continue
            if not node.is_element_node:
                if node.tag == "-document":
                    stack.extend((child, hidden, displaced, owner) for child in children(node))
                continue
            above, hidden = hidden, hidden or self._visibility.hides(node)
            displaced = displaced or self._visibility.displaces(node)
            if node.mem_id in self._forms:
                owner = self._forms[node.mem_id]
                owner.heading = self._above
                if node.css_first(_ASKING) is not None:
                    self._above = ""  # the next form has a heading of its own, or none
                table = ancestor(node, "table")
                self._pointer = (
                    (owner, table.mem_id) if table is not None and node.first_child is None else None
                )
            number += 1
            ref = int(node.attributes.get("data-ref") or -1) if self._rendered else number
            self._element(node, ref, Unseen(hidden, displaced, above), owner or self._in_table(node))
            stack.extend((child, hidden, displaced, owner) for child in children(node))

    def _in_table(self, node: LexborNode) -> WebForm | None:
        """Return the form of a control whose form element is misplaced in a table (HTML 13.2.6.4.9)."""
        if self._pointer is None or node.tag not in ("input", "select", "textarea", "button"):
            return None
        form, place = self._pointer
        table = ancestor(node, "table")
        return form if table is not None and table.mem_id == place else None

    def _element(self, node: LexborNode, ref: int, unseen: Unseen, owner: WebForm | None) -> None:
        tag, attributes, hidden = node.tag, node.attributes, unseen.hidden
        if tag == "script":
            if (attributes.get("type") or "").lower() not in _DATA_SCRIPTS:
                self._scripted = True
                self._notice_robots(attributes.get("src") or "")
        elif tag == "meta":
            if (attributes.get("http-equiv") or "").lower() == "refresh":
                self.refresh(attributes.get("content") or "")
        elif tag in ("iframe", "frame"):
            self._notice_robots(attributes.get("src") or "")
            self._frame(node, unseen)
        elif tag in ("input", "select", "textarea", "button"):
            form = self._by_id.get(attributes.get("form") or "") if "form" in attributes else owner
            self._control(node, ref, unseen, form or self._loose)
        elif tag == "a" and not hidden:
            self._link(node, ref, owner)
        elif attributes.get("role") == "button" and not hidden:
            label = self._labels.label_of(node)
            (owner or self._loose).buttons.append(Button(ref, label, hint=hint_of(node), submits=False))
        elif tag in ("h1", "h2", "h3", "legend") and not hidden:
            text = self._labels.shown_text(node)
            if owner is None and text and not (tag == "h3" and "?" in text):  # an invitation, not a heading
                self._above = line(text, 120)
            if tag == "h3":
                return
            self._heading = self._heading or (line(text, 120) if tag != "legend" else "")
            if owner is not None:
                owner.about = f"{owner.about} {text}"[:500]
        if not hidden and (attributes.get("role") in _PRESSED_ROLES or "onclick" in attributes):
            self._pressable = True
        if not hidden and tag in ("div", "p", "span", "section", "ul", "li", "strong", "td", "font"):
            self._notice_robots(attributes.get("class") or "")
            if _is_alert(node):
                self._alerts.append(self._labels.shown_text(node))

    def _control(self, node: LexborNode, ref: int, unseen: Unseen, form: WebForm) -> None:
        kind = kind_of(node)
        if is_disabled(node) and not (self._rendered and kind in ("submit", "button")):
            return  # a script may enable a button when the form is filled
        if kind in ("submit", "image", "button"):
            if not unseen.hidden and not unseen.displaced:
                form.buttons.append(read_button(node, ref, kind, self._labels))
        elif kind not in ("reset", "file") and (
            node.attributes.get("name") or self._rendered or form is self._loose
        ):
            form.controls.append(read_control(node, ref, kind, unseen, self._labels))

    def _frame(self, node: LexborNode, unseen: Unseen) -> None:
        source = (node.attributes.get("src") or "").strip()
        sizes = [(node.attributes.get(side) or "").removesuffix("px") for side in ("width", "height")]
        if source and not any(unseen) and not {"0", "1"} & set(sizes):
            url = join_url(self._base, source)
            if url.startswith(("http://", "https://")):
                self._frames.append(url)

    def _link(self, node: LexborNode, ref: int, owner: WebForm | None) -> None:
        href = (node.attributes.get("href") or "").strip()
        label = (
            self._labels.shown_text(node)
            or node.attributes.get("aria-label")
            or node.attributes.get("title")
            or ""
        )
        label = line(label, 120)
        if href and not href.lower().startswith(("#", "javascript:", "mailto:", "tel:")):
            self._links.append(Link(ref, label, join_url(self._base, href)))
        elif post_back := _POST_BACK.match(href):
            # ASP.NET: the script writes these two fields and sends the form
            fields = (("__EVENTTARGET", post_back[1]), ("__EVENTARGUMENT", post_back[2] or ""))
            (owner or self._loose).buttons.append(
                Button(ref, label, hint=hint_of(node), submits=owner is not None, fields=fields)
            )
        elif self._needs_script(node, href) and tone(label) in ("yes", "no", "go", "later", "sign-in"):
            (owner or self._loose).buttons.append(Button(ref, label, hint=hint_of(node), submits=False))

    def _needs_script(self, link: LexborNode, href: str) -> bool:
        """Return whether a link does nothing without a script, not even jump within the page."""
        if "onclick" in link.attributes:
            return not href.lower().startswith(("mailto:", "tel:"))
        is_jump = href[:1] == "#" and self._labels.has(href[1:])
        return bool(href) and not is_jump and not href.lower().startswith(("mailto:", "tel:"))

    def refresh(self, content: str) -> None:
        """Read `3; url=/next` of a meta element or a header; the first counts."""
        match = re.match(r"\s*([\d.]*)[^;,]*[;,\s]*(?:url\s*=\s*)?['\"]?([^'\"]*)", content, re.IGNORECASE)
        if content.strip() and match and not self._refresh:
            self._seconds = float(match[1]) if re.fullmatch(r"\d+(\.\d*)?|\.\d+", match[1]) else 0.0
            self._refresh = join_url(self._base, match[2].strip()) if match[2].strip() else self._url

    def _notice_robots(self, text: str) -> None:
        if not self._robots and text:
            self._robots = next((name for name in _ROBOTS if name in text.lower()), "")


def _is_alert(node: LexborNode) -> bool:
    attributes = node.attributes
    if attributes.get("role") in ("alert", "status") or attributes.get("aria-live") == "assertive":
        return True
    named = split_name(f"{attributes.get('class') or ''} {attributes.get('id') or ''}").lower()
    return bool(
        set(named.split())
        & {"error", "errors", "alert", "danger", "invalid", "warning", "validation", "feedback"}
    )


def _end_of_path(action: str) -> str:
    """Return the last two segments of an action's path; those before them belong to the site."""
    return " ".join(action.partition("?")[0].partition("#")[0].rstrip("/").split("/")[-2:])
