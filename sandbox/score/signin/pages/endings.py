"""Decides what to do when no form leads on: follow a link or a refresh, or stop."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from sandbox.score.signin.pages.forms.asides import needs, robot_check
from sandbox.score.signin.pages.forms.buttons import is_consent, is_offer, of_members, tone_of
from sandbox.score.signin.pages.forms.fields import asks
from sandbox.score.signin.pages.forms.login import is_beside
from sandbox.score.signin.pages.page import Button, Link, WebForm, WebPage
from sandbox.score.signin.pages.steps import Follow, State, Step, Stop
from sandbox.score.signin.pages.words import means, says, split_name, tone

SHORT_TEXT = 200
LONGEST_WAIT_SECONDS = 60.0  # of a meta refresh; a longer one ends a session


def elsewhere(page: WebPage, forms: list[WebForm], state: State) -> Step | Follow | Stop:
    """Return a link, a refresh, or a stop."""
    if (captcha := robot_check(page)) is not None:
        return captcha
    if page.refresh and page.refresh_seconds <= LONGEST_WAIT_SECONDS:
        return Follow(page.refresh, "followed the page's refresh")
    if (needed := needs(forms)) is not None:
        return needed
    if (language := _language(page, forms, state)) is not None:
        return language
    if (link := _link(page, state)) is not None:
        return _follow(link)
    if not state.interactive and (frame := _frame(page)) is not None:  # a browser reads frames itself
        return Follow(frame, "opened the page in the frame")
    return _to_the_app(page, forms, state) or _end(page, forms, state)


def _press(form: WebForm, button: Button) -> Step:
    return Step(form, button, "choice", {}, (f"pressed “{button.label[:60]}”",))


def _follow(link: Link) -> Follow:
    return Follow(link.url, f"followed “{link.label[:60]}”", link.ref)


def _frame(page: WebPage) -> str | None:
    """Return the one frame of the same site whose page this one embeds."""
    near = [url for url in page.frames if urlsplit(url)[:2] == urlsplit(page.url)[:2]]
    telling = [url for url in near if tone(split_name(urlsplit(url).path)) in ("sign-in", "yes")]
    return near[0] if len(near) == 1 else telling[0] if len(telling) == 1 else None


def _language(page: WebPage, forms: list[WebForm], state: State) -> Step | Follow | None:
    """Choose English on a page that first asks for a language."""
    if state.logins or not means(f"{page.title} {page.heading}", "language"):
        return None
    for form in forms:
        for button in form.buttons:
            if _is_english(button.label) and (button.submits or state.interactive):
                return _press(form, button)
    for link in page.links:
        if _is_english(link.label) and urlsplit(link.url)[:2] == urlsplit(page.url)[:2]:
            return _follow(link)
    return None


def _is_english(label: str) -> bool:
    return label.strip().lower().startswith("english") and len(label.split()) <= 3


def _to_the_app(page: WebPage, forms: list[WebForm], state: State) -> Step | Follow | None:
    """Return what leads back from a last page that says that all is done."""
    words = f"{page.title} {page.heading} {page.text[:500]}"
    if not state.logins or not says(words, "success") or _is_trouble(page):
        return None
    for form in forms:
        for button in form.buttons:
            if button.submits and means(button.label, "to_the_app"):
                return _press(form, button)
    for link in page.links:
        answers = {"code", "state"} <= parse_qs(urlsplit(link.url).query).keys()
        if means(link.label, "to_the_app") or (answers and tone(link.label) == "go"):
            return _follow(link)
    return None


def _is_trouble(page: WebPage) -> bool:
    """Return whether a page reports a failure. On a scripted page, long text is not searched."""
    top = f"{page.title} {page.heading} {page.alert}"
    says_little = not page.scripted or len(page.text) < SHORT_TEXT
    return says(top, "trouble") or (says_little and says(page.text, "trouble"))


def _link(page: WebPage, state: State) -> Link | None:
    """Return a link that a page offers instead of a button."""
    if not is_offer(page) and says(f"{page.title} {page.heading} {page.alert} {page.text[:500]}", "trouble"):
        return None
    role = "" if state.logins else of_members([link.label for link in page.links if link.label])
    wanted: tuple[str, ...] = (
        ("yes",) if is_consent(page) else ("later", "no", "go") if is_offer(page) else ("go",)
    )
    wanted = wanted if state.logins else ("sign-in", *wanted)
    origin = urlsplit(page.url)[:2]
    pair = is_consent(page) and any(tone(link.label) == "no" for link in page.links)
    longest = 20 if pair else 6  # words; with its opposite on the page an answer may be a sentence
    for kind in wanted:
        for link in page.links:
            near = urlsplit(link.url)[:2] == origin and link.url.partition("#")[0] != page.url
            if near and len(link.label.split()) <= longest and tone(link.label) == kind:
                return link
    if role:
        return next(link for link in page.links if link.label == role)
    return None


def _end(page: WebPage, forms: list[WebForm], state: State) -> Stop:
    """Return a stop: why nothing leads on, and whether the grader is the cause."""
    after = "after the login" if state.logins else "before any login form"
    words = f"{page.title} {page.heading} {page.text}"
    trouble = _is_trouble(page)
    buttons = [b for form in [*forms, page.loose] for b in form.buttons]
    makes = [f for f in forms if any(asks(c) == "new password" for c in f.passwords)]
    if makes:
        return Stop("a page asks for a new password", ours=True)
    if not trouble and any(f.typed and is_beside(f) for f in forms):
        return Stop("a page would create an account or reset a password", ours=True)
    if says(words, "second_factor") and not trouble:
        return Stop("a page waits for a second factor", ours=True)
    if says(words, "needs_script") or (page.scripted and not trouble and not state.interactive):
        return Stop(f"a page {after} needs scripts", ours=True)
    unknown = [b for b in buttons if tone_of(b) in ("", "go", "yes", "social")]
    if unknown and not trouble:
        shown = ", ".join(f"“{b.label[:40]}”" for b in buttons[:4])
        return Stop(
            f"a page {after} has buttons that the scorer does not understand or cannot press: {shown}",
            ours=True,
        )
    asks_something = "?" in page.heading or says(f"{page.title} {page.heading}", "placeholder")
    answers = [link for link in page.links if tone(link.label) in ("", "yes", "go")]
    if (page.frames or (asks_something and (answers or page.pressable))) and not trouble:
        return Stop(f"a page {after} asks a question that the scorer does not understand", ours=True)
    return Stop(f"sign-in ended on a page of the payer {after}, not at the app", ours=False)
