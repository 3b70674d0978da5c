"""What a member does next on a page: fill and press, follow, or stop and say why.

Only what a page says decides. Where it does not say enough the sign-in stops, and counts for nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import urlsplit

from sandbox.score.pages.buttons import RANKS, Press, is_consent, is_offer, press, tone_of
from sandbox.score.pages.fields import Ask, asks, is_decoy, is_optional
from sandbox.score.pages.options import Chosen, choose
from sandbox.score.pages.page import Button, Control, Form, Link, Page
from sandbox.score.pages.words import means, says, tone

Purpose = Literal["login", "name", "choice"]
LONGEST_WAIT_SECONDS = 60.0  # of a meta refresh; a longer one ends a session, it does not go on


@dataclass
class State:
    """What has happened on the way so far."""

    username: str
    password: str = field(repr=False)
    interactive: bool = False
    named: bool = False
    logins: int = 0
    login_form: tuple[object, ...] = ()
    scripted_login: bool = False
    tried: dict[tuple[object, ...], int] = field(default_factory=dict)
    doubts: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """A form to fill and send. `values`: a control's ref to its text, or to whether it is on."""

    form: Form
    button: Button | None
    purpose: Purpose
    values: dict[int, str | bool | tuple[str, ...]] = field(repr=False)
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Follow:
    """An address to open: a link that is pressed, or a meta refresh."""

    url: str
    note: str
    ref: int = -1


@dataclass(frozen=True)
class Stop:
    """The end of the way. `ours`: it ended for want of our skill, and tells nothing of the payer.

    `login`: the payer did not accept the user name and password.
    """

    reason: str
    ours: bool
    login: bool = False


def decide(page: Page, state: State, status: int = 200) -> Step | Follow | Stop:
    """The next thing to do. `status` is the page's HTTP status."""
    forms = _forms(page, state)
    login = _login(forms)
    again = state.tried.get(page.signature, 0)
    if login is not None:
        if state.logins and not _is_second_login(page, login, state, status):
            return _refused(page, state, status)
        return _robot(page) or _fill_login(page, login, state)
    if status >= 400:
        return Stop(f"sign-in ended on a page with status {status}", ours=bool(page.robot_check))
    if not state.logins and (first := _name_first(forms)):
        if state.named:
            return _refused(page, state, status)
        return _robot(page) or _fill_name(page, first, state)
    if again > 1:
        return Stop(f"the same page came {again + 1} times", ours=True)
    candidates = list(_candidates(page, forms, state, tick_all=bool(again)))
    if candidates:
        best = max(candidates, key=lambda found: found[0])
        return (_robot(page) if best[0] < RANKS["yes"] else None) or best[1]
    return _elsewhere(page, forms, state)


def asks_password(page: Page) -> bool:
    """Whether a page asks for the password of an account."""
    return _login([*page.forms, page.loose]) is not None


def _forms(page: Page, state: State) -> list[Form]:
    return [*page.forms, page.loose] if state.interactive else list(page.forms)


# signing in


def _login(forms: list[Form]) -> Form | None:
    """The form that asks for the password of an account that exists; one for members before others."""
    found = [f for f in forms if [asks(c) for c in f.passwords] == ["password"] and not _makes_account(f)]
    return next((f for f in found if means(f.about, "member")), found[0] if found else None)


def _makes_account(form: Form) -> bool:
    tones = [tone_of(b) for b in form.buttons]
    return bool(tones) and all(t in ("sign-up", "away", "no", "social") for t in tones)


def _name_first(forms: list[Form]) -> Form | None:
    """The form of a first page that asks for the user name alone."""
    for form in forms:
        asked = [asks(c) for c in form.typed if not is_decoy(c)]
        if "username" not in asked or form.passwords or _is_search(form) or means(form.about, "marketing"):
            continue
        if _makes_account(form) or any(means(b.label, "marketing") for b in form.buttons):
            continue
        if any(tone_of(b) in ("sign-in", "go", "yes", "") for b in form.buttons) or not form.buttons:
            return form
    return _bare_name(forms)


def _bare_name(forms: list[Form]) -> Form | None:
    """A form with one unnamed field and a button that signs in or goes on."""
    for form in forms:
        typed = [c for c in form.typed if not is_decoy(c)]
        plain = len(typed) == 1 and asks(typed[0]) in ("", "a member ID") and form.method == "post"
        if plain and not _is_search(form) and any(tone_of(b) in ("sign-in", "go") for b in form.buttons):
            return form
    return None


def _is_second_login(page: Page, form: Form, state: State, status: int) -> bool:
    """Another login on another page, not the first one once more."""
    if state.logins > 1 or status >= 400 or says(f"{page.alert} {page.text}", "wrong_password"):
        return False
    path, names = urlsplit(page.url).path, tuple(c.name for c in form.controls)
    return path != state.login_form[0] and names != state.login_form[1]


