"""What is read of a page, element by element, and what phrases on pages mean; both are kept to be read."""
# ruff: noqa: E501  the pages stand as they are served

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import pytest
import transcripts

from sandbox.score.signin.pages.forms import durations
from sandbox.score.signin.pages.forms.buttons import of_members
from sandbox.score.signin.pages.forms.fields import asks, is_decoy, is_optional
from sandbox.score.signin.pages.page import WebPage
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.pages.words import is_reversed, means, questions, says, split_name, tone

URL = "https://id.payer.example/a/login?flow=1"

SPECIMENS = {
    "kinds of control": """
        <form method="post" action="/x/y/signin?z=1" id="loginForm" class="big-box"><h1>Welcome</h1>
        <input name="plain"><input type="EMAIL" name="mail" required placeholder="you@example.com">
        <input type="date" name="born" aria-required="true"><input type="odd" name="odd" value="7" readonly>
        <input type="hidden" name="csrf" value="t"><input type="range" name="range" value="3">
        <textarea name="note" autocomplete="Off">first
        line</textarea><textarea name="empty"></textarea>
        <select name="plan"><option value="">Choose</option><optgroup label="G"><option>HMO</option>
        <option value="2" selected>PPO</option></optgroup></select>
        <select name="many" multiple><option value="1" selected disabled>One</option><option value="2" label="Two">2</option></select>
        <input type="checkbox" name="keep" checked><input type="radio" name="r" value="a">
        <input type="reset" value="Clear"><input type="file" name="f"><input type="text">
        <input type="submit"><input type="submit" name="go" value="Sign in" formaction="/other" formmethod="POST">
        <input type="image" name="pic" alt="Enter" src="/go.png"><input type="button" value="More">
        <button>Plain</button><button type="button" aria-label="Close"></button><button type="reset">R</button>
        <button title="By title"></button><button><img alt="By picture"></button><button disabled>Asleep</button></form>""",
    "labels": """
        <form><label for="a">By for <b>bold</b></label><input id="a" name="a">
        <label>Around <input name="b"> it</label><span id="c1">Pointed</span><span id="c2">at</span>
        <input name="c" aria-labelledby="c1 c2 gone"><input name="d" aria-label="By aria">
        <input name="e" title="By title"><p>Before it</p><input name="f"><label for="g">Star *</label><input id="g" name="g">
        <table><tr><td>In the cell before</td><td><input name="h"></td></tr></table>
        <label for="i" style="display:none">Hidden label</label><input id="i" name="i" placeholder="placeholder">
        <fieldset><legend>Over them</legend><label><input type="checkbox" name="j" value="1">One</label>
        <label><input type="checkbox" name="k" value="1">Two</label></fieldset>
        <div role="group" aria-labelledby="c1 c2"><input type="radio" name="l" value="1"></div>
        <div role="radiogroup" aria-label="Said"><input type="radio" name="m" value="1"></div>
        <label for='q"q'>Odd id</label><input id='q"q' name="n"><label><img alt="Picture"><input name="o"></label></form>""",
    "hidden and far away": """
        <style>.gone{display:none} .back{display:none} .back{display:block} #off{left:-9999px} .small{width:1px}
        @media screen{.screen{visibility:hidden}} @media print{.print{display:none}} .clear{opacity:0}</style>
        <form method="post"><div class="gone"><input name="a"><button>Gone</button></div><input class="back" name="b">
        <div id="off"><input name="c"></div><input class="small" name="d"><input type="checkbox" class="small" name="d2">
        <input class="screen" name="e"><input class="print" name="f"><input class="clear" name="g">
        <div hidden><input name="h"></div><div hidden="until-found"><input name="i"></div><div inert><input name="j"></div>
        <div aria-hidden="true"><input name="k"></div><dialog><input name="l"></dialog><dialog open><input name="m"></dialog>
        <input name="n" style="POSITION:absolute; left: -5000px"><input name="o" style="transform:scale(0)">
        <template><input name="p"></template><input name="q" style="visibility: hidden !important">
        <fieldset disabled><input name="r"><legend><input name="s"></legend></fieldset><input name="t" disabled></form>""",
    "forms in several places": """
        <base href="/elsewhere/"><h2>First</h2><form id="one" name="search" role="search"><input name="q"><button>Find</button></form>
        <h3>Second?</h3><h3>Second</h3><form id="two" method="POST" action=""><input type="password" name="p"></form>
        <input form="two" name="u"><button form="two">Log in</button><button form="none">Nowhere</button><input name="loose">
        <form method="dialog"><legend>Third</legend><button>OK</button></form>
        <table><form method="post" action="/t"><tr><td><input name="in" ></td><td><button>Go</button></td></tr></form></table>
        <input type="text" name="out">""",
    "links": """
        <a href="next">Next</a><a href="https://other.example/x">Away</a><a href="#top">Jump</a><a href="#allow">Allow</a>
        <i id="top"></i><a href="mailto:a@b.example">Mail</a><a href="tel:1">Call</a><a href="javascript:go()">Continue</a>
        <a href="javascript:__doPostBack('ctl$yes','1')">Agree</a><a href="JavaScript: __doPostBack('ctl$no')">Decline</a>
        <a onclick="go()">Accept</a><a href="" aria-label="By aria" onclick="go()"></a><a href="/t" title="By title"></a>
        <a>No way</a><div hidden><a href="/hidden">Hidden</a></div>
        <form><a href="javascript:WebForm_DoPostBackWithOptions(new WebForm_PostBackOptions('a$b', ''))">Sign in</a></form>
        <div role="button">Allow</div><div role="button" hidden>Deny</div><li role="menuitem">Member</li>""",
    "what a page says": """
        <html><head><title> The   title </title><meta http-equiv="Refresh" content="3; URL='/after'"></head><body>
        <h1>Heading one</h1><h1>Heading two</h1><h3>Third</h3><p>Some text</p><p hidden>Unseen text</p>
        <div role="alert">Alert by role</div><p class="field-error">By class</p><p id="loginWarning">By id</p>
        <span aria-live="assertive">Loud</span><span aria-live="polite">Quiet</span><p class="terror">No alert</p>
        <script src="/recaptcha/api.js"></script><script type="application/json">{}</script><!-- nothing --></body>""",
    "a refresh without an address": '<meta http-equiv="refresh" content="30">',
    "a refresh at once": '<meta http-equiv="refresh" content="0,/b"><meta http-equiv="refresh" content="1;url=/c">',
    "a refresh of half a second": '<meta http-equiv="refresh" content=".5; url=c">',
    "another meta element": '<meta name="refresh" content="0;url=/x"><script type="module">1</script>',
    "frames": """<iframe src="/inner"></iframe><iframe src="/tiny" width="1px"></iframe><iframe src="/none" height="0"></iframe>
        <iframe src="about:blank"></iframe><iframe></iframe><div hidden><iframe src="/hidden"></iframe></div>
        <frame src="top.html"><div class="h-captcha" data-sitekey="k"></div>""",
    "only data scripts": '<script type="application/ld+json">{}</script><span onclick="x()">Press</span>',
    "nothing": "",
    "text without markup": "Something went wrong &amp; more",
}  # fmt: skip

