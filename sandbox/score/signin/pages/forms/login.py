"""Finds and fills the forms that sign in, and decides what it means when one comes again."""

from __future__ import annotations

from urllib.parse import urlsplit

from sandbox.score.signin.pages.forms.asides import describe_field, is_search
from sandbox.score.signin.pages.forms.buttons import tone_of
from sandbox.score.signin.pages.forms.fields import Ask, asks, is_decoy, is_optional
from sandbox.score.signin.pages.forms.options import choose
from sandbox.score.signin.pages.page import Control, WebForm, WebPage
from sandbox.score.signin.pages.steps import Purpose, State, Step, Stop, Values
from sandbox.score.signin.pages.words import means, says, split_name


def asks_password(page: WebPage) -> bool:
    """Return whether a page asks for the password of an account."""
    return find_login([*page.forms, page.loose]) is not None


def find_login(forms: list[WebForm]) -> WebForm | None:
    """Return the form that asks for an existing account's password; one for members before others."""
    logins = [f for f in forms if _asks_one_password(f) and not is_beside(f)]
    likely = [f for f in logins if not means(f.about, "another_role")] or logins
    return next((f for f in logins if means(f.about, "member")), likely[0] if likely else None)


def _asks_one_password(form: WebForm) -> bool:
    """Return whether it asks for one existing password. Some pages mark that as a new one."""
    asked_for = [asks(c) for c in form.passwords]
    if asked_for == ["new password"] and any(tone_of(b) == "sign-in" for b in form.buttons):
        return not means(f"{form.passwords[0].label} {split_name(form.passwords[0].name)}", "new_password")
    return asked_for == ["password"]


def is_beside(form: WebForm) -> bool:
    """Return whether a form creates an account or resets a password."""
    tones = [tone_of(b) for b in form.buttons]
    words = f"{form.heading} {form.about}"
    recovers = means(words, "recovery") and not means(words, "sign_in") and "sign-in" not in tones
    return recovers or _makes_account(form)


def _makes_account(form: WebForm) -> bool:
    tones = [tone_of(b) for b in form.buttons]
    words = f"{form.heading} {form.about}"
    if means(words, "new_account") and not (means(words, "sign_in") or "sign-in" in tones):
        return True
    return bool(tones) and all(t in ("sign-up", "away", "no", "social") for t in tones)


def find_name_first(forms: list[WebForm]) -> WebForm | None:
    """Return the form of a first page that asks for the user name alone."""
    for form in forms:
        every = [asks(c) for c in form.typed if not is_decoy(c)]
        if "username" not in every or form.passwords or is_search(form) or means(form.about, "marketing"):
            continue
        if is_beside(form) or any(means(b.label, "marketing") for b in form.buttons):
            continue
        if any(tone_of(b) in ("sign-in", "go", "yes", "") for b in form.buttons) or not form.buttons:
            return form
    return _bare_name(forms)


def _bare_name(forms: list[WebForm]) -> WebForm | None:
    """Return a form with one unnamed field and a button that signs in or continues."""
    for form in forms:
        typed = [c for c in form.typed if not is_decoy(c)]
        plain = len(typed) == 1 and asks(typed[0]) in ("", "a member ID") and form.method == "post"
        if (
            plain
            and not is_search(form)
            and not is_beside(form)
            and any(tone_of(b) in ("sign-in", "go") for b in form.buttons)
        ):
            return form
    return None


def is_second_login(page: WebPage, form: WebForm, state: State, status: int) -> bool:
    """Return whether it is another login on another page, not the first one again."""
    if state.logins > 1 or status >= 400 or says(f"{page.alert} {page.text}", "wrong_password"):
        return False
    path, names = urlsplit(page.url).path, tuple(c.name for c in form.controls)
    return path != state.login_form[0] and names != state.login_form[1]


def fill_login(page: WebPage, form: WebForm, state: State) -> Step | Stop:
    fields = [c for c in form.typed if c.kind != "password" and not is_decoy(c)]
    name, doubts = _name_field(fields, state)
    values: Values = {form.passwords[0].ref: state.password}
    filled = [form.passwords[0].called]
    if name is not None:
        values[name.ref] = state.username
        filled.insert(0, name.called)
    for other in fields:
        if other is not name and not is_optional(other) and not other.value:
            return Stop(f"the sign-in page asks for {describe_field(other)} as well", ours=True)
        if other is not name and asks(other) == "the text of a picture":
            return Stop("the sign-in page asks for the text of a picture", ours=True)
    state.logins += 1
    state.login_form = (urlsplit(page.url).path, tuple(c.name for c in form.controls))
    state.scripted_login = page.scripted
    return _step(form, state, "login", values, [f"filled {', '.join(filled)}"], doubts)


def _name_field(fields: list[Control], state: State) -> tuple[Control | None, list[str]]:
    """Return the field for the user name, and a doubt when more than one might be it."""
    order: list[Ask] = ["username", "", "a member ID"]
    ranked = sorted((order.index(asks(c)), n) for n, c in enumerate(fields) if asks(c) in order)
    if not ranked:
        return None, []
    best = [fields[n] for rank, n in ranked if rank == ranked[0][0]]
    if len(best) > 1:
        exact = [c for c in best if c.autocomplete.startswith("username")] or [c for c in best if c.required]
        best = exact if len(exact) == 1 else best
    doubt = (
        [f"the user name was entered into “{best[0].called}”, one of {len(best)} fields"]
        if len(best) > 1
        else []
    )
    return best[0], doubt


def fill_name(form: WebForm, state: State) -> Step | Stop:
    fields = [c for c in form.typed if not is_decoy(c)]
    name, doubts = _name_field(fields, state)
    if name is None:
        return Stop("the first page has no field for a user name", ours=True)
    for other in fields:
        if other is not name and not is_optional(other) and not other.value:
            return Stop(f"the first page asks for {describe_field(other)} as well", ours=True)
    state.named = True
    return _step(form, state, "name", {name.ref: state.username}, [f"filled {name.called}"], doubts)


def _step(
    form: WebForm,
    state: State,
    purpose: Purpose,
    values: Values,
    notes: list[str],
    doubts: list[str],
) -> Step:
    """Return the step of a form that signs in, with its choices and its button."""
    chosen = choose(form, state.username, consenting=False)
    usable = [b for b in form.buttons if b.submits or state.interactive]
    order = ("sign-in", "go", "yes", "", "away")
    ranked = sorted((order.index(tone_of(b)), n) for n, b in enumerate(usable) if tone_of(b) in order[:4])
    button = usable[ranked[0][1]] if ranked else None
    if button is None and form.buttons:
        doubts = [
            *doubts,
            "the form was sent without a button, because its buttons need scripts or are not known",
        ]
    pressed = [f"pressed “{button.label[:60]}”"] if button else ["sent the form"]
    every = [*notes, *chosen.notes, *pressed]
    return Step(form, button, purpose, {**chosen.values, **values}, tuple(every), (*doubts, *chosen.doubts))


def refused(page: WebPage, state: State, status: int) -> Stop:
    """Return a stop at a sign-in form that came again: refused by the payer, or unclear."""
    is_wrong = says(page.alert or page.text, "wrong_password")
    unclear = bool(state.doubts) or (
        not is_wrong and status < 400 and (page.scripted or state.scripted_login)
    )
    if page.robot_check and not is_wrong:
        return Stop(f"the sign-in page shows a CAPTCHA ({page.robot_check})", ours=True)
    if unclear:
        return Stop("the sign-in form appeared again, and it is not clear why", ours=True)
    return Stop("the payer did not accept the user name and password", ours=False, login=True)