def _fill_login(page: Page, form: Form, state: State) -> Step | Stop:
    fields = [c for c in form.typed if c.kind != "password" and not is_decoy(c)]
    name, doubts = _name_field(fields, state)
    values: dict[int, str | bool | tuple[str, ...]] = {form.passwords[0].ref: state.password}
    filled = [form.passwords[0].called]
    if name is not None:
        values[name.ref] = state.username
        filled.insert(0, name.called)
    for other in fields:
        if other is not name and not is_optional(other) and not other.value:
            return Stop(f"the sign-in page asks for {_asked(other)} as well", ours=True)
        if other is not name and asks(other) == "the text of a picture":
            return Stop("the sign-in page asks for the text of a picture", ours=True)
    state.logins += 1
    state.login_form = (urlsplit(page.url).path, tuple(c.name for c in form.controls))
    state.scripted_login = page.scripted
    return _step(form, page, state, "login", values, [f"filled {', '.join(filled)}"], doubts)


def _name_field(fields: list[Control], state: State) -> tuple[Control | None, list[str]]:
    """The field for the user name, and the doubt when more than one might be it."""
    known: list[Ask] = ["username", "", "a member ID"]
    ranked = sorted((known.index(asks(c)), n) for n, c in enumerate(fields) if asks(c) in known)
    if not ranked:
        return None, []
    best = [fields[n] for rank, n in ranked if rank == ranked[0][0]]
    if len(best) > 1:
        exact = [c for c in best if c.autocomplete.startswith("username")] or [c for c in best if c.required]
        best = exact if len(exact) == 1 else best
    doubt = (
        [f"the user name went into “{best[0].called}”, one of {len(best)} fields"] if len(best) > 1 else []
    )
    return best[0], doubt


def _fill_name(page: Page, form: Form, state: State) -> Step | Stop:
    fields = [c for c in form.typed if not is_decoy(c)]
    name, doubts = _name_field(fields, state)
    if name is None:
        return Stop("the first page has no field for a user name", ours=True)
    for other in fields:
        if other is not name and not is_optional(other) and not other.value:
            return Stop(f"the first page asks for {_asked(other)} as well", ours=True)
    state.named = True
    return _step(form, page, state, "name", {name.ref: state.username}, [f"filled {name.called}"], doubts)


def _step(
    form: Form,
    page: Page,
    state: State,
    purpose: Purpose,
    values: dict[int, str | bool | tuple[str, ...]],
    notes: list[str],
    doubts: list[str],
) -> Step:
    """A form that signs in, with its choices and the button for it."""
    chosen = choose(form, state.username, consenting=False)
    usable = [b for b in form.buttons if b.submits or state.interactive]
    order = ("sign-in", "go", "yes", "", "away")
    ranked = sorted((order.index(tone_of(b)), n) for n, b in enumerate(usable) if tone_of(b) in order[:4])
    button = usable[ranked[0][1]] if ranked else None
    if button is None and form.buttons:
        doubts = [*doubts, "the form was sent without a button: its own need scripts, or are not known"]
    pressed = [f"pressed “{button.label[:60]}”"] if button else ["sent the form"]
    every = [*notes, *chosen.notes, *pressed]
    return Step(form, button, purpose, {**chosen.values, **values}, tuple(every), (*doubts, *chosen.doubts))


def _refused(page: Page, state: State, status: int) -> Stop:
    """The sign-in form once more: the payer's word where it says so, or where nothing else explains it."""
    told = says(page.alert or page.text, "wrong_password")
    unclear = bool(state.doubts) or (not told and status < 400 and (page.scripted or state.scripted_login))
    if page.robot_check and not told:
        return Stop(f"the sign-in page shows a CAPTCHA ({page.robot_check})", ours=True)
    if unclear:
        return Stop("the sign-in form came again, and why is not clear", ours=True)
    return Stop("the payer did not accept the user name and password", ours=False, login=True)


# what comes after


def _candidates(
    page: Page, forms: list[Form], state: State, *, tick_all: bool
) -> Iterator[tuple[float, Step]]:
    """Forms that go on, the clearest with the highest number."""
    consenting = is_consent(page)
    for form in forms:
        if form.passwords or _is_aside(form) or next(_unanswerable(form), None) is not None:
            continue
        if form.submits_itself:
            yield 2.5, Step(form, None, "choice", {}, ("sent the page's hidden form",))
            continue
        found = press(form, page, state.username, interactive=state.interactive)
        if found is None or (state.logins == 0 and _is_front_door(form, found)):
            continue
        chosen = choose(form, state.username, consenting=consenting, tick_all=tick_all)
        yield _rank(form, found, chosen), _pressed(form, found, chosen)