PHRASES = (
    *("Allow", "Don't allow", "Deny", "No", "Yes", "Yes, share my data", "No, do not share", "Share (cancel at any time)"),
    *("Allow until I revoke it", "Agree, but share nothing", "Share nothing", "Not now", "Maybe later", "Remind me later"),
    *("Continue", "Next", "Submit", "Continue without sharing", "Continue with Google", "Sign in with Apple", "Sign in"),
    *("Log in", "Sign up", "Create an account", "Register", "Forgot password?", "Cancel", "Back", "Log out", "Help"),
    *("Permitir", "No permitir", "Aceptar", "Rechazar", "Compartir mis datos", "Continuar", "Iniciar sesión", "Ahora no"),
    *("Autoriser", "Refuser", "Zulassen", "Ablehnen", "Weiter", "Consenti", "Nega", "允许", "拒绝", "허용", "거부", "同意する"),
    *("Stop sharing with the app?", "You can stop at any time. Share your data?", "Do you want to deny access?"),
    *("Opt out of sharing", "I do not want to share.", "Are you a representative?", "Share your data with the app?"),
    *("I am a member", "Member", "Provider", "Broker", "Employer", "Former member", "Keep me signed in", "Remember this device"),
    *("I agree to the terms", "Send me offers", "All of my data", "Only my claims", "Claims and coverage", "Select all"),
    *("Verification code", "Date of birth", "SSN", "ZIP code", "Mother's maiden name", "Username or email", "Member ID"),
    *("New password", "Confirm password", "Leave this field empty", "Phone number", "First name", "Enter the characters you see"),
    *("Activate my account", "Accept cookies", "Change language", "Español", "Search", "Download the app", "Done", "OK", ""),
)  # fmt: skip
MEANINGS = (
    *("share", "everything", "part", "member", "another_role", "marketing", "terms", "data", "placeholder", "decoy"),
    *("username", "member_id", "code", "captcha", "new_password", "birth_date", "search", "optional", "ended"),
    *("consent_page", "reversed", "of_oneself", "wrong_password", "social", "away", "go"),
)  # fmt: skip
NAMES = ("loginUserName_1", "user-name", "PASSWORD", "ctl00$Main$txtUser", "a", "", "consentAllow")
DURATIONS = (
    ("Once", "30 days", "1 year"), ("One year", "six months", "Until I revoke it"),
    ("1 hour", "One week", "3 months", "Never"), ("un año", "6 meses"), ("90 days", "Share everything"),
    ("Never", "Always"), ("12 months", "1 year", "2 weeks"),
    ("Records up to 5 years old", "Records up to 10 years old"), ("7 days",),
)  # fmt: skip


