"""Sign-in pages of many makers, one step each: what is filled, ticked and pressed, and where it stops."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.score.signin.pages.choice import decide
from sandbox.score.signin.pages.reader import read
from sandbox.score.signin.pages.steps import Follow, State, Step, Stop, Submission, submit

URL = "https://id.payer.example/login?flow=1"


def state(*, logged_in: bool = False) -> State:
    return State("ann", "pw", logins=int(logged_in), named=logged_in)


def decided(html: str, *, logged_in: bool = False, status: int = 200) -> Step | Follow | Stop:
    return decide(read(html, URL), state(logged_in=logged_in), status)


def sent(html: str, *, logged_in: bool = False) -> Submission:
    page = read(html, URL)
    step = decide(page, state(logged_in=logged_in))
    assert isinstance(step, Step), step
    return submit(step, page)


@pytest.mark.parametrize(
    ("html", "pairs"),
    [
        (
            '<form method="post"><input type="hidden" name="csrf" value="a&amp;b"><input name="user">'
            '<input type="password" name="pass"><button type="submit">Log in</button></form>',
            {"csrf": "a&b", "user": "ann", "pass": "pw"},
        ),
        (
            "<FORM METHOD=POST><INPUT TYPE=email NAME=Email><INPUT TYPE=PASSWORD NAME=Pwd>"
            '<input type="checkbox" name="remember"><input type=submit name=go value="Sign in"></FORM>',
            {"Email": "ann", "Pwd": "pw", "go": "Sign in"},
        ),
        (
            '<form method="post"><label>User<input type="text" name="u" value="old"></label>'
            '<input type="password" name="p"><input type="checkbox" name="tos" value="1" checked>'
            '<button name="a" value="cancel">Cancel</button>'
            '<button name="a" value="login">Log in</button></form>',
            {"u": "ann", "p": "pw", "tos": "1", "a": "login"},
        ),
    ],
)
def test_login(html: str, pairs: dict[str, str]) -> None:
    submission = sent(html)
    assert (submission.method, submission.url, dict(submission.pairs)) == ("POST", URL, pairs)


@pytest.mark.parametrize(
    "buttons",
    [
        '<button name="decision" value="deny">Deny</button>'
        '<button name="decision" value="allow">Allow</button>',
        '<button name="decision" value="cancel">No, go back</button>'
        '<button name="decision" value="allow">Yes, share my data</button>',
        '<input type="submit" name="decision" value="Don\'t allow">'
        '<input type="submit" name="decision" value="allow">',
        '<button type="button">Learn more</button><button name="decision" value="allow">I agree</button>',
    ],
)
def test_consent_presses_the_button_that_approves(buttons: str) -> None:
    submission = sent(f'<form method="post" action="/consent">{buttons}</form>', logged_in=True)
    assert (submission.url, dict(submission.pairs)) == (
        "https://id.payer.example/consent",
        {"decision": "allow"},
    )


def test_a_picker_takes_what_is_preselected_else_the_first() -> None:
    radios = '<input type="radio" name="m" value="1"><input type="radio" name="m" value="2" {}>'
    button = "<button>Continue</button>"
    plain = sent(f"<form>{radios.format('')}{button}</form>", logged_in=True)
    chosen = sent(f"<form>{radios.format('checked')}{button}</form>", logged_in=True)
    assert dict(plain.pairs)["m"] == "1"
    assert [v for _, v in chosen.pairs if v in "12"] == ["2"]
    select = '<select name="m"><option value="">Choose</option><option value="7">Bo</option></select>'
    assert dict(sent(f"<form>{select}{button}</form>", logged_in=True).pairs) == {"m": "7"}


def test_a_page_that_submits_itself_is_submitted() -> None:
    html = '<form method="post" action="/acs"><input type="hidden" name="S" value="x"></form>'
    assert dict(sent(html, logged_in=True).pairs) == {"S": "x"}


def test_a_button_may_name_its_own_target() -> None:
    html = '<form action="/x"><button formaction="/yes" formmethod="post">Approve</button></form>'
    submission = sent(html, logged_in=True)
    assert (submission.method, submission.url) == ("POST", "https://id.payer.example/yes")


@pytest.mark.parametrize(
    "html",
    [
        '<form method="post" action="/portal/activate"><button>Activate my account</button></form>',
        '<form method="post"><button name="a" value="deny">Deny</button></form>',
        '<form method="post" action="/logout"><button>Sign out</button></form>',
        '<form method="get"><input name="q"><button>Search</button></form>',
        '<form method="post"><button>Continue to the member portal</button></form>',
        "<p>You are not eligible.</p><a href='/'>Continue</a>",
        "",
    ],
)
def test_forms_that_lead_elsewhere_are_left_alone(html: str) -> None:
    assert isinstance(decided(html, logged_in=True), Stop)


@given(st.text(alphabet="<>!/=[]-\"' formINPUTselect?&;#", max_size=200))
def test_broken_html_never_raises(html: str) -> None:
    page = read(html, URL)
    step = decide(page, state())
    if isinstance(step, Step):
        submit(step, page)


@pytest.mark.parametrize("above", ["/s/search-needs-date~x/auth", "/cookie-monster/language/member"])
def test_a_form_is_not_what_the_path_above_its_action_sounds_like(above: str) -> None:
    html = (
        f'<form method="post" action="{above}/consent"><input type="hidden" name="request" value="1">'
        '<button name="decision" value="allow">Allow</button>'
        '<button name="decision" value="deny">Deny</button></form>'
    )
    submission = sent(html, logged_in=True)
    assert dict(submission.pairs) == {"request": "1", "decision": "allow"}


def test_a_last_page_leads_back_by_a_link_that_holds_the_code() -> None:
    found = decided(
        '<h1>All done</h1><a href="http://127.0.0.1/callback?code=1&amp;state=s">Continue</a>', logged_in=True
    )
    assert isinstance(found, Follow)
    assert found.url == "http://127.0.0.1/callback?code=1&state=s"


def test_a_jump_within_the_page_is_no_button() -> None:
    jump = '<a href="#main">Skip to the content</a><main id="main"></main>'
    route = '<a href="#/allow">Allow</a><a href="#main" onclick="go()">Continue</a>'
    assert [button.label for button in read(jump + route, URL).loose.buttons] == ["Allow", "Continue"]
