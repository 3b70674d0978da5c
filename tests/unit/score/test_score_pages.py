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


def test_a_picker_takes_what_is_preselected_else_the_first() -> None:
    radios = '<input type="radio" name="m" value="1"><input type="radio" name="m" value="2" {}>'
    button = "<button>Continue</button>"
    plain = sent(f"<form>{radios.format('')}{button}</form>", logged_in=True)
    chosen = sent(f"<form>{radios.format('checked')}{button}</form>", logged_in=True)
    assert dict(plain.pairs)["m"] == "1"
    assert [v for _, v in chosen.pairs if v in "12"] == ["2"]
    select = '<select name="m"><option value="">Choose</option><option value="7">Bo</option></select>'
    assert dict(sent(f"<form>{select}{button}</form>", logged_in=True).pairs) == {"m": "7"}


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