def lines_of(value: Any, name: str = "") -> list[str]:
    """A dataclass as lines, without what is empty."""
    if is_dataclass(value) and not isinstance(value, type):
        told = ((f.name, getattr(value, f.name)) for f in fields(value))
        return [f"{name} {type(value).__name__}:", *(f"  {line}" for n, v in told for line in lines_of(v, n))]
    if isinstance(value, (tuple, list)):
        return [line for one in value for line in lines_of(one, name)]
    return [] if value in ("", None, False, 0) else [f"{name}: {value!r}"]


def fields_of(page: WebPage) -> list[str]:
    controls = [c for form in (*page.forms, page.loose) for c in form.controls]
    return [f"{c.called}: {asks(c)!r} decoy={is_decoy(c)} optional={is_optional(c)}" for c in controls]


@pytest.mark.parametrize("name", SPECIMENS)
def test_a_page_is_read(name: str) -> None:
    page = read(SPECIMENS[name], URL, refresh="5; url=/header" if name == "nothing" else "")
    parts = {name: "\n".join(lines_of(page)), "what is asked": "\n".join(fields_of(page))}
    transcripts.check_whole(f"pages/{name}", parts)


def test_a_page_that_a_browser_drew_is_read_by_its_marks() -> None:
    drawn = (
        '<form data-ref="4"><input data-ref="9" name="u"><input data-ref="10" data-shown="0" name="v">'
        '<input data-ref="12"><button data-ref="11" disabled>Sign in</button><a data-ref="13" onclick="x">Go</a></form>'
    )  # fmt: skip
    transcripts.check_whole("pages/drawn", {"drawn": "\n".join(lines_of(read(drawn, URL, rendered=True)))})


def test_phrases_mean_what_they_mean() -> None:
    told = []
    for phrase in PHRASES:
        meant = [
            meaning for meaning in MEANINGS if means(phrase, meaning) and says(f"So: {phrase} now", meaning)
        ]
        told.append(
            f"{phrase!r}: {tone(phrase)!r} {' '.join(meant)}{' reversed' if is_reversed(phrase) else ''}"
        )
    lasting = [f"{labels}: {durations.longest(labels)}" for labels in DURATIONS]
    parts = {"phrases": "\n".join(told), "names": "\n".join(f"{n!r}: {split_name(n)!r}" for n in NAMES)}
    parts["durations"] = "\n".join(lasting)
    parts["questions"] = "\n".join(questions("Hello. Are you well? Fine! Share; or not? Bye."))
    roles = (
        ("Member", "Provider"),
        ("Provider", "Broker"),
        ("Member", "Members"),
        ("Broker", "I am a member", "Member"),
    )
    parts["roles"] = "\n".join(f"{labels}: {of_members(labels)!r}" for labels in roles)
    transcripts.check_whole("pages/phrases", parts)