def _pressed(form: Form, found: Press, chosen: Chosen) -> Step:
    notes = (*chosen.notes, f"pressed “{found.button.label[:60]}”")
    doubts = (*chosen.doubts, *([found.doubt] if found.doubt else ()))
    return Step(form, found.button, "choice", chosen.values, notes, doubts)


def _rank(form: Form, found: Press, chosen: Chosen) -> float:
    rank = found.rank + (0.6 if any(c.kind in ("radio", "select", "checkbox") for c in form.shown) else 0)
    if means(form.about, "cookie"):
        rank = 0.5  # a banner: only when there is nothing else
    return rank - (0.3 if found.doubt or chosen.doubts else 0) + (0.1 if form.method == "post" else 0)


def _is_front_door(form: Form, found: Press) -> bool:
    """Before the login nothing is agreed to by a form that only has a button nobody knows."""
    return found.rank <= 1 and not form.controls


def _is_aside(form: Form) -> bool:
    """Search, language, log out: on many pages, and never on the way."""
    return _is_search(form) or (
        means(form.about, "language") and all(c.kind in ("select", "radio") for c in form.shown)
    )


def _is_search(form: Form) -> bool:
    if means(form.about, "search"):
        return True
    asked = [asks(c) for c in form.typed]
    return (bool(asked) and asked[0] == "a search") or [c.name for c in form.typed] == ["q"]


def _unanswerable(form: Form) -> Iterator[Control]:
    """Fields that only the member could fill."""
    for control in form.typed:
        if is_decoy(control) or control.value or (control.kind == "textarea" and is_optional(control)):
            continue
        harmless = is_optional(control) and asks(control) in ("", "a search", "username")
        if not harmless and not means(control.label, "optional"):
            yield control


def _elsewhere(page: Page, forms: list[Form], state: State) -> Follow | Stop:
    """No form goes on: a link, a refresh, or the end."""
    if page.robot_check:
        return Stop(f"the page shows a CAPTCHA ({page.robot_check})", ours=True)
    if page.refresh and page.refresh_seconds <= LONGEST_WAIT_SECONDS and page.refresh not in (page.url,):
        return Follow(page.refresh, "followed the page's refresh")
    asked = [c for form in forms if not _is_aside(form) for c in _unanswerable(form)]
    if asked:
        return Stop(f"a page asks for {_asked(asked[0])}", ours=True)
    if (link := _link(page, state)) is not None:
        return Follow(link.url, f"followed “{link.label[:60]}”", link.ref)
    return _end(page, forms, state)


def _link(page: Page, state: State) -> Link | None:
    """A link that a page offers instead of a button."""
    if says(f"{page.title} {page.heading} {page.alert} {page.text[:500]}", "trouble"):
        return None
    wanted: tuple[str, ...] = ("yes",) if is_consent(page) else ("later",) if is_offer(page) else ("go",)
    wanted = wanted if state.logins else ("sign-in", *wanted)
    origin = urlsplit(page.url)[:2]
    for kind in wanted:
        for link in page.links:
            near = urlsplit(link.url)[:2] == origin and link.url.partition("#")[0] != page.url
            if near and len(link.label.split()) <= 6 and tone(link.label) == kind:
                return link
    return None


def _end(page: Page, forms: list[Form], state: State) -> Stop:
    """Why nothing goes on, and whether that is for want of our skill."""
    after = "after the login" if state.logins else "before any login form"
    words = f"{page.title} {page.heading} {page.text}"
    trouble = says(words, "trouble")
    buttons = [b for form in [*forms, page.loose] for b in form.buttons]
    makes = [f for f in forms if any(asks(c) == "new password" for c in f.passwords)]
    if makes:
        return Stop("a page asks for a new password", ours=True)
    if says(words, "second_factor") and not trouble:
        return Stop("a page waits for a second factor", ours=True)
    if says(words, "needs_script") or (page.scripted and not trouble and not state.interactive):
        return Stop(f"a page {after} needs scripts", ours=True)
    unknown = [b for b in buttons if tone_of(b) in ("", "go", "yes", "social")]
    if unknown and not trouble:
        shown = ", ".join(f"“{b.label[:40]}”" for b in buttons[:4])
        return Stop(f"a page {after} has buttons that cannot be told apart or pressed: {shown}", ours=True)
    return Stop(f"sign-in ended on a page of the payer {after}, not at the app", ours=False)


def _robot(page: Page) -> Stop | None:
    if not page.robot_check:
        return None
    return Stop(f"the page shows a CAPTCHA ({page.robot_check})", ours=True)


def _asked(control: Control) -> str:
    ask = asks(control)
    return ask if ask not in ("", "username", "password", "a search") else f"“{control.called[:60]}”"
