"""Chooses the button that a member presses who wants to share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sandbox.score.signin.pages.page import Button, WebForm, WebPage
from sandbox.score.signin.pages.words import (
    Tone,
    is_reversed,
    means,
    questions,
    says,
    sentence_that_asks,
    split_name,
    tone,
)

RANKS: dict[Tone, int] = {"yes": 5, "later": 4, "sign-in": 3, "go": 2, "": 1}


@dataclass(frozen=True)
class Press:
    """A button to press, how clearly it leads on (see RANKS), and the doubt about it, if any."""

    button: Button
    rank: int
    doubt: str = ""


def tone_of(button: Button) -> Tone:
    """Return what a button means: by its label, else by its markup."""
    texts = (button.label, split_name(button.value), button.hint, split_name(button.action))
    return next((meaning for text in texts if (meaning := tone(text))), "")


def is_consent(page: WebPage) -> bool:
    """Return whether the page asks to share: by its heading and title, else by its text."""
    top = f"{page.title} {page.heading}"
    return says(top, "consent_page") or (not is_offer(page) and says(page.text, "consent_page"))


def is_offer(page: WebPage) -> bool:
    """Return whether the page offers what sharing does not need, such as paperless mail."""
    top = f"{page.title} {page.heading}"
    return says(top if page.heading else f"{top} {page.text[:300]}", "marketing_page") and not says(
        f"{top} {page.text}", "share"
    )


def press(form: WebForm, page: WebPage, username: str, *, interactive: bool = False) -> Press | None:
    """Return the button to press, if any. `interactive`: scripts run, so any button may work."""
    usable = [b for b in form.buttons if b.submits or interactive]
    by_tone: dict[Tone, list[Button]] = {}
    for button in usable:
        by_tone.setdefault(tone_of(button), []).append(button)
    if is_offer(page):
        order: tuple[Tone, ...] = ("later", "no", "go", "yes", "sign-in")
    elif is_consent(page):
        order = ("yes", "go", "sign-in")
    else:
        order = ("yes", "later", "sign-in", "go")
    if not is_offer(page) and _asks_the_opposite(page, by_tone):
        order = ("no",)
    for wanted in order:
        if buttons := by_tone.get(wanted):
            doubt = _doubt(buttons, wanted)
            if order == ("no",):
                doubt = f"“{buttons[0].label[:60]}” was pressed, because the button for yes does not continue"
            if wanted == "later" and by_tone.get("") and not is_offer(page):
                doubt = f"“{buttons[0].label[:60]}” was pressed, although it is not clear what it postpones"
            button = _best(buttons)
            if any(_sent_alike(button, other) for other in by_tone.get("no", []) if other is not button):
                doubt = f"only a script distinguishes “{button.label[:60]}” from its opposite"
            return Press(button, RANKS.get(wanted, 4), doubt)
    return _unknown(by_tone, form, page, username)


def _sent_alike(button: Button, other: Button) -> bool:
    """Return whether a payer gets the same form from both."""
    sent = [(b.name, b.value if b.name else "", b.action, b.fields) for b in (button, other)]
    return button.submits and other.submits and sent[0] == sent[1]


def _asks_the_opposite(page: WebPage, by_tone: dict[Tone, list[Button]]) -> bool:
    """Return whether a bare yes would answer a question such as `Cancel sharing?`."""
    if not all(len(b.label.split()) == 1 for t in ("yes", "no") for b in by_tone.get(t, [])):
        return False
    if not (by_tone.get("yes") and by_tone.get("no")):
        return False
    top = f"{page.title} {page.heading}"
    if "?" not in top and says(top, "consent_page"):
        return False  # the page asks to share, whatever else its text asks
    if "?" in top:
        question = page.heading if "?" in page.heading else page.title
        return is_reversed(question) or _leads_off(sentence_that_asks(question))
    put = [q for q in questions(page.text[:2000]) if says(q, "put_question")]
    return bool(put) and all(is_reversed(q) or _leads_off(q) for q in put)


def _leads_off(question: str) -> bool:
    """Return whether yes would lead elsewhere: `Reset your password?`, `Are you a provider?`."""
    if says(question, "share") and tone(question) == "yes":
        return False
    if says(question, "another_role") or says(question, "marketing") or question.lower().startswith("not "):
        return True
    return tone(question) == "sign-up" or (tone(question) == "away" and not says(question, "go"))


def _best(buttons: Sequence[Button]) -> Button:
    if (role := of_members([b.label for b in buttons])) != "":
        return next(b for b in buttons if b.label == role)
    return next((b for b in buttons if means(b.label, "everything")), buttons[0])


def _doubt(buttons: Sequence[Button], wanted: Tone) -> str:
    if wanted == "go" and len({b.label for b in buttons}) > 1:
        return f"{len(buttons)} buttons may continue, and “{buttons[0].label}” was pressed"
    return ""


def of_members(labels: Sequence[str]) -> str:
    """Return the label for members among labels of roles (`Member`, `Provider`), if there are any."""
    others = [label for label in labels if means(label, "another_role")]
    members = [label for label in labels if means(label, "member") and label not in others]
    return members[0] if others and members else ""


def _unknown(by_tone: dict[Tone, list[Button]], form: WebForm, page: WebPage, username: str) -> Press | None:
    """Return a button with unknown words, if it is the only one or one of a list to choose from."""
    unknown = by_tone.get("", [])
    if not unknown:
        return None
    labels = [b.label for buttons in by_tone.values() for b in buttons]
    if (role := of_members(labels)) and (buttons := [b for b in unknown if b.label == role]):
        return Press(buttons[0], RANKS["go"])
    if (
        form.method == "post"
        and form.controls
        and not form.shown
        and len(unknown) == 1
        and "no" not in by_tone
    ):
        return Press(unknown[0], RANKS[""])  # an intermediate page
    named = [b for b in unknown if username and username.casefold() in f"{b.label} {b.value}".casefold()]
    if len(unknown) == 1 or named:
        button = (named or unknown)[0]
        return Press(button, RANKS[""], f"the text of the button “{button.label[:60]}” is not known")
    if "no" not in by_tone and says(f"{page.title} {page.heading} {form.about}", "placeholder"):
        return Press(unknown[0], RANKS[""], f"the first of {len(unknown)} buttons was pressed")
    return None
