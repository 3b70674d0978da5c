"""Decides what a member does next on a page: fill and press, follow, or stop and say why.

Only the words of the page decide. Where they are not enough the sign-in stops, and is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator

from sandbox.score.signin.pages.endings import elsewhere
from sandbox.score.signin.pages.forms.asides import forms_of, is_aside, needs, robot_check, unanswerable
from sandbox.score.signin.pages.forms.buttons import RANKS, Press, is_consent, is_offer, press, tone_of
from sandbox.score.signin.pages.forms.login import (
    fill_login,
    fill_name,
    find_login,
    find_name_first,
    is_beside,
    is_second_login,
    refused,
)
from sandbox.score.signin.pages.forms.options import Chosen, choose
from sandbox.score.signin.pages.page import WebForm, WebPage
from sandbox.score.signin.pages.steps import Follow, State, Step, Stop
from sandbox.score.signin.pages.words import means, says


def decide(page: WebPage, state: State, status: int = 200) -> Step | Follow | Stop:
    """Return the next step. `status` is the page's HTTP status."""
    forms = forms_of(page, state)
    login = find_login(forms)
    again = state.tried.get(page.signature, 0)
    if login is not None:
        if state.logins and not is_second_login(page, login, state, status):
            return refused(page, state, status)
        return robot_check(page) or fill_login(page, login, state)
    if status >= 400:
        return Stop(f"sign-in ended on a page with status {status}", ours=bool(page.robot_check))
    if not state.logins and (first := find_name_first(forms)):
        if state.named:
            return refused(page, state, status)
        return robot_check(page) or fill_name(first, state)
    waits = says(f"{page.title} {page.heading}", "second_factor") and not is_consent(page)
    if waits and not _can_be_put_off(page, forms):
        return needs(forms) or Stop("a page waits for a second factor", ours=True)
    if again > 1:
        return Stop(f"the same page appeared {again + 1} times", ours=True)
    candidates = list(_candidates(page, forms, state, tick_all=bool(again)))
    if candidates:
        best = max(candidates, key=lambda candidate: candidate[0])
        return (robot_check(page) if best[0] < RANKS["yes"] else None) or best[1]
    return elsewhere(page, forms, state)


def _can_be_put_off(page: WebPage, forms: list[WebForm]) -> bool:
    """Return whether a page only offers to set something up, and has a button for later."""
    return is_offer(page) and any(tone_of(b) == "later" for form in forms for b in form.buttons)


def _candidates(
    page: WebPage, forms: list[WebForm], state: State, *, tick_all: bool
) -> Iterator[tuple[float, Step]]:
    """Yield forms that lead on, the clearest with the highest number."""
    consenting = is_consent(page)
    for form in forms:
        if (
            form.passwords
            or is_aside(form)
            or (form.typed and is_beside(form))
            or next(unanswerable(form), None) is not None
        ):
            continue
        if form.submits_itself:
            yield 2.5, Step(form, None, "choice", {}, ("sent the page's hidden form",))
            continue
        pick = press(form, page, state.username, interactive=state.interactive)
        if pick is None or (state.logins == 0 and _is_only_unknown_button(form, pick)):
            continue
        chosen = choose(form, state.username, consenting=consenting, tick_all=tick_all)
        notes = (*chosen.notes, f"pressed “{pick.button.label[:60]}”")
        doubts = (*chosen.doubts, *([pick.doubt] if pick.doubt else ()))
        step = Step(form, pick.button, "choice", chosen.values, notes, doubts)
        yield _rank(form, pick, chosen), step


def _rank(form: WebForm, pick: Press, chosen: Chosen) -> float:
    rank = pick.rank + (0.6 if any(c.kind in ("radio", "select", "checkbox") for c in form.shown) else 0)
    if means(form.about, "cookie"):
        rank = 0.5  # a banner: only when there is nothing else
    return rank - (0.3 if pick.doubt or chosen.doubts else 0) + (0.1 if form.method == "post" else 0)


def _is_only_unknown_button(form: WebForm, pick: Press) -> bool:
    """Return whether it is only a button with unknown words: before the login it is not pressed."""
    return pick.rank <= 1 and not form.controls
